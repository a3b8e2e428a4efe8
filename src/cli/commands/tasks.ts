import { GatewayClient } from '../client.ts';
import type { Handler, Invocation } from '../command.ts';
import { limitOf } from '../limit.ts';
import { minute, table, type Task, type TaskDetail, taskLines, taskRow } from '../schedule-text.ts';
import { sinceOf } from '../since.ts';
import { writtenTask } from '../written-job.ts';
import { mustSay } from './jobs.ts';

const pathOf = ({ positionals }: Invocation): string => `/api/v1/tasks/${encodeURIComponent(positionals[0] ?? '')}`;

export const list: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const query = new URLSearchParams({ limit: String(limitOf(invocation)) });
  for (const name of ['state', 'job', 'owner', 'chores']) {
    const value = options.value(name);
    if (value !== undefined) query.set(name, value);
  }
  const since = sinceOf(invocation);
  if (since !== null) query.set('from', since);
  const client = await GatewayClient.of(invocation);
  const body = await client.get<{ tasks: Task[]; next_cursor: string | null }>(`/api/v1/tasks?${query.toString()}`);
  if (options.has('json')) terminal.json(body);
  else if (body.tasks.length === 0) terminal.line('There are no such tasks.');
  else for (const line of table(body.tasks.map(taskRow))) terminal.line(line);
  if (!options.has('json') && body.next_cursor !== null)
    terminal.line('There are more; --limit shows them, at most 200.');
  return 0;
};

export const show: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const task = await client.get<TaskDetail>(pathOf(invocation));
  if (invocation.options.has('json')) invocation.terminal.json(task);
  else for (const line of taskLines(task)) invocation.terminal.line(line);
  return 0;
};

export const add: Handler = async (invocation) => {
  const written = await writtenTask(invocation);
  mustSay(written, 'payload');
  const client = await GatewayClient.of(invocation);
  const task = await client.post<Task>('/api/v1/tasks', written);
  return tell(
    invocation,
    task,
    `${task.id} begins at ${minute(task.run_at)} UTC; see it with: open-clanker tasks show ${task.id}`,
  );
};

export const cancel: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  return tell(invocation, await client.post<Task>(`${pathOf(invocation)}/cancel`), 'The task is cancelled.');
};

export const retry: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  return tell(invocation, await client.post<Task>(`${pathOf(invocation)}/retry`), 'It is queued again.');
};

function tell({ options, terminal }: Invocation, task: Task, line: string): number {
  if (options.has('json')) terminal.json(task);
  else terminal.line(line);
  return 0;
}
