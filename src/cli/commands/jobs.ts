import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';
import {
  type Job,
  jobLines,
  jobTable,
  type JobSettings,
  settingLines,
  type Slot,
  slotLine,
  type Task,
} from '../schedule-text.ts';
import { writtenJob } from '../written-job.ts';

const shownSlots = 5;
const defaultCount = 10;

const pathOf = (id: string): string => `/api/v1/jobs/${encodeURIComponent(id)}`;
const idOf = ({ positionals }: Invocation): string => positionals[0] ?? '';

export const list: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const query = new URLSearchParams({ limit: String(limitOf(invocation)) });
  for (const name of ['state', 'chores']) {
    const value = options.value(name);
    if (value !== undefined) query.set(name, value);
  }
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ jobs: Job[]; next_cursor: string | null }>(`/api/v1/jobs?${query.toString()}`);
  if (options.has('json')) terminal.json(body);
  else if (body.jobs.length === 0) terminal.line('There are no jobs; "open-clanker jobs add" makes one.');
  else for (const line of jobTable(body.jobs)) terminal.line(line);
  if (!options.has('json') && body.next_cursor !== null)
    terminal.line('There are more; --limit shows them, at most 200.');
  return 0;
};

export const add: Handler = async (invocation) => {
  const written = await writtenJob(invocation, invocation.positionals[0] ?? null);
  mustSay(written, 'payload');
  mustSayWhen(written);
  const client = await GatewayClient.of(invocation);
  const job = await client.post<Job>('/api/v1/jobs', written);
  tell(invocation, job);
  if (job.deliver.to === 'nowhere' && !('deliver' in written) && !invocation.options.has('json'))
    invocation.terminal.line(nobodyIsTold);
  return 0;
};

export const preview: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const written = await writtenJob(invocation, invocation.positionals[0] ?? null);
  mustSayWhen(written);
  // When it would be due does not depend on what it does.
  const payload = written['payload'] ?? { kind: 'text', text: 'preview' };
  const client = await GatewayClient.of(invocation);
  const body = await client.post<JobSettings>('/api/v1/jobs/preview', {
    ...written,
    payload,
    count: countOf(invocation),
  });
  if (options.has('json')) terminal.json(body);
  else {
    const lines = settingLines(body);
    const shown = 'payload' in written ? lines : lines.filter((line) => !/^(?:Does|To):/.test(line));
    for (const line of shown) terminal.line(line);
  }
  return 0;
};

export const edit: Handler = async (invocation) => {
  const change = await writtenJob(invocation, invocation.options.value('words') ?? null);
  if (Object.keys(change).length === 0) {
    throw new CliError('Say what is to be changed, such as --every 2h or --text TEXT.', 2);
  }
  const client = await GatewayClient.of(invocation);
  return tell(invocation, await client.patch<Job>(pathOf(idOf(invocation)), change));
};

export const show: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const client = await GatewayClient.of(invocation);
  const job = await client.get<Job>(pathOf(idOf(invocation)));
  const { slots } = await client.get<{ slots: Slot[] }>(`${pathOf(idOf(invocation))}/slots?limit=${shownSlots}`);
  if (options.has('json')) terminal.json({ ...job, slots });
  else {
    for (const line of jobLines(job)) terminal.line(line);
    terminal.line(`So far:  ${job.runs} ${job.runs === 1 ? 'run' : 'runs'}, ${job.missed_runs} missed`);
    if (slots.length > 0) terminal.line('Lately (UTC):');
    for (const slot of slots) terminal.line(`  ${slotLine(slot)}`);
  }
  return 0;
};

export const pause: Handler = (invocation) => act(invocation, 'pause');
export const resume: Handler = (invocation) => act(invocation, 'resume');

async function act(invocation: Invocation, action: string): Promise<number> {
  const client = await GatewayClient.of(invocation);
  return tell(invocation, await client.post<Job>(`${pathOf(idOf(invocation))}/${action}`));
}

export const run: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const task = await client.post<Task>(`${pathOf(idOf(invocation))}/run`);
  if (invocation.options.has('json')) invocation.terminal.json(task);
  else invocation.terminal.line(`It is begun as ${task.id}; see it with: open-clanker tasks show ${task.id}`);
  return 0;
};

export const remove: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.delete(pathOf(idOf(invocation)));
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else invocation.terminal.line('The job is removed.');
  return 0;
};

function tell({ options, terminal }: Invocation, job: Job): number {
  if (options.has('json')) terminal.json(job);
  else for (const line of jobLines(job)) terminal.line(line);
  return 0;
}

/** When nobody said that nobody should be told. */
const nobodyIsTold =
  'Nobody is told, as no direct chat is yours yet ("open-clanker people link owner" makes one yours, --deliver names another); ' +
  'what comes of it is in "open-clanker tasks list".';

function mustSayWhen(written: Record<string, unknown>): void {
  if (['words', 'at', 'after', 'every', 'cron'].some((field) => field in written)) return;
  throw new CliError('Say when: in words such as "every weekday at 9", or by --at, --after, --every or --cron.', 2);
}

function countOf({ options }: Invocation): number {
  const text = options.value('count') ?? String(defaultCount);
  const count = /^\d{1,3}$/.test(text) ? Number(text) : 0;
  if (count < 1 || count > 100) throw new CliError(`--count takes a number from 1 to 100, not "${text}".`, 2);
  return count;
}

/** Before the gateway is asked: what is missing can be said in words of the command line. */
export function mustSay(written: Record<string, unknown>, field: 'payload'): void {
  if (field in written) return;
  throw new CliError(
    'Say what is to be done: --text TEXT, --ask PROMPT, --tool NAME, --fetch URL, --webhook NAME or --payload FILE.',
    2,
  );
}
