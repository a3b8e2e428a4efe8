import assert from 'node:assert/strict';
import test from 'node:test';
import { Positions } from '../../../../src/adapters/channels/slack/positions.ts';
import { chats } from '../../../support/slack-counterpart.ts';
import { fastClock, slackRig } from '../../../support/slack-rig.ts';
import { bot, people } from '../../../support/slack-workspace.ts';

test('what was said while the connection was gone comes before what is said after it, in every conversation', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  const root = await rig.slack.say('question', { chat: 'group' });
  await rig.slack.say('direct');
  await rig.until(() => rig.events.length === 2);
  await rig.server.drop();
  await rig.slack.say('missed in the thread', { chat: 'group', addressed: false }, undefined, { thread_ts: root });
  await rig.slack.say('missed in private');
  await rig.slack.say('missed in the channel', { chat: 'group' });
  // The history of the thread is slow; what is said there meanwhile must not overtake.
  rig.server.next(/replies/, { kind: 'rate_limited', seconds: 1 });
  const { greeted } = rig.server;
  await rig.until(() => rig.server.greeted > greeted);
  await rig.slack.say('after in the thread', { chat: 'group', addressed: false }, undefined, { thread_ts: root });
  await rig.until(() => rig.events.length === 6);
  const inThread = rig.events.filter(({ conversation }) => conversation.thread === root).map(({ text }) => text);
  assert.deepEqual(inThread, ['question', 'missed in the thread', 'after in the thread']);
  assert.ok(rig.events.every(({ chat }) => chat.addressed));
});

test('an acknowledgement does not wait for a history that does not come', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  rig.server.next(/history/, { kind: 'hang' });
  await rig.server.drop();
  await rig.until(() => rig.server.of('conversations.history').length === 1);
  await rig.slack.say('now');
  await rig.until(() => rig.texts().includes('now') && rig.server.acks.length === 2);
});

test('a history that cannot be read for a long time is read once it can be', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  for (let n = 0; n < 12; n++) rig.server.next(/history/, { kind: 'error', error: 'internal_error' });
  await rig.server.drop();
  await rig.slack.say('missed');
  await rig.until(() => rig.server.of('conversations.history').length > 0);
  await rig.slack.say('now');
  await rig.until(() => rig.texts().includes('missed'));
  assert.deepEqual(rig.texts().toSorted(), ['before', 'missed', 'now']);
});

test('a crash before everything was read again loses nothing: the position has not moved past the gap', async (t) => {
  const cursors = new Map<string, string>();
  const rig = await slackRig(t, { cursors });
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  rig.server.next(/history/, { kind: 'hang' });
  await rig.server.drop();
  await rig.slack.say('missed');
  await rig.until(() => rig.server.of('conversations.history').length === 1);
  await rig.slack.say('now');
  await rig.until(() => rig.texts().includes('now'));
  await rig.channel.stop(1000);
  const later = new Positions(cursors.get('positions')).places();
  const before = rig.events.find(({ text }) => text === 'before');
  assert.deepEqual(later, [{ channel: chats.one, thread: null, ts: before?.native }]);
});

test('C-21: what does not fit into the line during a flood is read from the history', async (t) => {
  const rig = await slackRig(t, { clock: fastClock });
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  const { promise, resolve } = Promise.withResolvers<void>();
  rig.hold(promise);
  const count = 700;
  for (let n = 0; n < count; n++) await rig.slack.say(`flood ${n}`);
  // Acknowledged is only what was committed; when this came, everything before it was taken or turned away.
  await rig.until(() => rig.server.of('conversations.history').length > 0);
  resolve();
  await rig.until(() => rig.events.length === count + 1);
  assert.ok(rig.server.acks.length < count + 1, 'one found no room');
});

test('who wrote for the first time while nobody listened is heard', async (t) => {
  const cursors = new Map<string, string>();
  const first = await slackRig(t, { cursors });
  first.start();
  await first.slack.say('before');
  await first.until(() => first.events.length === 1);
  await first.channel.stop(1000);
  const again = await first.slack.channel();
  await first.slack.server.until(() => true);
  const heard: string[] = [];
  first.server.workspace.messages.push({
    channel: chats.two,
    ts: first.server.workspace.ts(),
    user: people.two,
    text: 'hello, are you there?',
    blocks: [],
    edits: 0,
  });
  const stop = new AbortController();
  t.after(() => stop.abort());
  const told = Promise.withResolvers<void>();
  again.start(
    {
      commit: (batch) => {
        heard.push(...batch.map(({ text }) => text));
        if (heard.includes('hello, are you there?')) told.resolve();
        return Promise.resolve();
      },
      malformed: () => undefined,
    },
    { signal: stop.signal, cursors, clock: fastClock, log: first.slack.log },
  );
  await told.promise;
  assert.deepEqual(heard, ['hello, are you there?']);
  await again.stop(1000);
});

test('our own answers and what a history cannot show are passed over, and a forbidden history is told once', async (t) => {
  const rig = await slackRig(t);
  rig.start();
  await rig.slack.say('before');
  await rig.until(() => rig.events.length === 1);
  const { workspace } = rig.server;
  await rig.server.drop();
  const ours = { user: bot.user, bot_id: bot.bot, text: 'our answer', blocks: [], edits: 0 };
  workspace.messages.push({ channel: chats.one, ts: workspace.ts(), ...ours });
  await rig.slack.say('missed');
  await rig.until(() => rig.events.length === 2);
  rig.server.next(/history/, { kind: 'error', error: 'missing_scope', needed: 'im:history' });
  await rig.server.drop();
  await rig.until(() => rig.slack.log.lines.some(({ fields }) => String(fields['reason']).includes('im:history')));
  await rig.slack.say('after');
  await rig.until(() => rig.texts().includes('after'));
  assert.deepEqual(rig.texts(), ['before', 'missed', 'after']);
});

test('positions are bounded, move forward only, and survive their cursor', () => {
  const positions = new Positions(undefined);
  for (let n = 0; n < 500; n++) {
    positions.advance({ channel: `C${n}`, thread: null }, `${1000 + n}.000001`);
    positions.advance({ channel: 'C1', thread: `${1000 + n}.000001` }, `${1000 + n}.000001`, true);
  }
  positions.advance({ channel: 'C499', thread: null }, '7.000001');
  positions.caughtUp('2000.000001');
  positions.caughtUp('8.000001');
  assert.equal(positions.places().length, 120);
  assert.ok(positions.text().length < 10_000);
  const again = new Positions(positions.text());
  assert.deepEqual(again.places(), positions.places());
  assert.equal(again.since, '2000.000001');
  assert.equal(again.isOurs('C1', '1499.000001'), true);
  assert.equal(again.isOurs('C1', '1000.000001'), false);
  assert.equal(again.places()[0]?.ts, '1499.000001');
  for (const broken of ['', 'null', '{}', '[]', '{"places":[[1,2]]}'])
    assert.deepEqual(new Positions(broken).places(), []);
});
