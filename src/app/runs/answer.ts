import { textOf, type Message, type Part } from '../../core/message.ts';
import type { ChatAnswer } from '../../core/ports/gateway.ts';
import type { RunRow } from '../../core/ports/run-store.ts';
import { joinSaid } from '../agent/steps.ts';

/** What was answered: all the text of the run, and the other parts of its last message. */
export interface Reply {
  text: string;
  parts: readonly Part[];
}

/** The same from the messages of a run. */
export const replyOf = (said: readonly Message[]): Reply => ({
  text: joinSaid(said.map(({ parts }) => textOf(parts))),
  parts: said.at(-1)?.parts ?? [],
});

/** A finished run as its client sees it; the same from the live run and, years later, from the rows. */
export function answerOf(run: RunRow, reply: Reply): ChatAnswer {
  const { usage } = run;
  const prompt = usage === null ? 0 : usage.input + usage.cacheRead + usage.cacheWrite;
  const completion = usage?.output ?? 0;
  const parts = reply.parts.filter((part) => part.type !== 'text' && part.type !== 'reasoning');
  return {
    message_id: run.messageId,
    run_id: run.id,
    session: run.sessionKey,
    reply: { text: reply.text, ...(parts.length > 0 ? { parts } : {}) },
    model: run.model ?? '',
    finish_reason: run.finishReason ?? 'stop',
    usage: { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion },
    cost: run.cost === null ? null : { amount: run.cost, currency: 'USD' },
  };
}
