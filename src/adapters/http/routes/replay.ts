import * as z from 'zod/mini';
import { noLongerNeeded } from '../../../core/abort.ts';
import type { DryRun, Replay } from '../../../core/ports/replay.ts';
import { effects } from '../../../core/ports/tool.ts';
import { json, route } from '../route.ts';
import { failure, type Wire } from '../schemas/base.ts';
import { dryRunBody } from '../schemas/chat.ts';

const args = () => z.record(z.string(), z.unknown());
const cost = () => z.nullable(z.strictObject({ amount: z.number(), currency: z.string() }));
const call = () => z.strictObject({ tool: z.string(), args: args() });

const replayBody = () =>
  z.strictObject({
    model: z.exactOptional(z.string().check(z.minLength(1), z.maxLength(200))),
    prompt: z.exactOptional(z.string().check(z.maxLength(65_536))),
  });

const replay = () =>
  z.strictObject({
    run_id: z.string(),
    offline: z.boolean(),
    same: z.boolean(),
    diverged: z.nullable(z.number()),
    recorded: z.strictObject({ text: z.string(), model: z.string(), steps: z.number() }),
    text: z.string(),
    model: z.string(),
    finish_reason: z.string(),
    steps: z.array(
      z.strictObject({
        text: z.string(),
        calls: z.array(z.strictObject({ tool: z.string(), args: args(), result: z.string() })),
      }),
    ),
    missing: z.array(call()),
    cost: cost(),
  });

const dryRun = () =>
  z.strictObject({
    text: z.string(),
    calls: z.array(
      z.strictObject({
        tool: z.string(),
        args: args(),
        effects: z.array(z.enum(effects)),
        decision: z.enum(['allow', 'ask', 'deny']),
      }),
    ),
    model: z.string(),
    cost: cost(),
  });

const dollars = (amount: number | null): Wire<typeof cost> => (amount === null ? null : { amount, currency: 'USD' });

const wireReplay = ({ runId, reason, text, model, steps, missing, cost, ...told }: Replay): Wire<typeof replay> => ({
  run_id: runId,
  offline: told.offline,
  same: told.same,
  diverged: told.diverged,
  recorded: told.recorded,
  text,
  model,
  finish_reason: reason,
  steps,
  missing,
  cost: dollars(cost),
});

const wireDryRun = ({ text, calls, model, cost }: DryRun): Wire<typeof dryRun> => ({
  text,
  calls,
  model,
  cost: dollars(cost),
});

const failed = { description: 'The model failed.', schema: failure };

/** Runs that change nothing. */
export const replayRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/runs/{id}/replay',
    summary: 'Play a recorded run again: offline, or against another model or prompt. No tool is carried out.',
    scope: 'send',
    body: replayBody,
    answers: {
      200: { description: 'What came of it, beside what was recorded.', schema: replay },
      404: { description: 'No such recorded run of yours.', schema: failure },
      502: failed,
    },
    async handle({ principal, params, body, context, onGone }) {
      const gone = new AbortController();
      onGone(() => gone.abort(noLongerNeeded));
      return json(wireReplay(await context.gateway.replayRun(principal, params.id, body, gone.signal)));
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/chat/dry-run',
    summary:
      'Try a turn: tools that only read are carried out, of others it is said what they would do. Nothing is kept.',
    scope: 'send',
    body: dryRunBody,
    answers: {
      200: { description: 'The answer, and the calls with what the policy says to them.', schema: dryRun },
      404: { description: 'No such agent.', schema: failure },
      502: failed,
    },
    async handle({ principal, body, context, onGone }) {
      const gone = new AbortController();
      onGone(() => gone.abort(noLongerNeeded));
      return json(wireDryRun(await context.gateway.dryRun(principal, body, gone.signal)));
    },
  }),
];
