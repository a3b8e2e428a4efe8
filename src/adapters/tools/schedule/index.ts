import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import type { PersonPayload } from '../../../core/payload.ts';
import type { Asked, JobView, ScheduleGateway, WrittenJob } from '../../../core/ports/schedule-gateway.ts';
import type { TaskRow } from '../../../core/ports/schedule-store.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';
import type { Principal } from '../../../core/principal.ts';
import { whenOf } from '../../../core/when-text.ts';

const maxListed = 30;

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
    keywords: [
      'remind',
      'schedul',
      'alarm',
      'every day',
      'every week',
      'every hour',
      'every morning',
      'each day',
      'recurring',
      'job',
      'erinner',
      'wecker',
      'jeden',
      'jede woche',
      'täglich',
      'wöchentlich',
      'zeitplan',
      'recuérd',
      'recuerd',
      'recordatorio',
      'cada día',
      'cada semana',
      'todos los',
      'alarma',
      'rappel',
      'chaque',
      'tous les',
      'planifi',
    ],
    tools: [
      defineTool({
        name: 'schedule_add',
        description:
          "Does something later or again and again. what: text to say, question to ask yourself, or page to watch. when: the person's words, or 2026-12-24T18:00, 20m, or cron. except: days off such as 2026-12-24 or holidays:DE. to: another place.",
        input: () => z.strictObject({ do: work, what: z.string(), ...fields, to: z.exactOptional(z.string()) }),
        effects: ['write', 'send'],
        effectsOf: ({ to }) => (to === undefined ? ['write'] : ['write', 'send']),
        // The run and the call are its key: after a crash the same call finds its job made already.
        idempotent: true,
        async run({ do: kind, what, to, ...when }, call) {
          if (call.channel === jobChannel) return fromAJob;
          const written: WrittenJob = {
            ...whenWritten(when),
            payload: payloadOf(kind, what),
            ...(to === undefined ? {} : { deliver: to }),
          };
          const view = await schedule.addJob(principalOf(call), written, askedBy(call));
          return { text: `Set. Repeat to the person what was understood, and the next times:\n${lineOf(view)}` };
        },
      }),
      defineTool({
        name: 'schedule_list',
        description: 'Jobs of the person with their next times, and tasks at work.',
        input: () => z.strictObject({}),
        effects: ['read'],
        async run(_input, call) {
          const by = principalOf(call);
          const { items } = await schedule.jobs(by, { chores: 'without', limit: maxListed });
          const running = await schedule.tasks(by, { state: 'running', chores: 'without', limit: maxListed });
          const lines = [...items.map(lineOf), ...running.items.map(taskLine)];
          const text = lines.length === 0 ? 'There are none.' : lines.join('\n');
          const tainted = items.find(({ job }) => job.origin.tainted !== null)?.job.origin.tainted ?? null;
          return tainted === null ? { text } : { text, outside: tainted };
        },
      }),
      defineTool({
        name: 'schedule_change',
        description:
          'Changes a job, or cancels a task. action edit: name only what changes; the others need only the id.',
        input: () =>
          z.strictObject({
            id: z.string(),
            action: z.enum(['edit', 'pause', 'resume', 'run', 'remove', 'cancel']),
            ...fields,
            when: z.exactOptional(z.string()),
            what: z.exactOptional(z.string()),
          }),
        effects: ['write'],
        run: ({ id, action, what, ...when }, call) => change({ id, action, what, when }, call, schedule),
      }),
    ],
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
  switch (action) {
    case 'pause':
      return told(await schedule.pauseJob(by, id));
    case 'resume':
      return told(await schedule.resumeJob(by, id));
    case 'run':
      return { text: `Begun: ${taskLine(await schedule.runJob(by, id))}` };
    case 'remove':
      await schedule.removeJob(by, id);
      return { text: 'Removed.' };
    case 'cancel':
      return { text: taskLine(await schedule.cancelTask(by, id)) };
    default: {
      const { job } = await schedule.job(by, id);
      const payload = what === undefined ? undefined : replaced(job.payload as PersonPayload, what);
      if (payload === null)
        return { text: `What a job of the kind ${job.payload.kind} does is not changed here.`, isError: true };
      const changes = { ...whenWritten(when), ...(payload === undefined ? {} : { payload }) };
      return told(await schedule.editJob(by, id, changes, askedBy(call)));
    }
  }
}

const jobChannel = 'job';
/** A job that makes jobs would go on for ever, and nobody asked for it. */
const fromAJob: ToolOutput = {
  text: 'A job cannot make, change or run jobs; say so to the person instead.',
  isError: true,
};

const told = (view: JobView): ToolOutput => ({ text: lineOf(view) });

function payloadOf(kind: z.output<typeof work>, what: string): PersonPayload {
  if (kind === 'say') return { kind: 'text', text: what };
  return kind === 'ask' ? { kind: 'ask', prompt: what } : { kind: 'fetch', url: what, changed: true };
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

const askedBy = ({ runId, id, role, conversation, chatType, sessionKey, tainted }: ToolCall): Asked => ({
  key: `tool:${runId}:${id}`,
  here: { conversation, chatType, sessionKey },
  role,
  tainted: tainted ?? null,
});

function lineOf({ job, next }: JobView): string {
  const { id, name, state, reason, payload, zone } = job;
  const times = next.length === 0 ? 'not due' : `next ${next.map(({ local }) => local).join(', ')} (${zone})`;
  const why = state === 'active' ? '' : `, ${state}${reason === null ? '' : ` (${reason})`}`;
  return `${id}: ${payload.kind} "${name}"${why}, ${times}`;
}

const taskLine = ({ id, name, state, progress }: TaskRow): string =>
  `${id}: task "${name}", ${state}${progress === null ? '' : `, ${progress.text}`}`;
