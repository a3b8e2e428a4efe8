import type {
  ChannelStatus,
  GatewayStatus,
  McpServerStatus,
  ProviderStatus,
  Readiness,
} from '../../core/ports/gateway.ts';
import { formatDuration } from '../../core/units.ts';
import { GatewayClient } from '../client.ts';
import type { Handler } from '../command.ts';

export const status: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.get<GatewayStatus>('/api/v1/status');
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else for (const line of statusLines(body, Date.now())) invocation.terminal.line(line);
  return 0;
};

export const health: Handler = async (invocation) => {
  const client = await GatewayClient.of(invocation);
  const body = await client.readiness();
  if (invocation.options.has('json')) invocation.terminal.json(body);
  else for (const line of healthLines(body)) invocation.terminal.line(line);
  return body.ready ? 0 : 1;
};

/** `now`: milliseconds since the epoch. */
export function statusLines(status: GatewayStatus, now: number): string[] {
  const { queues, memory, eventLoopDelayMs } = status;
  return [
    `Open Clanker ${status.version}, up ${formatDuration(status.uptimeMs)}, process ${status.pid}`,
    `Model: ${status.model.name} (${status.model.source})`,
    ...section(
      'Channels',
      status.channels.map((channel) => channelLine(channel, now)),
      'none enabled',
    ),
    ...section(
      'Providers',
      status.providers.map((provider) => providerLine(provider, now)),
      'none',
    ),
    ...(status.mcp.length === 0 ? [] : section('MCP servers', status.mcp.map(mcpLine), 'none')),
    `Queues: ${queues.inbox} waiting, ${queues.running} running, ${queues.outbox} to send, ${queues.uncertain} uncertain, ${queues.dead} dead` +
      (queues.dead > 0 ? ' (see: open-clanker dead list)' : ''),
    `Sessions: ${status.sessions}`,
    scheduleLine(status.schedule, now),
    `Memory: ${megabytes(memory.rssBytes)} resident, ${megabytes(memory.heapBytes)} heap; ` +
      `event loop p99 ${eventLoopDelayMs.p99.toFixed(1)} ms`,
    // What is wrong with a channel or a server stands in its own line.
    ...status.warnings
      .filter((warning) => !status.channels.some(({ id }) => warning.startsWith(`${id}: `)))
      .filter((warning) => !warning.startsWith('MCP server '))
      .map((warning) => `Warning: ${warning}`),
    ...(status.waiting === 0 ? [] : [`Waiting to be let in: ${status.waiting} (see: open-clanker pairing list)`]),
    ...(status.refused.length === 0 ? [] : ['Turned away:']),
    ...status.refused.flatMap((sender) => [
      `  ${sender.display} (${sender.sender}) on ${sender.channel}, ` +
        `${sender.count}×, last ${formatDuration(now - sender.lastAt)} ago. To allow them:`,
      `    ${sender.allowLine}`,
    ]),
  ];
}

export function healthLines(readiness: Readiness): string[] {
  const state = readiness.ready ? 'ready' : `not ready: ${readiness.failing.join(', ')}`;
  return [
    `The gateway is alive and ${state}; up ${formatDuration(readiness.uptimeMs)}.`,
    ...readiness.warnings.map((warning) => `Warning: ${warning}`),
  ];
}

function section(title: string, lines: string[], none: string): string[] {
  return lines.length === 0 ? [`${title}: ${none}`] : [`${title}:`, ...lines.map((line) => `  ${line}`)];
}

function channelLine(channel: ChannelStatus, now: number): string {
  const { state, detail, identity, lastReceiveAt } = channel.health;
  const words = [
    `${channel.id}: ${channel.paused ? 'paused' : state}`,
    ...(identity === null ? [] : [`as ${identity}`]),
    ...(lastReceiveAt === null ? [] : [`heard ${formatDuration(now - lastReceiveAt)} ago`]),
  ];
  return words.join(', ') + (detail === '' ? '' : `. ${detail}`);
}

function providerLine(provider: ProviderStatus, now: number): string {
  const rest =
    provider.cooldownUntil !== null && provider.cooldownUntil > now
      ? `, not asked for ${formatDuration(provider.cooldownUntil - now)}`
      : '';
  return `${provider.id}: ${provider.state}, ${provider.model}${rest}${provider.detail === '' ? '' : `. ${provider.detail}`}`;
}

function mcpLine({ name, state, tools, calls, restarts, detail }: McpServerStatus): string {
  const words = [`${name}: ${state === 'waiting' ? 'not there' : state}`, `${tools} tools`, `${calls} calls`];
  if (restarts > 0) words.push(`started again ${restarts}×`);
  return words.join(', ') + (detail === '' ? '' : `. ${detail}`);
}

function scheduleLine(
  { enabled, jobs, nextDueAt, queued, running, failed }: GatewayStatus['schedule'],
  now: number,
): string {
  const due =
    nextDueAt === null ? '' : `, the next ${nextDueAt <= now ? 'due now' : `in ${formatDuration(nextDueAt - now)}`}`;
  const state = enabled ? due : ', none of which runs: scheduler.enabled is false';
  const tasks = `${queued} waiting, ${running} running, ${failed} failed`;
  return (
    `Jobs: ${jobs}${jobs === 0 ? '' : state}. Tasks: ${tasks}` +
    (failed > 0 ? ' (see: open-clanker tasks list --state failed)' : '')
  );
}

const megabytes = (bytes: number): string => `${(bytes / 1_000_000).toFixed(0)} MB`;
