import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import * as z from 'zod/mini';
import { CallRunner } from '../../../src/app/agent/calls.ts';
import { AgentLoop } from '../../../src/app/agent/loop.ts';
import type { LoopEnd, Task } from '../../../src/app/agent/task.ts';
import { RunHistory } from '../../../src/app/agent/run-history.ts';
import { requestOf } from '../../../src/app/runs/context.ts';
import type { CallEvent, CallRequest, MakeRequest, ModelCaller } from '../../../src/app/models/caller.ts';
import { chatRequest } from '../../../src/adapters/providers/openai-chat/request.ts';
import { firstStyle } from '../../../src/adapters/providers/openai-chat/style.ts';
import { messagesRequest } from '../../../src/adapters/providers/anthropic-messages/request.ts';
import { ollamaRequest } from '../../../src/adapters/providers/ollama/request.ts';
import { responsesRequest } from '../../../src/adapters/providers/openai-responses/request.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import { textOf, type JsonValue, type Message } from '../../../src/core/message.ts';
import type { Dialect, ModelRequest, RequestMessage } from '../../../src/core/ports/provider.ts';
import type { JournalEntry } from '../../../src/core/ports/run-store.ts';
import type { NewMessage } from '../../../src/core/ports/session-store.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { agent } from '../../support/message-path.ts';
import { validateRequest, wireDialects, type WireDialect } from '../../support/provider-requests.ts';

const builders: Record<WireDialect, (request: ModelRequest) => unknown> = {
  'openai-chat': (request) => chatRequest(request, firstStyle({ id: 'p', baseUrl: 'https://api.openai.com/v1' })),
  'openai-responses': responsesRequest,
  'anthropic-messages': messagesRequest,
  ollama: (request) => ollamaRequest(request, 8192),
};

/** As the dialects want it back. */
const thoughts: { dialect: Dialect; replay?: JsonValue }[] = [
  { dialect: 'anthropic-messages', replay: { type: 'thinking', thinking: 'hm', signature: 's' } },
  { dialect: 'openai-responses', replay: { type: 'reasoning', id: 'rs_1', summary: [], encrypted_content: 'c' } },
  { dialect: 'ollama' },
  { dialect: 'openai-chat' },
];

/** One step of a model: what it calls. */
type Script = { name: 'look' | 'change' | 'unknown'; value: string }[][];

class Killed extends Error {}

const message = (id: string, role: Message['role'], parts: Message['parts']): Message => ({
  id,
  sessionKey: 's',
  seq: 1,
  role,
  parts,
  author: null,
  runId: 'run_1',
  time: 0,
});

/**
 * A process that dies at the `dieAt`-th thing it does (a journal write, or the moment before or after a tool's work), and
 * the next one that takes up what the journal holds.
 */
class Life {
  readonly entries: JournalEntry[] = [];
  /** What is stored of the session. */
  readonly history: Message[] = [message('msg_q', 'user', [{ type: 'text', text: 'do it' }])];
  /** What is written while the run is at work, each once so many questions were asked of the model. */
  readonly waiting: { text: string; after: number }[] = [];
  readonly done: string[] = [];
  readonly requests: CallRequest[] = [];
  readonly #script: Script;
  #left: number;
  asked = 0;

  constructor(script: Script, dieAt: number) {
    this.#script = script;
    this.#left = dieAt;
  }

  #live(): void {
    if (this.#left-- === 0) throw new Killed();
  }

  async run(): Promise<LoopEnd> {
    const tool = (name: 'look' | 'change') =>
      defineTool({
        name,
        description: name,
        effects: [name === 'look' ? 'read' : 'write'],
        input: () => z.strictObject({ value: z.string() }),
        run: ({ value }) => {
          this.done.push(`${name} ${value}`);
          return Promise.resolve({ text: `${name} ${value} is done` });
        },
      });
    const models = {
      call: async (make: MakeRequest, _: unknown, emit: (event: CallEvent) => void) => this.#answer(await make(), emit),
    };
    const crash = (): void => this.#live();
    const log = new KeptLog();
    const calls = new CallRunner({
      gate: { judge: () => ({ decision: 'allow' }), ask: () => Promise.reject(new Error('not asked')) },
      clock: systemClock,
      log,
      metrics: new CountedMetrics(),
      crash,
      limits: () => ({ timeoutMs: 1000, maxResult: 1000 }),
      keep: () => Promise.resolve('file_1'),
    });
    let ids = 0;
    const store = {
      joinRun: async (_: string, steps: NewMessage[]) => {
        this.#live();
        await Promise.resolve();
        const come = this.waiting.filter(({ after }) => after <= this.asked);
        if (come.length === 0) return null;
        const messages = [
          ...steps.map(({ id, role, parts }) => message(id, role, parts)),
          ...come.map(({ text }) => message(`msg_${text}`, 'user', [{ type: 'text', text }])),
        ];
        this.history.push(...structuredClone(messages));
        this.waiting.splice(0, this.waiting.length, ...this.waiting.filter((one) => !come.includes(one)));
        this.entries.length = 0;
        // The store has it, and nobody hears of it.
        this.#live();
        return { messages, inbound: [] };
      },
      saveAttempts: () => Promise.resolve(),
      journal: async (entries: JournalEntry[]) => {
        this.#live();
        await Promise.resolve();
        // What is there already stays as it is, as in the real journal.
        for (const entry of entries)
          if (!this.entries.some(({ n, state }) => n === entry.n && state === entry.state))
            this.entries.push(structuredClone(entry));
        this.#live();
      },
    };
    const loop = new AgentLoop({
      models: models as unknown as ModelCaller,
      calls,
      store,
      clock: systemClock,
      crash,
      mintId: (prefix) => `${prefix}_${ids++}`,
    });
    return loop.run(this.#task([tool('look'), tool('change')]), () => undefined);
  }

  #task(tools: Task['groups'][number]['tools']): Task {
    return {
      caller: {
        runId: 'run_1',
        person: 'p',
        role: 'owner',
        agent: null,
        depth: 0,
        sessionKey: 's',
        channel: 'api',
        account: 'p',
        conversation: null,
        chatType: 'direct',
        language: null,
      },
      agent: { ...agent, limits: { ...agent.limits, steps: 50 } },
      owner: 'p',
      candidates: [],
      groups: [{ name: 'all', about: 'all', keywords: [], tools }],
      // Read again for each request, as it is let go while the model answers.
      history: new RunHistory(structuredClone(this.history), () => Promise.resolve(structuredClone(this.history))),
      request: (history) =>
        requestOf(history, { agent, loadFile: () => Promise.resolve(null), summary: null, now: null, cacheKey: 's' }),
      sized: () => null,
      counted: () => undefined,
      taint: () => null,
      journal: [...this.entries],
      steer: true,
      approved: null,
      record: null,
      attemptsBefore: 0,
      attempts: [],
      signal: new AbortController().signal,
      logFields: {},
      visible: () => false,
    };
  }

  /** The model is at the step that the history shows. */
  #answer(request: CallRequest, emit: (event: CallEvent) => void): unknown {
    this.requests.push(request);
    const said = request.messages.flatMap(({ role, parts }) => (role === 'assistant' ? parts : []));
    const at = said.filter((part) => part.type === 'text' && part.text.startsWith('step ')).length;
    this.asked = at + 1;
    emit({ type: 'attempt', n: 1, provider: 'p', model: 'p/m' });
    // Another provider at each step: what it thought is of its own dialect.
    const thought = thoughts[at % thoughts.length];
    if (thought !== undefined) emit({ type: 'reasoning', text: 'hm', ...thought });
    emit({ type: 'text', text: `step ${at}` });
    for (const [n, { name, value }] of (this.#script[at] ?? []).entries())
      emit({ type: 'tool_call', id: `c${at}_${n}`, name, args: { value } });
    return { type: 'finished', reason: 'stop', model: 'p/m', usage: null, cost: null, attempts: [] };
  }
}

/** Each call has its result right after it, roles alternate, nothing is empty: what every provider demands. */
function assertValid(messages: readonly RequestMessage[]): void {
  assert.equal(messages[0]?.role, 'user');
  for (const [n, { role, parts }] of messages.entries()) {
    assert.ok(parts.length > 0);
    const next = messages[n + 1];
    if (next !== undefined) assert.notEqual(role, next.role);
    const calls = parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
    if (calls.length === 0) continue;
    const results = next?.parts.flatMap((part) => (part.type === 'tool_result' ? [part.callId] : [])) ?? [];
    assert.deepEqual(results, calls);
  }
}

const script: fc.Arbitrary<Script> = fc.array(
  fc.array(
    fc.record({
      name: fc.constantFrom('look' as const, 'change' as const, 'change' as const, 'unknown' as const),
      value: fc.string({ maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 4 },
  ),
  { maxLength: 4 },
);

/** Written once the model was asked for the n-th time. */
const arrivals = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 3 });

test('killed at any moment, however often, a run ends, repeats no change and always asks with a valid history', async () => {
  await fc.assert(
    fc.asyncProperty(script, fc.array(fc.nat(40), { maxLength: 4 }), arrivals, async (steps, deaths, written) => {
      // Values tell the calls apart.
      const told = steps.map((calls, at) => calls.map((call, n) => ({ ...call, value: `${at}.${n} ${call.value}` })));
      const lives = [...deaths, Infinity];
      let entries: JournalEntry[] = [];
      let history: Message[] | null = null;
      let asked = 0;
      let waiting = written.map((after, n) => ({ text: `joined ${n}`, after }));
      const done: string[] = [];
      let end: LoopEnd | null = null;
      for (const dieAt of lives) {
        const life = new Life(told, dieAt);
        life.entries.push(...entries);
        if (history !== null) life.history.splice(0, 1, ...history);
        life.waiting.push(...waiting);
        life.asked = asked;
        end = await life.run();
        if (end.error?.cause instanceof Killed) end = null;
        ({ entries, history, waiting, asked } = life);
        done.push(...life.done);
        for (const request of life.requests) {
          assertValid(request.messages);
          // Whichever provider is asked next, whatever the others thought.
          for (const dialect of wireDialects) {
            const body = JSON.parse(JSON.stringify(builders[dialect]({ ...request, model: 'm' }))) as unknown;
            assert.deepEqual(validateRequest(dialect, body), []);
          }
        }
        if (end !== null) break;
      }
      assert.ok(end !== null);
      assert.equal(end.error, null);
      const changes = done.filter((what) => what.startsWith('change'));
      assert.equal(new Set(changes).size, changes.length, 'no change is made twice');
      const wanted = told
        .flat()
        .filter(({ name }) => name === 'change')
        .map(({ value }) => `change ${value}`);
      const whole = [...(history ?? []), ...end.steps];
      const joined = whole.filter(({ role }) => role === 'user').map(({ parts }) => textOf(parts));
      assert.deepEqual(
        joined.slice(1).toSorted(),
        written.flatMap((_, n) => (waiting.some(({ text }) => text === `joined ${n}`) ? [] : [`joined ${n}`])),
        'what joined is there once',
      );
      assert.ok(
        waiting.every(({ after }) => after >= told.length),
        'who came in time is not left waiting',
      );
      const unknown = JSON.stringify(whole).split('outcome is unknown').length - 1;
      const missing = wanted.filter((what) => !changes.includes(what));
      assert.ok(missing.length <= unknown, 'what was not made is told as unknown');
      assert.equal(whole.filter(({ role }) => role === 'assistant').length, told.length);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 150) },
  );
});
