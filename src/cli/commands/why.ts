import type { MessageTrace } from '../../core/ports/overview-store.ts';
import { storyOf } from '../../core/story.ts';
import { GatewayClient } from '../client.ts';
import type { Handler } from '../command.ts';

export const why: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const id = encodeURIComponent(invocation.positionals[0] ?? '');
  const trace = await client.get<MessageTrace>(`/api/v1/messages/${id}/trace`);
  if (invocation.options.has('json')) invocation.terminal.json(trace);
  else for (const line of storyOf(trace)) invocation.terminal.line(line);
  return 0;
};
