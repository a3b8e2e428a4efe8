/** Jobs and tasks as the API writes them, in lines for people. */
import { excerpt } from '../core/redact.ts';
import type { JobState } from '../core/schedule.ts';
import type { TaskState } from '../core/task.ts';
import { formatDuration } from '../core/units.ts';

type Delivery =
  | { to: 'conversation'; channel: string; chat: string; thread: string | null; session: string }
  | { to: 'session'; session: string }
  | { to: 'webhook'; name: string }
  | { to: 'nowhere' };

type Schedule =
  | { type: 'at'; at: string }
  | { type: 'every'; every_seconds: number; from: string }
  | { type: 'cron'; expression: string };

/** What was understood. */
export interface JobSettings {
  name: string;
  kind: string;
  schedule: Schedule;
  time_zone: string;
  except: string[];
  until: string | null;
  max_runs: number | null;
  deliver: Delivery;
  missed: { policy: 'skip' | 'once' | 'all'; max: number; max_lateness_seconds: number | null };
  retries: number;
  next: { at: string; local: string }[];
  payload?: Record<string, unknown>;
}

export interface Job extends JobSettings {
  id: string;
  owner: string;
  state: JobState;
  reason: string | null;
  runs: number;
  missed_runs: number;
  last_fired_at: string | null;
}

export interface Slot {
  due: string;
  until: string;
  count: number;
  state: 'fired' | 'missed';
  task_id: string | null;
}

interface Failure {
  message: string;
}
interface Result {
  text: string;
  files: { id: string; name: string | null; size: number }[];
}

export interface Task {
  id: string;
  owner: string;
  job_id: string | null;
  name: string;
  kind: string;
  state: TaskState;
  deliver: Delivery;
  attempts: number;
  max_attempts: number;
  progress: { done: number | null; text: string } | null;
  error: Failure | null;
  run_at: string;
  created_at: string;
  started_at: string | null;
  finished_at: string | null;
}

export interface TaskDetail extends Task {
  payload: Record<string, unknown>;
  result: Result | null;
  events: { at: string; kind: string; detail: string }[];
  steps: { id: string; state: string; error: Failure | null }[];
}

const shownCharacters = 60;

/** `2026-12-24 18:00` of an ISO time, in UTC. */
export const minute = (at: string): string => at.slice(0, 16).replace('T', ' ');

/** Rows with their columns under each other; the last one is as long as it is. */
export function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}

/** Of each its id, state, when it is due next, name, and whose it is where they are not all of one person. */
export function jobTable(jobs: readonly Job[]): string[] {
  const several = new Set(jobs.map(({ owner }) => owner)).size > 1;
  const rows = jobs.map(({ id, owner, state, reason, next, name, time_zone }) => [
    id,
    state === 'active' ? state : `${state}${reason === null ? '' : ` (${reason})`}`,
    next[0] === undefined ? '—' : `${next[0].local} ${time_zone}`,
    ...(several ? [owner] : []),
    name,
  ]);
  return table(rows);
}

export const jobLines = (job: Job): string[] => [
  `${job.id}  ${job.name}`,
  ...settingLines(job),
  ...(job.state === 'active' ? [] : [`State:   ${job.state}${job.reason === null ? '' : `, ${job.reason}`}`]),
];

/** When it is due, what it does, where that goes, what about missed times, and when it is due next. */
export function settingLines(job: JobSettings): string[] {
  const times = job.next.map(({ local }, n) => `${n === 0 ? 'Next:    ' : '         '}${local}`);
  return [
    `When:    ${whenText(job)}`,
    `Does:    ${payloadText(job.payload ?? { kind: job.kind })}`,
    `To:      ${deliveryText(job.deliver)}`,
    `Missed:  ${missedText(job)}`,
    ...times,
  ];
}

function whenText({ schedule, time_zone, except, until, max_runs, next }: JobSettings): string {
  return [
    scheduleText(schedule, next),
    `in ${time_zone}`,
    ...(except.length === 0 ? [] : [`except ${except.join(', ')}`]),
    ...(until === null ? [] : [`until ${minute(until)} UTC`]),
    ...(max_runs === null ? [] : [`${max_runs} times at most`]),
  ].join(', ');
}

function scheduleText(schedule: Schedule, next: JobSettings['next']): string {
  switch (schedule.type) {
    case 'at':
      return next.length === 0 ? `once, at ${minute(schedule.at)} UTC` : 'once';
    case 'every':
      return `every ${formatDuration(schedule.every_seconds * 1000)}`;
    case 'cron':
      return `cron ${schedule.expression}`;
  }
}

const short = (value: unknown): string => `"${excerpt(String(value).replaceAll(/\s+/g, ' '), shownCharacters)}"`;

function payloadText(payload: Record<string, unknown>): string {
  switch (payload['kind']) {
    case 'text':
      return `says ${short(payload['text'])}`;
    case 'ask':
      return `asks the agent ${short(payload['prompt'])}`;
    case 'tool':
      return `calls the tool ${String(payload['tool'])}`;
    case 'fetch':
      return `fetches ${String(payload['url'])}${payload['changed'] === true ? ' and tells what changed' : ''}`;
    case 'lookup':
      return `looks up ${short(payload['query'])}`;
    case 'webhook':
      return `posts to the webhook ${String(payload['name'])}`;
    case 'file':
      return `makes the file ${short(payload['name'])}`;
    case 'workflow':
      return `does ${Array.isArray(payload['steps']) ? payload['steps'].length : 'several'} steps`;
    default:
      return String(payload['chore'] ?? payload['kind']);
  }
}

function deliveryText(deliver: Delivery): string {
  switch (deliver.to) {
    case 'conversation':
      return `${deliver.channel}, chat ${deliver.chat}${deliver.thread === null ? '' : `, thread ${deliver.thread}`}`;
    case 'session':
      return `the session ${deliver.session}`;
    case 'webhook':
      return `the webhook ${deliver.name}`;
    case 'nowhere':
      return 'nobody';
  }
}

function missedText({ missed, schedule }: JobSettings): string {
  const { policy, max, max_lateness_seconds: late } = missed;
  const single = schedule.type === 'at';
  if (policy === 'skip') return `${single ? 'is' : 'are'} left out`;
  const newest = policy === 'once' ? 'the newest is made up for' : `the newest ${max} are made up for`;
  const which = single ? 'is made up for' : newest;
  return late === null ? `${which}, however late` : `${which}, up to ${formatDuration(late * 1000)} late`;
}

export const slotLine = ({ due, until, count, state, task_id }: Slot): string =>
  state === 'fired'
    ? `${minute(due)}  ${task_id ?? ''}`.trimEnd()
    : `${minute(due)}${count === 1 ? '' : ` to ${minute(until)}`}  missed${count === 1 ? '' : ` ${count}×`}`;

/** Id, state, since when, kind, name, and how far it is or why it failed. */
export const taskRow = (task: Task): string[] => [
  task.id,
  task.state,
  `${minute(task.finished_at ?? task.started_at ?? task.run_at)} UTC`,
  task.kind,
  task.name,
  task.state === 'running' ? progressText(task.progress) : excerpt(task.error?.message ?? '', shownCharacters),
];

export const taskLines = (task: TaskDetail): string[] => [
  `${task.id}  ${task.name}`,
  `State:   ${task.state}, attempt ${task.attempts} of ${task.max_attempts}`,
  `Does:    ${payloadText(task.payload)}`,
  `To:      ${deliveryText(task.deliver)}`,
  ...(task.job_id === null ? [] : [`Job:     ${task.job_id}`]),
  ...(task.state === 'queued' ? [`Begins:  ${minute(task.run_at)} UTC`] : []),
  ...(task.state === 'running' && task.progress !== null ? [`So far:  ${progressText(task.progress)}`] : []),
  ...(task.error === null ? [] : [`Failed:  ${task.error.message}`]),
  ...section(
    'Steps',
    task.steps.map(({ id, state, error }) => `${id}  ${state}${error === null ? '' : `: ${error.message}`}`),
  ),
  ...section(
    'Story (UTC)',
    task.events.map(({ at, kind, detail }) => `${minute(at)}  ${kind}  ${detail}`.trimEnd()),
  ),
  ...resultLines(task.result),
  ...(task.state === 'failed' ? [`To queue it again: open-clanker tasks retry ${task.id}`] : []),
];

function resultLines(result: Result | null): string[] {
  if (result === null) return [];
  const files = result.files.map(({ id, name, size }) => `${name ?? id}  ${size} bytes  ${id}`);
  return [...section('Result', result.text === '' ? [] : result.text.split('\n')), ...section('Files', files)];
}

const section = (title: string, lines: string[]): string[] =>
  lines.length === 0 ? [] : [`${title}:`, ...lines.map((line) => `  ${line}`)];

function progressText(progress: Task['progress']): string {
  if (progress === null) return '';
  return [...(progress.done === null ? [] : [`${Math.round(progress.done * 100)} %`]), progress.text].join(' ').trim();
}
