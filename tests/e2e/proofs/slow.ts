/** One slow thing (a turn, a disk, a reader) slows itself only. */
import { setTimeout as sleep } from 'node:timers/promises';
import { anonymousMemory, watchMemory } from '../../../bench/machine.ts';
import { megabytes, percentile } from '../../../bench/table.ts';
import { ask, connect } from '../../support/gateway-client.ts';
import { straceMissing } from './acks.ts';
import type { Proof } from './proof.ts';
import { withRig, type Rig } from './rig.ts';
import { Traffic } from './traffic.ts';

const people = { http: 4, sse: 2, ws: 4, telegram: 0, restMs: 20 };
const fsyncDelayMs = 500;
const loopDelayLimitMs = 50;
/** What a socket that is not read may cost: the documented buffer, the kernel's, and the noise of the heap. */
const slowReaderMemory = 24 * 2 ** 20;

/** A turn of `turnMs` in one session: the latency of the others beside it, against theirs without it. */
export function slowTurn(turnMs: number): Promise<Proof> {
  return withRig({ pace: { ttftMs: 20, gapMs: 5 } }, async (rig) => {
    await rig.start();
    await measure(rig, 1000);
    const before = await measure(rig, turnMs);
    const turn = rig.ledger.enter('http', `[ttft=${turnMs}]`);
    const slow = ask(rig.target, 'POST', '/api/v1/chat', {
      text: turn.text,
      session: 'slow',
      idempotency_key: turn.marker,
    });
    const beside = await measure(rig, turnMs * 0.9);
    turn.acknowledged = (await slow).status === 200;
    const accounts = await rig.account();
    const ratio = percentile(beside, 0.5) / percentile(before, 0.5);
    return {
      figures: [
        ['slow turn', `${turnMs} ms`],
        ['others without it, median / p95', pair(before)],
        ['others beside it, median / p95', pair(beside)],
        ['ratio of medians', ratio.toFixed(2)],
      ],
      violations: [...accounts.violations, ...(turn.acknowledged ? [] : ['the slow turn was not answered'])],
    };
  });
}

async function measure(rig: Rig, forMs: number): Promise<number[]> {
  const traffic = new Traffic(rig, people);
  traffic.start();
  await sleep(forMs);
  await traffic.stop();
  return traffic.latencies;
}

const pair = (values: readonly number[]): string =>
  `${percentile(values, 0.5).toFixed(0)} / ${percentile(values, 0.95).toFixed(0)} ms of ${values.length} turns`;

/** One person sends everything at once into one session: the others' latency beside it, and what becomes of it all. */
export function flood(messages: number): Promise<Proof> {
  return withRig({ pace: { ttftMs: 10, gapMs: 2 } }, async (rig) => {
    const daemon = await rig.start();
    await measure(rig, 1000);
    const before = await measure(rig, 3000);
    const memory = watchMemory(daemon.pid);
    const socket = await connect(rig.target);
    const sent = Array.from({ length: messages }, () => rig.ledger.enter('ws'));
    for (const { marker, text } of sent) {
      socket.send('chat.send', { text, session: 'flood', idempotency_key: marker }, marker);
    }
    const beside = await measure(rig, 3000);
    const entries = new Map(sent.map((entry) => [entry.marker, entry]));
    let refused = 0;
    for (let n = 0; n < messages; n++) {
      const { type, id = '' } = await socket.next(({ type }) => type === 'ack' || type === 'error');
      const entry = entries.get(id);
      if (type === 'error') refused++;
      else if (entry !== undefined) entry.acknowledged = true;
    }
    await rig.settle();
    const peak = memory.stop();
    const accounts = await rig.account();
    await socket.close();
    return {
      figures: [
        ['messages at once, taken + refused', `${messages - refused} + ${refused}`],
        ['others without it, median / p95', pair(before)],
        ['others beside it, median / p95', pair(beside)],
        ['ratio of medians', (percentile(beside, 0.5) / percentile(before, 0.5)).toFixed(2)],
        ['memory peak (RssAnon)', megabytes(peak)],
      ],
      violations: accounts.violations,
    };
  });
}

/** Every fsync takes half a second: writes wait for it, the event loop does not. */
export function slowDisk(forMs: number): Promise<Proof> {
  const missing = straceMissing();
  if (missing !== null) return Promise.resolve({ figures: [], violations: [], skipped: missing });
  return withRig({ pace: { ttftMs: 20, gapMs: 20 } }, async (rig) => {
    // The store exists already, so that its creation does not wait for each of its own fsyncs.
    await rig.start();
    await rig.stop();
    const inject = `inject=fsync,fdatasync:delay_enter=${fsyncDelayMs * 1000}`;
    const trace = [
      'strace',
      '-f',
      '--seccomp-bpf',
      '-qq',
      '-e',
      'trace=fsync,fdatasync',
      '-e',
      inject,
      '-o',
      '/dev/null',
    ];
    await rig.start({ under: trace });
    const latencies = await measure(rig, forMs);
    const { body } = await ask<{ eventLoopDelayMs: { p50: number; p99: number; max: number } }>(
      rig.target,
      'GET',
      '/api/v1/status',
    );
    const { p50, p99, max } = body.eventLoopDelayMs;
    const accounts = await rig.account();
    return {
      figures: [
        ['each fsync delayed by', `${fsyncDelayMs} ms`],
        ['turns, median / p95', pair(latencies)],
        ['event-loop delay p50 / p99 / max', [p50, p99, max].map((value) => `${value.toFixed(1)} ms`).join(' / ')],
      ],
      violations: [
        ...accounts.violations,
        ...(p99 < loopDelayLimitMs ? [] : [`event-loop delay p99 is ${p99} ms, not below ${loopDelayLimitMs}`]),
      ],
    };
  });
}

/** A WebSocket that subscribes to everything and never reads is let go, and costs no memory that grows. */
export function slowReader(turns: number): Promise<Proof> {
  return withRig({ pace: { ttftMs: 0, gapMs: 0 } }, async (rig) => {
    const daemon = await rig.start();
    const say = async (words: string): Promise<void> => {
      const sent = rig.ledger.enter('http', words);
      // A session of its own for each, or the growing history would be the memory that is seen.
      const body = { text: sent.text, session: sent.marker, idempotency_key: sent.marker };
      const answer = await ask(rig.target, 'POST', '/api/v1/chat', body);
      sent.acknowledged = answer.status === 200;
      sent.answer = answer.body.reply?.text ?? '';
    };
    const loud = '[deltas=20] [size=8000]';
    const turn = async (): Promise<number> => {
      await say(loud);
      return anonymousMemory(daemon.pid);
    };
    let before = 0;
    for (let n = 0; n < turns; n++) before = Math.max(before, await turn());

    const reader = await connect(rig.target);
    reader.send('subscribe', { all: true });
    reader.send('ping', {}, 'subscribed');
    await reader.next(({ type, id }) => type === 'pong' && id === 'subscribed');
    reader.ws.pause();
    let peak = before;
    for (let n = 0; n < turns; n++) peak = Math.max(peak, await turn());
    // Reading again, the client finds what the gateway decided meanwhile.
    reader.ws.resume();
    const code = await Promise.race([reader.closed, sleep(5000, null, { ref: false })]);
    await reader.close();
    await say('and all is well');
    const accounts = await rig.account();
    const violations = [...accounts.violations];
    if (code === null) violations.push('the reader that did not read was not let go');
    else if (code !== 1013 && code !== 1006) violations.push(`the reader was closed with ${code}, not with 1013`);
    if (peak - before > slowReaderMemory) violations.push(`memory grew by ${megabytes(peak - before)}`);
    return {
      figures: [
        ['not read', megabytes(turns * 20 * 8000)],
        ['closed with', code === null ? 'not at all' : `${code}`],
        ['memory peak without it / with it (RssAnon)', `${megabytes(before)} / ${megabytes(peak)}`],
      ],
      violations,
    };
  });
}
