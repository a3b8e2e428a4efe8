import assert from 'node:assert/strict';
import { fail } from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from '../../../src/app/runs/outages.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import { messagePath, principal, said, type PathSettings } from '../../support/message-path.ts';
import { answer, failing } from '../../support/scripted-provider.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

const texts = (path: Path): string[] => path.channel.shown.map((message) => message.texts.at(-1) ?? '');

async function until(path: Path, fits: () => boolean): Promise<void> {
  for (let tries = 0; !fits(); tries++) {
    if (tries > 400) throw new Error(`it did not happen; shown: ${JSON.stringify(texts(path))}`);
    await path.clock.sleep(2000);
  }
}

/** A path whose model is down until `mend`. */
async function outage(
  t: Parameters<typeof messagePath>[0],
  settings: PathSettings = {},
): Promise<{ path: Path; mend: () => void }> {
  const path = await messagePath(t, [failing('network')], settings);
  path.provider.healthy = { ok: false, detail: 'it is down' };
  path.attach();
  const mend = (): void => {
    path.provider.healthy = { ok: true, detail: 'it answers' };
    path.provider.scripts = path.provider.scripts.map(() => answer);
  };
  return { path, mend };
}

function watch(t: Parameters<typeof messagePath>[0], outages: Outages): void {
  const stop = new AbortController();
  const running = outages.run(stop.signal);
  t.after(async () => {
    stop.abort(new Error('over'));
    await running;
  });
}

test('while no model can be reached people are told once; when one is back, what they asked is answered', async (t) => {
  const { path, mend } = await outage(t);
  watch(t, path.outages);
  await path.ingress.sinkFor('scripted', 'main').commit([said('are you there?')]);
  await until(path, () => texts(path).length === 1);
  assert.match(texts(path)[0] ?? '', /could not answer.*I keep your message/s);
  mend();
  await until(path, () => texts(path).includes('Hello'));
  assert.deepEqual(texts(path).slice(1), ['The model is back; I answer what was left open.', 'Hello']);
  assert.equal((await path.store.deadLetters(null, { limit: 5 })).items.length, 0);
});

test('that a model is back is said once in each conversation, and what was asked too long ago is left alone', async (t) => {
  const { path, mend } = await outage(t);
  const sink = path.ingress.sinkFor('scripted', 'main');
  for (const [n, question] of ['one', 'two'].entries()) {
    await sink.commit([said(question)]);
    await until(path, () => texts(path).length === n + 1);
  }
  mend();
  watch(t, path.outages);
  await until(path, () => texts(path).filter((text) => text === 'Hello').length === 2);
  assert.equal(texts(path).filter((text) => text.includes('is back;')).length, 1);
  const { receivedAt, ...row } = (await path.store.inbound((await path.event('message.received')).messageId)) ?? fail();
  const down = new ClankerError('provider', 'provider', 'It is down.', { retryable: true });
  assert.equal(path.outages.keep({ ...row, receivedAt: receivedAt - 3_600_000 }, down), null);
});

test('a thousand messages wait for a model, and one more is a dead letter like any other', async (t) => {
  const { path } = await outage(t);
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).length === 1);
  const row = (await path.store.inbound((await path.event('message.received')).messageId)) ?? fail();
  const down = new ClankerError('provider', 'provider', 'It is down.', { retryable: true });
  const kept = Array.from({ length: 1000 }, (_, n) => path.outages.keep({ ...row, id: `msg_${n}` }, down));
  assert.equal(kept.filter((how) => how === 'first').length, 999, 'one waits already');
  assert.equal(kept.at(-1), null);
});

test('messages that are answered together are kept together, and answered when a model is back', async (t) => {
  const { path, mend } = await outage(t, { queueMode: 'collect' });
  watch(t, path.outages);
  await path.ingress.sinkFor('scripted', 'main').commit([said('one'), said('two')]);
  await until(path, () => texts(path).length === 1);
  mend();
  await until(path, () => texts(path).includes('Hello'));
  const asked = JSON.stringify(path.provider.requests.at(-1)?.messages);
  assert.ok(asked.includes('one') && asked.includes('two'));
});

test('what was kept before a restart is answered after it', async (t) => {
  const { path, mend } = await outage(t);
  await path.ingress.sinkFor('scripted', 'main').commit([said('before the restart')]);
  await until(path, () => texts(path).length === 1);
  mend();
  const { store, clock, log, mintId, models, delivery, runs } = path;
  watch(t, new Outages({ store, clock, log, mintId, models, delivery, runs: () => runs }));
  await until(path, () => texts(path).includes('Hello'));
});

test('what a person cleared, and what was stopped or left behind by a new conversation, is not answered any more', async (t) => {
  const { path, mend } = await outage(t);
  const asked = async (text: string, chat: string): Promise<void> => {
    const before = texts(path).length;
    const conversation = { channel: 'scripted', account: 'main', native: chat };
    const sender = { native: '7', display: 'Ada', isBot: false };
    await path.ingress.sinkFor('scripted', 'main').commit([said(text, { conversation, sender })]);
    await until(path, () => texts(path).length > before);
  };
  await asked('cleared', '7');
  await path.dead.clear(null);
  await asked('stopped', '71');
  await asked('/stop', '71');
  await asked('before the new one', '72');
  await asked('/new', '72');
  await asked('the only one that waits', '73');
  mend();
  watch(t, path.outages);
  await until(path, () => texts(path).includes('Hello'));
  await path.clock.sleep(20_000);
  assert.deepEqual(
    texts(path).filter((text) => text === 'Hello'),
    ['Hello'],
  );
  assert.equal(path.provider.requests.at(-1)?.messages.at(-1)?.role, 'user');
});

test('a store that fails while it is taken up leaves no message behind', async (t) => {
  const { path, mend } = await outage(t);
  const ask = async (text: string): Promise<void> => {
    const before = texts(path).length;
    await path.ingress.sinkFor('scripted', 'main').commit([said(text)]);
    await until(path, () => texts(path).length > before);
  };
  await ask('one');
  await ask('two');
  mend();
  path.failing.fail('retryDead');
  path.failing.fail('requeueInbound');
  path.failing.fail('planOutbound');
  watch(t, path.outages);
  await until(path, () => texts(path).filter((text) => text === 'Hello').length === 2);
});

test('a provider that says it is well and never answers is given up after three times, with the last word said', async (t) => {
  const { path } = await outage(t);
  path.provider.healthy = { ok: true, detail: 'it says' };
  watch(t, path.outages);
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).filter((text) => text.includes('could not answer')).length === 2);
  assert.equal(texts(path).filter((text) => text.includes('I keep your message')).length, 1);
  assert.equal(texts(path).filter((text) => text.includes('is back;')).length, 1);
  assert.doesNotMatch(texts(path).at(-1) ?? '', /I keep your message/);
  assert.equal((await path.store.deadLetters(null, { limit: 5 })).items.length, 1);
});

test('who wants no notices is answered when a model is back, without being told so', async (t) => {
  const { path, mend } = await outage(t);
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).length === 1);
  const { person = '' } = (await path.store.identity({ channel: 'scripted', account: 'main', native: '7' })) ?? {};
  await path.preferences.set(person, { notices: false });
  mend();
  watch(t, path.outages);
  await until(path, () => texts(path).includes('Hello'));
  assert.ok(!texts(path).some((text) => text.includes('is back;')));
});

test('a failure that will not pass, and a client that repeats by itself, are not kept', async (t) => {
  const path = await messagePath(t, [failing('invalid_request')]);
  path.attach();
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).length === 1);
  assert.doesNotMatch(texts(path)[0] ?? '', /I keep your message/);
  const { path: down } = await outage(t);
  const { answer: none, messageId } = await down.chat.chat(principal, { text: 'hello?', idempotencyKey: 'k' });
  await assert.rejects(none, { kind: 'provider' });
  const row = (await down.store.inbound(messageId)) ?? fail();
  assert.equal(row.state, 'failed', 'no dead letter');
  assert.equal(down.outages.keep(row, new ClankerError('provider', 'provider', '', { retryable: true })), null);
});
