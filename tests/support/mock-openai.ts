/**
 * A model API for proofs and benches: the OpenAI chat dialect at an exact pace, in a process of its own, so that its
 * work never shows in the gateway's figures. It keeps a ledger of every call, by the marker its question carried.
 *
 * What a question may say to shape its own answer: `[ttft=2000] [deltas=50] [gap=100] [size=8000]` (milliseconds, and
 * characters a delta).
 */
import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Pace {
  /** Milliseconds from the request to the first delta. */
  ttftMs: number;
  deltas: number;
  /** Milliseconds between deltas. */
  gapMs: number;
  /** Characters of a delta; 0 means one word. */
  size: number;
  /**
   * Puts stamps of the machine's monotonic clock into the text: the first delta tells when the request had arrived,
   * every delta when it was written. Answers are then no longer predictable.
   */
  stamps: boolean;
}

/** What became of the calls whose last question carried one marker. */
export interface CallCount {
  calls: number;
  finished: number;
  /** The caller left before the end. */
  cut: number;
}

export interface MockReport {
  markers: Record<string, CallCount>;
  calls: number;
  /** Histories that a strict provider would refuse, in words; at most 20 are kept. */
  malformed: string[];
  /** The body of the last call, verbatim. */
  lastBody: string;
  /** Each distinct `authorization` header, in order of appearance. */
  authorizations: string[];
}

export interface MockOpenAi {
  /** For `base_url`. */
  readonly baseUrl: string;
  readonly pid: number;
  setPace(pace: Partial<Pace>): Promise<void>;
  report(): Promise<MockReport>;
  close(): Promise<void>;
}

const defaultPace: Pace = { ttftMs: 20, deltas: 6, gapMs: 5, size: 0, stamps: false };
const maxMalformed = 20;
const markerPattern = /mk-[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** A text nobody else sends, to follow one message through every part of the system. */
export const newMarker = (): string => `mk-${randomUUID()}`;

/** The last marker inside a text, or null. (An unanswered question and the next one may reach a model as one turn.) */
export const markerIn = (text: string): string | null => text.match(markerPattern)?.at(-1) ?? null;

/** The deltas of an answer: the marker (or `none`) first, so that even a cut answer tells whose it is; `end.` last. */
export function answerDeltas(marker: string | null, pace: Pick<Pace, 'deltas' | 'size'>): string[] {
  const deltas = [marker ?? 'none'];
  for (let n = 1; n < pace.deltas - 1; n++) deltas.push(` ${`word${n}`.padEnd(pace.size - 1, 'x')}`);
  deltas.push(' end.');
  return deltas;
}

/** The whole answer to a question, when no stamps are asked for. */
export const answerTo = (question: string, pace: Partial<Pace> = {}): string =>
  answerDeltas(markerIn(question), pacedBy(question, { ...defaultPace, ...pace })).join('');

function pacedBy(question: string, pace: Pace): Pace {
  const asked = { ...pace };
  for (const match of question.matchAll(/\[(ttft|deltas|gap|size)=(\d+)\]/g)) {
    const value = Number(match[2]);
    if (match[1] === 'ttft') asked.ttftMs = value;
    if (match[1] === 'gap') asked.gapMs = value;
    if (match[1] === 'deltas') asked.deltas = value;
    if (match[1] === 'size') asked.size = value;
  }
  return asked;
}

/** Starts the mock in its own process; it ends with `close()` or with the process that started it. */
export async function startMockOpenAi(pace: Partial<Pace> = {}): Promise<MockOpenAi> {
  const child = fork(import.meta.filename, [], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const { port } = await ask<{ port: number }>(child, { ask: 'listen', pace });
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    pid: child.pid ?? 0,
    setPace: async (pace) => void (await ask(child, { ask: 'pace', pace })),
    report: () => ask<MockReport>(child, { ask: 'report' }),
    close: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.disconnect();
      await gone;
    },
  };
}

interface Question {
  ask: 'listen' | 'pace' | 'report';
  pace?: Partial<Pace>;
}

let asked = 0;
function ask<T>(child: ChildProcess, question: Question): Promise<T> {
  const id = ++asked;
  return new Promise<T>((resolve, reject) => {
    const onMessage = (message: { id: number; answer: T }): void => {
      if (message.id !== id) return;
      child.off('message', onMessage);
      child.off('exit', onExit);
      resolve(message.answer);
    };
    const onExit = (): void => reject(new Error('The mock provider ended by itself.'));
    child.on('message', onMessage);
    child.once('exit', onExit);
    child.send({ id, ...question });
  });
}

// ── inside the mock's own process

interface ChatBody {
  stream?: boolean;
  stream_options?: { include_usage?: boolean };
  messages?: { role: string; content: unknown; tool_calls?: unknown }[];
}

const textOf = (content: unknown): string => {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  return content.map((part: { text?: string }) => part.text ?? '').join('');
};

/** What a strict provider would refuse about this history, or null. */
function historyFault(messages: NonNullable<ChatBody['messages']>): string | null {
  const turns = messages.filter(({ role }) => role !== 'system' && role !== 'developer');
  if (turns.at(-1)?.role !== 'user' && turns.at(-1)?.role !== 'tool') return 'does not end with a question';
  for (const [index, turn] of turns.entries()) {
    if (textOf(turn.content).trim() === '' && turn.tool_calls === undefined) return `message ${index} is empty`;
    if (turn.role !== 'tool' && turn.role === turns[index - 1]?.role) return `two ${turn.role} messages in a row`;
  }
  return null;
}

function serve(): void {
  let pace = defaultPace;
  const report: MockReport = { markers: {}, calls: 0, malformed: [], lastBody: '', authorizations: [] };

  const server = createServer((request, response) => {
    const got = process.hrtime.bigint();
    if (request.method !== 'POST') {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify({ object: 'list', data: [{ id: 'mock-1', object: 'model' }] }));
      return;
    }
    readAll(request).then(
      (text) => answer(text, got, request, response),
      () => response.destroy(),
    );
  });

  function answer(text: string, got: bigint, request: IncomingMessage, response: ServerResponse): void {
    const body = JSON.parse(text) as ChatBody;
    const messages = body.messages ?? [];
    const question = textOf(messages.findLast(({ role }) => role === 'user')?.content);
    const marker = markerIn(question);
    const count = (report.markers[marker ?? 'none'] ??= { calls: 0, finished: 0, cut: 0 });
    count.calls++;
    report.calls++;
    report.lastBody = text;
    const authorization = request.headers.authorization ?? '';
    if (report.authorizations.at(-1) !== authorization) report.authorizations.push(authorization);
    const fault = historyFault(messages);
    if (fault !== null && report.malformed.length < maxMalformed) report.malformed.push(`${marker}: ${fault}`);

    const asked = pacedBy(question, pace);
    const deltas = answerDeltas(marker, asked);
    const usage = { prompt_tokens: Math.ceil(text.length / 4), completion_tokens: deltas.length };
    let timer: NodeJS.Timeout | undefined;
    response.once('close', () => {
      clearTimeout(timer);
      if (response.writableFinished) count.finished++;
      else count.cut++;
    });
    if (body.stream !== true) {
      timer = setTimeout(
        () => {
          const choice = { index: 0, message: { role: 'assistant', content: deltas.join('') }, finish_reason: 'stop' };
          response.setHeader('content-type', 'application/json');
          response.end(JSON.stringify({ id: 'mock', object: 'chat.completion', choices: [choice], usage }));
        },
        asked.ttftMs + asked.gapMs * deltas.length,
      );
      return;
    }

    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    const started = performance.now() + asked.ttftMs;
    const chunk = (delta: object, finish: string | null): string =>
      `data: {"id":"mock","object":"chat.completion.chunk","created":1,"model":"mock-1","choices":[{"index":0,"delta":${JSON.stringify(delta)},"finish_reason":${JSON.stringify(finish)}}]}\n\n`;
    let n = 0;
    const next = (): void => {
      // Against the plan and not the last tick, so that timer drift does not stretch the answer.
      do {
        if (n === deltas.length) return finish();
        let content = deltas[n] ?? '';
        if (asked.stamps) content += stamp(n === 0 ? got : null);
        response.write(chunk({ content }, null));
        n++;
      } while (started + n * asked.gapMs <= performance.now());
      timer = setTimeout(next, Math.max(0, started + n * asked.gapMs - performance.now()));
    };
    const finish = (): void => {
      response.write(chunk({}, 'stop'));
      if (body.stream_options?.include_usage === true) {
        response.write(
          `data: {"id":"mock","object":"chat.completion.chunk","choices":[],"usage":${JSON.stringify(usage)}}\n\n`,
        );
      }
      response.end('data: [DONE]\n\n');
    };
    timer = setTimeout(next, asked.ttftMs);
  }

  process.on('message', ({ id, ask, pace: changed }: Question & { id: number }) => {
    const reply = (answer: unknown): void => void process.send?.({ id, answer });
    pace = { ...pace, ...changed };
    if (ask === 'report') return reply(report);
    if (ask === 'pace') return reply(null);
    server.listen(0, '127.0.0.1', 1024, () => reply({ port: (server.address() as AddressInfo).port }));
  });
  process.on('disconnect', () => process.exit(0));
}

/** ` @g<request arrived>@w<delta written>@`, nanoseconds of CLOCK_MONOTONIC, which all processes of a machine share. */
const stamp = (got: bigint | null): string => `${got === null ? '' : ` @g${got}`}@w${process.hrtime.bigint()}@`;

/** The stamps inside a piece of streamed text, in milliseconds. */
export function stampsIn(text: string): { got: number | null; wrote: number | null } {
  const got = /@g(\d+)/.exec(text)?.[1];
  const wrote = /@w(\d+)@/.exec(text)?.[1];
  return { got: got === undefined ? null : Number(got) / 1e6, wrote: wrote === undefined ? null : Number(wrote) / 1e6 };
}

/** The same clock, in milliseconds. */
export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

if (import.meta.main) serve();
