/** What jobs send into a session while somebody talks in it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type GatewayClient, Unreachable } from './client.ts';
import type { TaskDetail } from './schedule-text.ts';

/** How long to wait before a gateway that is gone is looked for again. */
const againMs = 500;

/**
 * Says each result that is handed over to the session, until aborted. Never rejects: it comes beside the conversation,
 * and what is wrong with the gateway is told by the next message.
 */
export async function hearJobs(
  client: Pick<GatewayClient, 'events' | 'get'>,
  session: string,
  signal: AbortSignal,
  say: (text: string) => void,
): Promise<void> {
  const path = `/api/v1/events?type=task.changed&session=${encodeURIComponent(session)}`;
  let last: string | null = null;
  while (!signal.aborted) {
    try {
      for await (const { event, data, id } of client.events(path, last, signal)) {
        const text = event === 'task.changed' ? await resultOf(client, data) : '';
        if (text !== '') say(text);
        last = id ?? last;
      }
      await sleep(againMs, undefined, { signal });
    } catch (error) {
      if (!(error instanceof Unreachable)) return;
      await sleep(againMs, undefined, { signal }).catch(() => undefined);
    }
  }
}

async function resultOf(client: Pick<GatewayClient, 'get'>, data: string): Promise<string> {
  const { task_id: id, state } = JSON.parse(data) as { task_id: string; state: string };
  if (state !== 'completed') return '';
  const { result } = await client.get<TaskDetail>(`/api/v1/tasks/${encodeURIComponent(id)}`);
  const files = (result?.files ?? []).map((file) => `(${file.name ?? file.id})`);
  return [result?.text ?? '', ...files].filter((line) => line !== '').join('\n');
}
