import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { messagePath, principal, agent } from '../../support/message-path.ts';
import { failing, finish, start, text, type Step } from '../../support/scripted-provider.ts';

const answering = (words: string): Step[] => [start, text(words), finish];
const long = (n: number): string => `message ${n} ${'with many words in it '.repeat(150)}`;
const small = { agent: { limits: { ...agent.limits, contextTokens: 4000 } } };
type Path = Awaited<ReturnType<typeof messagePath>>;

const path = (t: TestContext, scripts: Step[][]): Promise<Path> => messagePath(t, scripts, small);
const ask = async (gateway: Path, words: string) => (await gateway.chat.chat(principal, { text: words })).answer;
/** Requests that ask for a summary. */
const summaries = ({ provider }: Path): string[] =>
  provider.requests
    .filter(({ system }) => system.startsWith('You summarise'))
    .map(({ messages }) => JSON.stringify(messages));

test('a conversation that comes near its window is summarised, and the summary is read from then on', async (t) => {
  const gateway = await path(t, [answering('ok')]);
  for (let n = 1; n <= 3; n++) await ask(gateway, long(n));
  assert.equal(summaries(gateway).length, 0);
  gateway.provider.scripts = [
    ...Array.from({ length: gateway.provider.hits }, () => answering('ok')),
    answering('They sent messages one and two.'),
    answering('ok'),
  ];
  await ask(gateway, long(4));
  const [summarised] = summaries(gateway);
  assert.match(summarised ?? '', /message 1 .*message 2 /s);
  const sent = JSON.stringify(gateway.provider.requests.at(-1)?.messages);
  assert.match(sent, /Summary of the conversation before:\]\\nThey sent messages one and two\./);
  assert.doesNotMatch(sent, /message 1 /);
  assert.match(sent, /message 4 /);
  await ask(gateway, 'and now?');
  assert.match(JSON.stringify(gateway.provider.requests.at(-1)?.messages), /They sent messages one and two/);
  const [session] = (await gateway.store.listSessions(null, { limit: 1 })).items;
  const kept = await gateway.store.listMessages(session?.key ?? '', { limit: 100 });
  assert.equal(kept.items.length, 10, 'what was summarised is still stored');
});

test('a model that cannot summarise is not asked for ever, and the turn is answered all the same', async (t) => {
  const gateway = await path(t, [answering('ok')]);
  const stream = gateway.provider.stream.bind(gateway.provider);
  const broken = failing('invalid_request');
  gateway.provider.stream = (request, signal, emit) => {
    gateway.provider.scripts = Array.from({ length: gateway.provider.hits + 1 }, () =>
      request.system.startsWith('You summarise') ? broken : answering('ok'),
    );
    return stream(request, signal, emit);
  };
  for (let n = 1; n <= 10; n++) assert.equal((await ask(gateway, long(n))).reply.text, 'ok');
  assert.equal(summaries(gateway).length, 3);
  const last = gateway.provider.requests.at(-1);
  assert.match(JSON.stringify(last?.messages), /message 10 /);
  assert.ok(JSON.stringify(last?.messages).length < 4000 * 4, 'what does not fit is left out');
});

test('a request that the provider finds too long is sent once more, shorter', async (t) => {
  const gateway = await path(t, [answering('ok'), failing('context_overflow'), answering('shorter')]);
  await ask(gateway, long(1));
  assert.equal((await ask(gateway, long(2))).reply.text, 'shorter');
  const [, second, third] = gateway.provider.requests;
  assert.ok(JSON.stringify(third?.messages).length < JSON.stringify(second?.messages).length);
});

test('a new conversation knows nothing of the summary of the old one', async (t) => {
  const gateway = await path(t, [answering('summary or answer')]);
  for (let n = 1; n <= 5; n++) await ask(gateway, long(n));
  assert.ok(summaries(gateway).length > 0);
  const [session] = (await gateway.store.listSessions(null, { limit: 1 })).items;
  await gateway.store.resetSession(session?.key ?? '', Date.now());
  await ask(gateway, 'hello');
  assert.deepEqual(gateway.provider.requests.at(-1)?.messages, [
    { role: 'user', parts: [{ type: 'text', text: 'hello' }] },
  ]);
});
