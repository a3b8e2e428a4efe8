/** One id runs through everything the log says about a message, from its arrival to its delivery. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { ask } from '../support/gateway-client.ts';
import { Rig } from './proofs/rig.ts';
import { ada, ben, Observed, type LogLine } from '../support/observed.ts';

const turn = [
  'a message was received',
  'a run began',
  'a model is asked',
  'a model answered',
  'a message was answered',
] as const;
const delivery = ['a message is sent', 'a message was delivered'] as const;

const storyOf = (lines: LogLine[], id: unknown): LogLine[] => lines.filter((line) => line.correlation_id === id);
const words = (lines: LogLine[]): string[] => lines.map(({ message }) => message);
const count = (lines: LogLine[], message: string): number => words(lines).filter((word) => word === message).length;

describe('at debug', () => {
  let gateway: Observed;
  before(async () => {
    gateway = await Observed.open({ env: { LOG_LEVEL: 'debug' }, telegram: 'stream = false' });
  });
  after(() => gateway.close());

  it('the whole story of a Telegram message is found by its id, in order', async () => {
    await gateway.talk('hello');
    const lines = await gateway.until((all) => count(all, 'a message was delivered') === 1);
    const id = lines.find(({ message }) => message === 'a message was received')?.correlation_id;
    const story = storyOf(lines, id);
    assert.deepEqual(words(story), [...turn, ...delivery]);
    for (const line of story) {
      assert.equal(line.session, `telegram:main:${ada}`);
      assert.ok(line.component, line.message);
      assert.equal(line.level, line.message === 'a message was answered' ? 'info' : 'debug');
    }
    assert.deepEqual(
      story.map(({ component }) => component),
      ['ingress', 'runs', 'models', 'models', 'runs', 'delivery', 'delivery'],
    );
    const trace = await ask<{ inbox: { text: string } }>(gateway.target, 'GET', `/api/v1/messages/${String(id)}/trace`);
    assert.equal(trace.body.inbox.text, 'hello');
  });

  it('the id of an HTTP message is the one its answer names, and leads to the request', async () => {
    const { body } = await ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello' });
    const lines = await gateway.until((all) => storyOf(all, body.message_id).some(({ route }) => route !== undefined));
    const story = storyOf(lines, body.message_id);
    assert.deepEqual(words(story), [...turn, 'a request was answered']);
    assert.equal(story.at(-1)?.['route'], '/api/v1/chat');
    for (const { session, message } of story.slice(0, -1)) assert.equal(session, 'api:owner:main', message);
  });

  it('what went wrong on the way is part of the story', async () => {
    gateway.model.next('server-500');
    gateway.telegram.fail(
      1,
      { mode: 'code', code: 429, description: 'Too Many Requests', parameters: { retry_after: 1 } },
      'sendMessage',
    );
    await gateway.talk('hello again', ben);
    const lines = await gateway.until((all) => count(all, 'a message was delivered') === 2);
    const first = lines.find(({ message, session }) => message === 'a run began' && session === `telegram:main:${ben}`);
    assert.deepEqual(words(storyOf(lines, first?.correlation_id)), [
      ...turn.slice(0, 3),
      'a model call failed',
      ...turn.slice(2),
      'a message is sent',
      'a send did not succeed',
      ...delivery,
    ]);
  });

  it('a message that a client injects has the id the client was told', async () => {
    const { body } = await ask(gateway.target, 'POST', '/api/v1/message?wait=delivered', {
      channel: 'telegram',
      target: String(ada),
      content: 'good news',
    });
    const lines = await gateway.until((all) => storyOf(all, body.message_id).some(({ route }) => route !== undefined));
    assert.deepEqual(words(storyOf(lines, body.message_id)), [...delivery, 'a request was answered']);
  });

  it('a stranger who is turned away has an id, too', async () => {
    gateway.telegram.inject({ chatId: 666, text: 'let me in' });
    const lines = await gateway.until((all) => count(all, 'a message was refused') === 1);
    const refused = lines.find(({ message }) => message === 'a message was refused');
    assert.match(String(refused?.correlation_id), /^msg_/);
  });

  it('every line says which part of the gateway speaks', () => {
    for (const line of gateway.lines()) assert.ok(line.component, JSON.stringify(line));
  });
});

it('messages that are answered together are found by the id of each', async (t) => {
  const gateway = await Observed.open({
    env: { LOG_LEVEL: 'debug' },
    telegram: 'stream = false',
    tail: '[agent]\nqueue_mode = "collect"',
  });
  t.after(() => gateway.close());
  gateway.model.answer = { headersDelayMs: 1000 };
  for (const text of ['one', 'two', 'three']) gateway.telegram.inject({ chatId: ada, text });
  const began = (all: LogLine[]): LogLine[] => all.filter(({ message }) => message === 'a run began');
  const answered = (all: LogLine[]): unknown[] =>
    began(all).flatMap((line) => [line.correlation_id, ...((line['merged'] as string[] | undefined) ?? [])]);
  const lines = await gateway.until(
    (all) => answered(all).length === 3 && count(all, 'a message was delivered') === began(all).length,
  );
  const ids = (message: string): unknown[] =>
    lines.filter((line) => line.message === message).map(({ correlation_id }) => correlation_id);
  assert.deepEqual(ids('a message was delivered'), ids('a run began'));
  assert.deepEqual(answered(lines), ids('a message was received'));
  assert.ok(began(lines).length < 3, 'some were answered together');
});

it('the id stays the same over a crash', async (t) => {
  const rig = await Rig.open({ pace: { ttftMs: 60_000 }, telegram: 'stream = false' });
  t.after(() => rig.close());
  const env = { LOG_LEVEL: 'debug' };
  const idIn = (text: string): string => /"a run began".*?"correlation_id":"(msg_\w+)"/.exec(text)?.[1] ?? 'none';
  await rig.start({ env });
  const sent = rig.ledger.enter('telegram');
  rig.say(sent);
  await rig.daemon.printed('a model is asked');
  const id = idIn(rig.daemon.output());
  await rig.kill();
  await rig.model.setPace({ ttftMs: 0 });
  await rig.start({ env });
  await rig.daemon.printed('a message was delivered');
  assert.equal(idIn(rig.daemon.output()), id);
  assert.match(rig.daemon.output(), new RegExp(`"a message was delivered".*"correlation_id":"${id}"`));
});

it('at info a turn leaves one line', async (t) => {
  const gateway = await Observed.open();
  t.after(() => gateway.close());
  await gateway.until((all) => words(all).includes('telegram:main is connected'));
  const before = gateway.lines().length;
  for (let turns = 0; turns < 5; turns++) {
    await ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello' });
    await gateway.talk('hello');
  }
  const exit = await gateway.daemon.stop();
  assert.equal(exit.code, 0);
  // The state of a channel is looked at now and then, perhaps while it stops.
  const after = gateway
    .lines()
    .slice(before)
    .filter(({ message }) => message !== 'telegram:main is stopped');
  assert.deepEqual(words(after), [...Array.from({ length: 10 }, () => 'a message was answered'), 'stopped']);
  for (const { ms, tokens } of after.slice(0, -1)) assert.ok(Number(ms) >= 0 && Number(tokens) > 0);
});

describe('other looks', () => {
  /** What the daemon prints about one turn. */
  const printed = async (t: { after(work: () => Promise<void>): void }, env: Record<string, string>) => {
    const gateway = await Observed.open({ env: { LOG_LEVEL: 'debug', ...env } });
    t.after(() => gateway.close());
    const { body } = await ask(gateway.target, 'POST', '/api/v1/chat', { text: 'hello' });
    await gateway.daemon.printed('a request was answered');
    await gateway.daemon.stop();
    const lines = gateway.daemon.output().split('\n').slice(0, -1);
    return { lines, story: lines.filter((line) => line.includes(String(body.message_id))) };
  };

  it('logfmt carries the same fields', async (t) => {
    const { lines, story } = await printed(t, { OPEN_CLANKER_LOGGING__FORMAT: 'logfmt' });
    for (const line of lines) assert.match(line, /^time=\S+ level=\w+ service=open-clanker message=/);
    assert.equal(story.length, turn.length + 1);
    for (const line of story) assert.match(line, / component=\w+ .*correlation_id=msg_\w+/);
  });

  it('pretty carries them, too', async (t) => {
    const { story } = await printed(t, { OPEN_CLANKER_LOGGING__FORMAT: 'pretty' });
    assert.equal(story.length, turn.length + 1);
    for (const line of story) assert.match(line, /^\d\d:\d\d:\d\d\.\d{3} (?:DEBUG|INFO) .*correlation_id=msg_\w+/);
  });

  it('for the journal every line begins with its priority', async (t) => {
    const { lines, story } = await printed(t, { OPEN_CLANKER_LOGGING__OUTPUT: 'journald' });
    for (const line of lines) assert.match(line, /^<[3467]>\{"time"/);
    assert.deepEqual(
      story.map((line) => line.slice(0, 3)),
      ['<7>', '<7>', '<7>', '<7>', '<6>', '<7>'],
    );
  });
});
