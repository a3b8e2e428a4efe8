import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { notFound } from '../../../core/errors.ts';
import { maxPayloadText, payloadSchema, type PersonPayload } from '../../../core/payload.ts';
import type { Asked, JobView, ScheduleGateway, WrittenJob } from '../../../core/ports/schedule-gateway.ts';
import type { Origin, TaskRow } from '../../../core/ports/schedule-store.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';
import type { Principal } from '../../../core/principal.ts';
import { jobChannel } from '../../../core/session-key.ts';
import { goesTo, type TaskDelivery } from '../../../core/task.ts';
import { whenOf } from '../../../core/when-text.ts';
import { keywords } from './keywords.ts';

const maxListed = 30;
/** Of these, what is looked through for those of a group. */
const maxLookedAt = 100;
const anAddress = /^\s*https?:/i;

/** What is done at its time. The work is `say` (a text as it is), `ask` (a question to the agent) or `watch` (a page). */
const work = z.enum(['say', 'ask', 'watch']);

const fields = {
  when: z.string(),
  zone: z.exactOptional(z.string()),
  except: z.exactOptional(z.array(z.string())),
  until: z.exactOptional(z.string()),
  times: z.exactOptional(z.int().check(z.minimum(1))),
};

interface When {
  when?: string;
  zone?: string;
  except?: string[];
  until?: string;
  times?: number;
}

/** Reminders, recurring questions and watched pages of the person who asks. */
export function scheduleTools({ schedule }: { schedule: ScheduleGateway }): ToolGroup {
  return {
    name: 'schedule',
    about: 'reminders and what is done at a time or again and again',
    keywords,
    tools: [
      defineTool({
        name: 'schedule_add',
        description:
          "Does something later or again and again: do say (the text what), ask (you answer the question what then) or watch (tells changes of the page what). when: the person's own words, all of them (every weekday at 9 unless it is a holiday), or 2026-12-24T18:00, 20m, cron. except: further days off, 2026-12-24 or holidays:DE. zone, to: only where another clock or place is named.",
        input: () => z.strictObject({ do: work, what: z.string(), ...fields, to: z.exactOptional(z.string()) }),
        effects: ['write', 'send'],
        effectsOf: ({ to }) => (to === undefined ? ['write'] : ['write', 'send']),
        // It is asked for again and again: as much of a message as the address of a page that is read at once.
        addressOf: ({ do: kind, what }) => (kind === 'watch' ? what : undefined),
        // The run and the call are its key: after a crash the same call finds its job made already.
        idempotent: true,
        async run({ do: kind, what, to, ...when }, call) {
          if (call.channel === jobChannel) return fromAJob;
          const payload = checked(payloadOf(kind, what));
          if ('problem' in payload) return { text: payload.problem, isError: true };
          const written: WrittenJob = { ...whenWritten(when), payload, ...(to === undefined ? {} : { deliver: to }) };
          const set = await told(await schedule.addJob(principalOf(call), written, askedBy(call)));
          return { ...set, text: `Set. Repeat to the person what was understood, and the next times:\n${set.text}` };
        },
      }),
      defineTool({
        name: 'schedule_list',
        description: 'Jobs of the person with their next times, and tasks at work.',
        input: () => z.strictObject({}),
        effects: ['read'],
        run: (_input, call) => list(call, schedule),
      }),
      defineTool({
        name: 'schedule_change',
        description:
          'Changes a job, or cancels a task. action edit: name only what changes, when as a whole; the others need only the id.',
        input: () =>
          z.strictObject({
            id: z.string(),
            action: z.enum(['edit', 'pause', 'resume', 'run', 'remove', 'cancel']),
            ...fields,
            when: z.exactOptional(z.string()),
            what: z.exactOptional(z.string()),
          }),
        effects: ['write'],
        addressOf: ({ what }) => (what !== undefined && anAddress.test(what) ? what : undefined),
        run: ({ id, action, what, ...when }, call) => change({ id, action, what, when }, call, schedule),
      }),
    ],
  };
}

async function list(call: ToolCall, schedule: ScheduleGateway): Promise<ToolOutput> {
  const by = principalOf(call);
  const query = { chores: 'without', limit: call.chatType === 'group' ? maxLookedAt : maxListed } as const;
  const shown = <T>(items: readonly T[], of: (item: T) => TaskDelivery): T[] =>
    items.filter((item) => isShownIn(call, of(item))).slice(0, maxListed);
  const jobs = shown((await schedule.jobs(by, query)).items, ({ job }) => job.deliver);
  const running = shown((await schedule.tasks(by, { ...query, state: 'running' })).items, ({ deliver }) => deliver);
  const lines = [...(await Promise.all(jobs.map(lineOf))), ...running.map(taskLine)];
  const origins = [...jobs.map(({ job }) => job.origin), ...running.map(({ origin }) => origin)];
  return {
    text: lines.length === 0 ? 'There are none.' : lines.join('\n'),
    ...outsideOf(origins.find(({ tainted }) => tainted !== null)),
  };
}

async function change(
  { id, action, what, when }: { id: string; action: string; what: string | undefined; when: When },
  call: ToolCall,
  schedule: ScheduleGateway,
): Promise<ToolOutput> {
  const by = principalOf(call);
  // What a job may do to jobs is to stop them.
  if (call.channel === jobChannel && !['pause', 'remove', 'cancel'].includes(action)) return fromAJob;
  if (action === 'cancel') {
    const { task } = await schedule.task(by, id);
    if (!isShownIn(call, task.deliver)) throw notFound('task');
    return toldTask(await schedule.cancelTask(by, id));
  }
  const { job } = await schedule.job(by, id);
  if (!isShownIn(call, job.deliver)) throw notFound('job');
  switch (action) {
    case 'pause':
      return told(await schedule.pauseJob(by, id));
    case 'resume':
      return told(await schedule.resumeJob(by, id));
    case 'run':
      return toldTask(await schedule.runJob(by, id, keyOf(call)));
    case 'remove':
      await schedule.removeJob(by, id);
      return { text: 'Removed.' };
    default: {
      const payload = what === undefined ? undefined : replaced(job.payload as PersonPayload, what);
      if (payload === null)
        return { text: `What a job of the kind ${job.payload.kind} does is not changed here.`, isError: true };
      const fit = payload === undefined ? undefined : checked(payload);
      if (fit !== undefined && 'problem' in fit) return { text: fit.problem, isError: true };
      const changes = { ...whenWritten(when), ...(fit === undefined ? {} : { payload: fit }) };
      if (Object.keys(changes).length === 0) return { text: 'Name what is to change.', isError: true };
      return told(await schedule.editJob(by, id, changes, askedBy(call)));
    }
  }
}

/** A job that makes jobs would go on for ever, and nobody asked for it. */
const fromAJob: ToolOutput = {
  text: 'A job cannot make, change or run jobs; say so to the person instead.',
  isError: true,
};

/** In a group only what comes there: what others write could talk the model into showing or changing the rest. */
const isShownIn = ({ chatType, conversation }: ToolCall, deliver: TaskDelivery): boolean =>
  chatType !== 'group' || goesTo(deliver, conversation);

/** Made while text of others was read, it may say what they wanted. */
const outsideOf = (origin: Pick<Origin, 'tainted'> | undefined): Pick<ToolOutput, 'outside'> =>
  origin === undefined || origin.tainted === null ? {} : { outside: origin.tainted };

const told = async (view: JobView): Promise<ToolOutput> => ({
  text: await lineOf(view),
  ...outsideOf(view.job.origin),
});

const toldTask = (task: TaskRow): ToolOutput => ({ text: taskLine(task), ...outsideOf(task.origin) });

function payloadOf(kind: z.output<typeof work>, what: string): PersonPayload {
  if (kind === 'say') return { kind: 'text', text: what };
  return kind === 'ask' ? { kind: 'ask', prompt: what } : { kind: 'fetch', url: what, changed: true };
}

/** As it is stored, or in words what it takes. */
function checked(payload: PersonPayload): PersonPayload | { problem: string } {
  const parsed = payloadSchema().safeParse(payload);
  if (parsed.success) return parsed.data;
  return {
    problem:
      payload.kind === 'fetch'
        ? 'what: it takes an address such as https://example.org/prices.'
        : `what: it takes 1 to ${maxPayloadText} characters.`,
  };
}

/** The same work with another text; null for what has no single one. */
function replaced(payload: PersonPayload, what: string): PersonPayload | null {
  switch (payload.kind) {
    case 'text':
      return { ...payload, text: what };
    case 'ask':
      return { ...payload, prompt: what };
    case 'fetch':
      return { ...payload, url: what };
    default:
      return null;
  }
}

const whenWritten = ({ when, zone, except, until, times }: When): Partial<WrittenJob> => ({
  ...(when === undefined ? {} : whenOf(when)),
  ...(zone === undefined ? {} : { time_zone: zone }),
  ...(except === undefined ? {} : { except }),
  ...(until === undefined ? {} : { until }),
  ...(times === undefined ? {} : { max_runs: times }),
});

const principalOf = ({ person, channel, account }: ToolCall): Principal => ({
  kind: 'sender',
  id: `${channel}:${account}`,
  person,
  scope: 'send',
  name: person,
});

const keyOf = ({ runId, id }: ToolCall): string => `tool:${runId}:${id}`;

const askedBy = (call: ToolCall): Asked => {
  const { role, conversation, chatType, sessionKey, tainted } = call;
  return { key: keyOf(call), here: { conversation, chatType, sessionKey }, role, tainted: tainted ?? null };
};

/** For the model, which tells it in the language of the person. */
async function lineOf({ job, next }: JobView): Promise<string> {
  // They are of no use before there is a job.
  const [{ schedule: words }, { whenText }] = await Promise.all([
    import('../../../core/notices/schedule.ts'),
    import('../../../core/notices/schedule-text.ts'),
  ]);
  const { id, name, state, reason, payload } = job;
  const when = whenText(job, words.en);
  const times = next.length === 0 ? 'not due' : `next ${next.map(({ local }) => local).join(', ')}`;
  const why = state === 'active' ? '' : `, ${state}${reason === null ? '' : ` (${reason})`}`;
  return `${id}: ${payload.kind} "${name}"${why}; ${when}; ${times}`;
}

const taskLine = ({ id, name, state, progress }: TaskRow): string =>
  `${id}: task "${name}", ${state}${progress === null ? '' : `, ${progress.text}`}`;
