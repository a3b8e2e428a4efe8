/** SIGTERM while many streams are open: the gateway is gone in time, and every stream's question is answered once. */
import { ask, chatEvents } from '../../support/gateway-client.ts';
import type { Sent } from '../../support/ledger.ts';
import { accountFigures, type Proof } from './proof.ts';
import { withRig, type Rig } from './rig.ts';

const promisedMs = 5000;

/** `withinMs`: what a stop may take; more than what is promised only where the machine may be busy with other things. */
export function drain(streams: number, withinMs = promisedMs): Promise<Proof> {
  return withRig({ pace: { ttftMs: 100, gapMs: 2000 } }, async (rig) => {
    await rig.start();
    const opened = Array.from({ length: streams }, () => rig.ledger.enter('sse'));
    const flowing: Promise<void>[] = [];
    const ended = opened.map((sent, n) => {
      const begun = Promise.withResolvers<void>();
      flowing.push(begun.promise);
      return follow(rig, sent, `drain-${n}`, begun.resolve).finally(begun.resolve);
    });
    await Promise.all(flowing);

    const violations: string[] = [];
    const exit = await rig.stop();
    if (exit.code !== 0) violations.push(`SIGTERM ended with ${exit.code ?? exit.signal} and not with 0`);
    if (exit.ms >= withinMs) violations.push(`SIGTERM took ${exit.ms.toFixed(0)} ms`);
    const whole = (await Promise.all(ended)).filter(Boolean).length;

    await rig.model.setPace({ gapMs: 5 });
    const { readyMs } = await rig.start();
    const resumed = await Promise.all(
      opened.map(async (sent, n) => {
        const body = { text: sent.text, session: `drain-${n}`, idempotency_key: sent.marker };
        sent.requests++;
        const answer = await ask(rig.target, 'POST', '/api/v1/chat', body);
        const text = answer.body.reply?.text ?? '';
        if (answer.status !== 200) violations.push(`the repeat of stream ${n} was answered with ${answer.status}`);
        else if (sent.answer !== null && sent.answer !== text) violations.push(`stream ${n} and its repeat differ`);
        sent.acknowledged = true;
        sent.answer = text;
      }),
    );
    const accounts = await rig.account();
    return {
      figures: [
        ['streams open at SIGTERM', String(streams)],
        ['exit', `${exit.code ?? exit.signal} after ${exit.ms.toFixed(0)} ms`],
        ['finished before the exit', String(whole)],
        ['asked again after restart', String(resumed.length)],
        ['ready again', `${readyMs.toFixed(0)} ms`],
        ...accountFigures(accounts),
      ],
      violations: [...violations, ...accounts.violations],
    };
  });
}

/** Reads one stream; `onText` at its first delta. True when it came to its own end. */
async function follow(rig: Rig, sent: Sent, session: string, onText: () => void): Promise<boolean> {
  sent.requests++;
  try {
    const body = { text: sent.text, session, idempotency_key: sent.marker };
    for await (const { event, data } of chatEvents(rig.target, body)) {
      if (event === 'run.started') sent.acknowledged = true;
      if (event === 'run.delta') onText();
      if (event === 'run.finished') sent.answer = data.reply?.text ?? '';
    }
  } catch {
    // Cut by the stop: what the proof is about.
  }
  return sent.answer !== null;
}
