/** The commands of jobs and tasks. */
import { type Command, clientOptions, limit, may, need, type Option } from './command.ts';

const id = need('ID', 'the job, job_…');
const taskId = need('ID', 'the task, task_…');
const words = may('WORDS', 'when it is due, in words: "every weekday at 9"');
const zone: Option = { name: 'in', value: 'ZONE', help: 'the time zone, such as Europe/Berlin (default: your own)' };
const chores: Option = { name: 'chores', value: 'WHICH', help: "the gateway's own: with (default), without or only" };

const whatOptions: readonly Option[] = [
  { name: 'text', value: 'TEXT', help: 'say this as it is; "-" reads standard input', multiline: true },
  { name: 'ask', value: 'PROMPT', help: 'ask the agent; with --fetch about the page', multiline: true },
  { name: 'silent', help: 'with --ask: nothing is said when there is nothing to tell' },
  { name: 'tool', value: 'NAME', help: 'call a tool' },
  { name: 'args', value: 'JSON', help: 'its arguments' },
  { name: 'fetch', value: 'URL', help: 'fetch a page' },
  { name: 'changed', help: 'with --fetch: only what changed since the time before' },
  { name: 'webhook', value: 'NAME', help: 'post to [webhooks.out.NAME]' },
  { name: 'body', value: 'JSON', help: 'with --webhook: what is posted' },
  { name: 'payload', value: 'FILE', help: 'what to do as JSON, such as a workflow; "-" reads standard input' },
];
const workOptions: readonly Option[] = [
  { name: 'name', value: 'NAME', help: 'what it is called' },
  { name: 'deliver', value: 'WHERE', help: 'nowhere, webhook:NAME, or a chat such as telegram:main:12345' },
  { name: 'retries', value: 'N', help: 'attempts after the first, 0 to 10' },
];
const whenOptions: readonly Option[] = [
  { name: 'at', value: 'TIME', help: 'once, such as 2026-12-24T18:00' },
  { name: 'after', value: 'DURATION', help: 'once, such as in 20m' },
  { name: 'every', value: 'DURATION', help: 'again and again, such as 2h' },
  { name: 'from', value: 'TIME', help: 'with --every: the first time' },
  { name: 'cron', value: 'EXPR', help: 'five fields of cron, or six with seconds' },
  zone,
  {
    name: 'except',
    value: 'DAYS',
    help: 'not on these, with commas: 2026-12-24, 2026-12-24/2027-01-02, holidays:DE; or none',
  },
  { name: 'until', value: 'TIME', help: 'not after this; "none" takes it back' },
  { name: 'times', value: 'N', help: 'so many runs at most; 0 takes it back' },
  { name: 'missed', value: 'POLICY', help: 'missed times: skip, once or all:N' },
  { name: 'max-lateness', value: 'DURATION', help: 'with --missed: later than this is missed for good' },
  { name: 'jitter', value: 'DURATION', help: 'each run begins up to this much later' },
];
const jobOptions = [...whatOptions, ...whenOptions, ...workOptions, ...clientOptions];

export const scheduleCommands: readonly Command[] = [
  {
    name: 'jobs list',
    summary: 'the jobs, the next due first',
    options: [
      { name: 'state', value: 'STATE', help: 'only active, paused or finished' },
      chores,
      limit,
      ...clientOptions,
    ],
    load: async () => (await import('./commands/jobs.ts')).list,
  },
  {
    name: 'jobs add',
    summary: 'have something done at its times; prints what was understood and the next three times',
    positionals: [words],
    options: jobOptions,
    load: async () => (await import('./commands/jobs.ts')).add,
  },
  {
    name: 'jobs preview',
    summary: 'show when a job would be due, and keep nothing',
    positionals: [words],
    options: [{ name: 'count', value: 'N', help: 'how many times, 1 to 100 (default 10)' }, ...jobOptions],
    load: async () => (await import('./commands/jobs.ts')).preview,
  },
  {
    name: 'jobs show',
    summary: 'one job, when it is due, and what became of its last times',
    positionals: [id],
    options: clientOptions,
    load: async () => (await import('./commands/jobs.ts')).show,
  },
  {
    name: 'jobs edit',
    summary: 'change a job; it keeps its id and its history',
    positionals: [id],
    options: [{ name: 'words', value: 'WORDS', help: 'when it is due, in words' }, ...jobOptions],
    load: async () => (await import('./commands/jobs.ts')).edit,
  },
  {
    name: 'jobs pause',
    summary: 'let a job rest',
    positionals: [id],
    options: clientOptions,
    load: async () => (await import('./commands/jobs.ts')).pause,
  },
  {
    name: 'jobs resume',
    summary: 'let a job go on from now',
    positionals: [id],
    options: clientOptions,
    load: async () => (await import('./commands/jobs.ts')).resume,
  },
  {
    name: 'jobs run',
    summary: 'run a job now, beside its schedule',
    positionals: [id],
    options: clientOptions,
    load: async () => (await import('./commands/jobs.ts')).run,
  },
  {
    name: 'jobs remove',
    summary: 'remove a job; tasks of it that ended stay',
    positionals: [id],
    options: clientOptions,
    load: async () => (await import('./commands/jobs.ts')).remove,
  },
  {
    name: 'tasks list',
    summary: 'the tasks, newest first',
    options: [
      { name: 'state', value: 'STATE', help: 'only queued, running, completed, failed or cancelled' },
      { name: 'job', value: 'ID', help: 'only of this job' },
      { name: 'owner', value: 'PERSON', help: 'only of this person' },
      { name: 'since', value: 'TIME', help: 'only made after this, such as 2026-01-31 or 7d' },
      chores,
      limit,
      ...clientOptions,
    ],
    load: async () => (await import('./commands/tasks.ts')).list,
  },
  {
    name: 'tasks show',
    summary: 'one task: its story, its steps, and what came of it',
    positionals: [taskId],
    options: clientOptions,
    load: async () => (await import('./commands/tasks.ts')).show,
  },
  {
    name: 'tasks add',
    summary: 'have something done in the background, now or once later',
    options: [
      ...whatOptions,
      { name: 'at', value: 'TIME', help: 'not before this, such as 2026-12-24T18:00' },
      { name: 'after', value: 'DURATION', help: 'not before so long from now, such as 20m' },
      zone,
      ...workOptions,
      ...clientOptions,
    ],
    load: async () => (await import('./commands/tasks.ts')).add,
  },
  {
    name: 'tasks cancel',
    summary: 'stop a task that waits or is at work',
    positionals: [taskId],
    options: clientOptions,
    load: async () => (await import('./commands/tasks.ts')).cancel,
  },
  {
    name: 'tasks retry',
    summary: 'queue a failed or cancelled task again',
    positionals: [taskId],
    options: clientOptions,
    load: async () => (await import('./commands/tasks.ts')).retry,
  },
];
