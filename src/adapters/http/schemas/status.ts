/** Shapes of how the gateway fares, and of the story of a message. */
import * as z from 'zod/mini';
import type {
  ChannelStatus,
  GatewayStatus,
  McpServerStatus,
  ProviderStatus,
  Readiness,
} from '../../../core/ports/gateway.ts';
import type { TracedCall } from '../../../core/ports/overview-store.ts';
import { nullable, time } from './base.ts';

const channelHealth = () =>
  z.object({
    state: z.enum(['starting', 'connected', 'degraded', 'stopped', 'fatal']),
    detail: z.string(),
    lastReceiveAt: nullable(time),
    lastEventAt: nullable(time),
    identity: nullable(z.string()),
  });
export const channel = () =>
  z.strictObject({
    id: z.string(),
    type: z.string(),
    account: z.string(),
    paused: z.boolean(),
    health: channelHealth(),
  } satisfies Record<keyof ChannelStatus, unknown>);

const provider = () =>
  z.strictObject({
    id: z.string(),
    dialect: z.string(),
    model: z.string(),
    state: z.enum(['unknown', 'up', 'degraded', 'down']),
    detail: z.string(),
    cooldownUntil: nullable(time),
    active: z.number(),
  } satisfies Record<keyof ProviderStatus, unknown>);

export const readiness = () =>
  z.strictObject({
    ready: z.boolean(),
    failing: z.array(z.enum(['store', 'providers'])),
    warnings: z.array(z.string()),
    uptimeMs: z.number(),
    channels: z.optional(z.array(channel())),
    providers: z.optional(z.array(provider())),
  } satisfies Record<keyof Readiness, unknown>);

const mcpServer = () =>
  z.strictObject({
    name: z.string(),
    state: z.enum(['starting', 'up', 'waiting']),
    detail: z.string(),
    tools: z.number(),
    restarts: z.number(),
    calls: z.number(),
    failedCalls: z.number(),
  } satisfies Record<keyof McpServerStatus, unknown>);
export const status = () =>
  z.strictObject({
    version: z.string(),
    pid: z.number(),
    startedAt: time,
    uptimeMs: z.number(),
    model: z.strictObject({ name: z.string(), source: z.string() }),
    channels: z.array(channel()),
    providers: z.array(provider()),
    mcp: z.array(mcpServer()),
    queues: z.strictObject({
      inbox: z.number(),
      running: z.number(),
      outbox: z.number(),
      uncertain: z.number(),
      dead: z.number(),
    }),
    sessions: z.number(),
    schedule: z.strictObject({
      enabled: z.boolean(),
      jobs: z.number(),
      nextDueAt: nullable(time),
      queued: z.number(),
      running: z.number(),
      failed: z.number(),
    }),
    memory: z.strictObject({ rssBytes: z.number(), heapBytes: z.number() }),
    eventLoopDelayMs: z.strictObject({ p50: z.number(), p99: z.number(), max: z.number() }),
    refused: z.array(
      z.strictObject({
        channel: z.string(),
        sender: z.string(),
        display: z.string(),
        conversation: z.string(),
        count: z.number(),
        lastAt: time,
        allowLine: z.string(),
      }),
    ),
    waiting: z.number(),
    configError: nullable(z.string()),
    warnings: z.array(z.string()),
  } satisfies Record<keyof GatewayStatus, unknown>);

export const trace = () =>
  z.object({
    inbox: z.looseObject({ id: z.string(), state: z.string(), sessionKey: z.string() }),
    run: nullable(z.looseObject({ id: z.string(), state: z.string() })),
    attempts: z.array(z.looseObject({ provider: z.string(), model: z.string() })),
    calls: z.array(
      z.strictObject({
        tool: z.string(),
        outcome: z.enum(['done', 'failed', 'asked', 'approved', 'denied']),
        at: time,
      } satisfies Record<keyof TracedCall, unknown>),
    ),
    outbox: z.array(z.looseObject({ id: z.string(), state: z.string() })),
    feedback: z.array(z.looseObject({ outboxId: z.string(), value: z.string() })),
    mergedInto: nullable(z.string()),
  });

export const config = () =>
  z.strictObject({
    config: z.array(z.strictObject({ key: z.string(), value: z.any(), source: z.string() })),
  });
export const reloaded = () => z.strictObject({ changed: z.array(z.string()) });
