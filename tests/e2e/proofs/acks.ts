/** No acknowledgement before its fsync: the gateway under strace, every kind of acknowledgement, the log held to the rule. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ask, chatEvents, connect } from '../../support/gateway-client.ts';
import { fsyncFaults, straceOptions, type Acknowledged } from './fsync-order.ts';
import type { Proof } from './proof.ts';
import { chats, withRig, type Rig } from './rig.ts';

/** Null when this machine can trace a process; else why not. */
export function straceMissing(): string | null {
  const probe = spawnSync('strace', ['-f', '--seccomp-bpf', '-o', '/dev/null', '-e', 'trace=fsync', 'true']);
  if (probe.error !== undefined) return 'strace is not installed';
  return probe.status === 0 ? null : `strace does not work here: ${String(probe.stderr).trim().split('\n')[0]}`;
}

export function acks(rounds: number): Promise<Proof> {
  const missing = straceMissing();
  if (missing !== null) return Promise.resolve({ figures: [], violations: [], skipped: missing });
  // Not beside the configuration: the gateway watches that directory, and would trace itself reading about its trace.
  const logDir = mkdtempSync(path.join(tmpdir(), 'clanker-strace-'));
  const logFile = path.join(logDir, 'strace.log');
  return withRig({}, async (rig): Promise<Proof> => {
    await rig.start({ under: ['strace', ...straceOptions, '-o', logFile] });
    const acknowledged: Acknowledged[] = [];
    for (let round = 0; round < rounds; round++) acknowledged.push(...(await oneOfEach(rig)));
    await rig.settle();
    await rig.stop();
    const log = readFileSync(logFile, 'utf8');
    const violations = fsyncFaults(log, acknowledged);

    // The same log without its fsyncs must be refused as a whole, or the rule proves nothing.
    const doctored = log.replaceAll(/^.*\bf(?:data)?sync\b.*$/gm, '');
    const caught = fsyncFaults(doctored, acknowledged).length;
    if (caught < acknowledged.length) {
      violations.push(`only ${caught} of ${acknowledged.length} acknowledgements were missed in a log without fsyncs`);
    }
    const of = (by: string): string => String(acknowledged.filter((entry) => entry.by === by).length);
    return {
      figures: [
        ['HTTP 200, 202 and SSE', of('http')],
        ['WebSocket ack', of('ws')],
        ['Telegram offset', of('telegram')],
        ['acknowledged before the fsync', String(violations.length)],
        ['caught in a doctored log', `${caught} of ${acknowledged.length}`],
      ],
      violations,
    };
  }).finally(() => rmSync(logDir, { recursive: true, force: true }));
}

async function oneOfEach(rig: Rig): Promise<Acknowledged[]> {
  const { ledger, target } = rig;
  const chat = chats[0] ?? 0;
  const [json, sse, ws, message] = [
    ledger.enter('http'),
    ledger.enter('sse'),
    ledger.enter('ws'),
    ledger.enter('http'),
  ];
  await ask(target, 'POST', '/api/v1/chat', { text: json.text, idempotency_key: json.marker });
  for await (const { event } of chatEvents(target, { text: sse.text, idempotency_key: sse.marker })) {
    if (event === 'run.finished') break;
  }
  const sent = { channel: 'telegram', target: String(chat), content: message.text, idempotency_key: message.marker };
  const accepted = await ask(target, 'POST', '/api/v1/message', sent);
  if (accepted.status !== 202) throw new Error(`/api/v1/message was answered with ${accepted.status}, not 202`);

  const socket = await connect(target);
  socket.send('chat.send', { text: ws.text, idempotency_key: ws.marker }, ws.marker);
  await socket.next(({ type, id }) => type === 'ack' && id === ws.marker);
  await socket.next(({ type }) => type === 'run.finished');
  await socket.close();

  const telegram = ledger.enter('telegram');
  rig.say(telegram, chat);
  await rig.shown(telegram);
  return [
    { marker: json.marker, by: 'http' },
    { marker: sse.marker, by: 'http' },
    { marker: message.marker, by: 'http' },
    { marker: ws.marker, by: 'ws' },
    { marker: telegram.marker, by: 'telegram', updateId: telegram.updateId ?? 0 },
  ];
}
