import assert from 'node:assert/strict';
import test from 'node:test';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { discordRig, forever, partTo } from '../../../support/discord-rig.ts';
import type { DiscordRig } from '../../../support/discord-rig.ts';
import { channelId, directId } from '../../../support/discord-server.ts';

const help = { id: '1', name: 'help', type: 1, options: [{ name: 'text', type: 3, value: 'me now' }] };

async function connected(rig: DiscordRig): Promise<void> {
  rig.start();
  await rig.state('connected');
}

const callbackTypes = (rig: DiscordRig, token: string): number[] =>
  (rig.server.callbacks.get(token) ?? []).map(({ type }) => type);

/** Resolves once the platform has the first answer to an interaction. */
async function answered(rig: DiscordRig, token: string): Promise<void> {
  while (!rig.server.callbacks.has(token)) await new Promise((resolve) => setTimeout(resolve, 2));
}

async function used(rig: DiscordRig, options = {}): Promise<{ token: string; event: InboundEvent }> {
  const token = rig.server.interact(help, options);
  await rig.sink.heard('/help me now');
  await answered(rig, token);
  const event = [...rig.sink.events.values()].findLast(({ kind }) => kind === 'message');
  assert.ok(event !== undefined);
  return { token, event };
}

test('a command of the menu is stored first, acknowledged then, and its answer takes the place of "thinking…"', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { token, event } = await used(rig, { channel: channelId });
  assert.equal(event.text, '/help me now');
  assert.equal(event.language, 'de');
  assert.ok(event.chat.addressed && event.chat.parents?.includes('900000000000000001'));
  assert.deepEqual(callbackTypes(rig, token), [5]);
  assert.equal(rig.server.shown(channelId).length, 0);
  const part = partTo(channelId, { replyTo: event.native });
  const sent = await rig.channel.send(part, forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.deepEqual(
    rig.server.shown(channelId).map(({ content }) => content),
    ['An answer'],
  );
  // It grows and is repeated like any other message.
  const change = { body: plainText('An answer that grew'), final: true };
  await rig.channel.edit?.({ conversation: part.conversation, native: sent.ref }, change, forever);
  assert.deepEqual(
    rig.server.shown(channelId).map(({ content }) => content),
    ['An answer that grew'],
  );
  const repeated = await rig.channel.send({ ...part, body: plainText('An answer that grew') }, forever);
  assert.deepEqual(repeated, sent);
  assert.equal(rig.server.shown(channelId).length, 1);
});

test('nothing is acknowledged before it is stored, as long as the platform waits', async (t) => {
  const rig = await discordRig(t, { times: 1 });
  await connected(rig);
  const stuck = Promise.withResolvers<void>();
  rig.sink.held = stuck.promise;
  const token = rig.server.interact(help);
  rig.server.say('marker');
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.equal(rig.server.callbacks.size, 0);
  rig.sink.held = null;
  stuck.resolve();
  await answered(rig, token);
  assert.deepEqual(callbackTypes(rig, token), [5]);
});

test('when storing takes long the platform is told in time, and the answer still comes', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const stuck = Promise.withResolvers<void>();
  rig.sink.held = stuck.promise;
  const token = rig.server.interact(help);
  await answered(rig, token);
  assert.ok(rig.clock.naps.includes(1500), 'well within three seconds');
  assert.deepEqual(callbackTypes(rig, token), [5]);
  assert.equal(rig.sink.events.size, 0);
  rig.sink.held = null;
  stuck.resolve();
  await rig.sink.heard('/help me now');
  assert.deepEqual(callbackTypes(rig, token), [5]);
});

test('a command that could not be stored is told so, to its person only, and is not stored later', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  rig.sink.broken = 1;
  const token = rig.server.interact(help);
  await answered(rig, token);
  const [said] = rig.server.callbacks.get(token) ?? [];
  assert.equal(said?.type, 4);
  assert.match(String(said?.data?.['content']), /could not be stored/);
  assert.equal(said?.data?.['flags'], 64);
  rig.server.say('next');
  await rig.sink.heard('next');
  assert.deepEqual(rig.sink.texts(), ['next']);
});

test('storing that took long and failed is told in the place of "thinking…"', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const stuck = Promise.withResolvers<void>();
  rig.sink.held = stuck.promise;
  rig.sink.broken = 1;
  const token = rig.server.interact(help);
  await answered(rig, token);
  stuck.resolve();
  rig.sink.held = null;
  while (rig.server.shown().length === 0) await new Promise((resolve) => setTimeout(resolve, 2));
  assert.match(rig.server.shown()[0]?.content ?? '', /could not be stored/);
});

for (const [name, receipt] of [
  ['turned away', { messageId: 'msg_1', bodyHash: null, refused: true }],
  ['ignored', { messageId: null, bodyHash: null }],
] as const) {
  test(`a command of somebody who is ${name} is not left "thinking…"`, async (t) => {
    const rig = await discordRig(t);
    await connected(rig);
    rig.sink.receipt = receipt;
    const token = rig.server.interact(help);
    await answered(rig, token);
    const [said] = rig.server.callbacks.get(token) ?? [];
    assert.equal(said?.type, 4);
    assert.equal(said?.data?.['flags'], 64);
  });
}

test('a pressed button is its command under its message', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const buttons = [{ label: 'Stop', command: '/stop' }];
  const sent = await rig.channel.send(partTo(directId, { body: { ...plainText('working'), buttons } }), forever);
  assert.ok(sent.ok);
  const token = rig.server.interact({ custom_id: '/stop', component_type: 2 }, { message: sent.ref });
  await rig.sink.heard('/stop');
  await answered(rig, token);
  const event = [...rig.sink.events.values()].at(-1);
  assert.equal(event?.kind, 'action');
  assert.equal(event?.native, sent.ref);
  assert.deepEqual(callbackTypes(rig, token), [6]);
});

test('an answer after fifteen minutes is a message of its own', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { token, event } = await used(rig);
  rig.server.expire(token);
  const sent = await rig.channel.send(partTo(directId, { replyTo: event.native }), forever);
  assert.ok(sent.ok, JSON.stringify(sent));
  assert.deepEqual(
    rig.server.shown().map(({ content }) => content),
    ['An answer'],
  );
  // By its id an old one is known without asking.
  const madeMs = Date.now() - 16 * 60_000 - 1_420_070_400_000;
  const old = `i:1:${BigInt(madeMs) << 22n}:token`;
  const before = rig.server.calls.length;
  const plain = await rig.channel.send(partTo(directId, { replyTo: old, idempotencyKey: 'k' }), forever);
  assert.ok(plain.ok);
  assert.equal(rig.server.calls.length - before, 1);
});

test('a second answer to one command does not overwrite the first, also after a restart', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { event } = await used(rig);
  const first = await rig.channel.send(partTo(directId, { replyTo: event.native }), forever);
  const again = rig.again();
  const notice = partTo(directId, { replyTo: event.native, idempotencyKey: 'n', body: plainText('A notice') });
  const second = await again.channel.send(notice, forever);
  assert.ok(first.ok && second.ok);
  assert.deepEqual(
    rig.server.shown().map(({ content }) => content),
    ['An answer', 'A notice'],
  );
});

test('an answer whose confirmation was lost is one message when it is sent again', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const { event } = await used(rig);
  rig.server.fail(/^PATCH \/webhooks/, { mode: 'lost' });
  const part = partTo(directId, { replyTo: event.native });
  const lost = await rig.channel.send(part, forever);
  assert.ok(!lost.ok && lost.kind === 'transient');
  assert.ok((await rig.channel.send(part, forever)).ok);
  assert.deepEqual(
    rig.server.shown().map(({ content }) => content),
    ['An answer'],
  );
});

test('the acknowledgement is tried once more when it did not arrive', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  rig.server.fail(/callback/, { mode: 'reset' });
  const { token } = await used(rig);
  assert.deepEqual(callbackTypes(rig, token), [5]);
});

test('a command is acknowledged while the account is under a limit, which does not hold for it', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  const body = { message: 'slow', retry_after: 60, global: true };
  rig.server.fail(/^POST \/channels/, { mode: 'answer', status: 429, body });
  const limited = await rig.channel.send(partTo(), forever);
  assert.ok(!limited.ok && limited.kind === 'rate_limited' && limited.scope === 'account');
  const { token } = await used(rig);
  assert.deepEqual(callbackTypes(rig, token), [5]);
});

test('the token of an interaction is in no log', async (t) => {
  const rig = await discordRig(t);
  await connected(rig);
  rig.server.fail(/callback/, { mode: 'answer', status: 500, body: {} });
  const { token, event } = await used(rig);
  rig.server.fail(/webhooks/, { mode: 'answer', status: 500, body: { code: 0, message: 'failed' } });
  const outcome = await rig.channel.send(partTo(directId, { replyTo: event.native }), forever);
  assert.ok(!outcome.ok);
  assert.ok(!JSON.stringify([rig.log.lines, outcome, rig.channel.health()]).includes(token));
});

test('the menu is written once and then left alone, and again when a command changes', async (t) => {
  const commands = [
    { name: 'help', summary: 'What the bot can do.' },
    { name: 'stop', summary: 'Stops the answer that is being written.' },
  ];
  const menuIs = async (rig: DiscordRig, menus: number): Promise<void> => {
    await connected(rig);
    const asked = (): boolean => rig.server.calls.some(({ path }) => path.endsWith('/commands'));
    while (!asked() || rig.server.menus < menus) await new Promise((resolve) => setTimeout(resolve, 2));
    await rig.stop();
  };
  const rig = await discordRig(t, { commands });
  await menuIs(rig, 1);
  const [first] = rig.server.commands as { name: string; options: { name: string }[] }[];
  assert.equal(first?.name, 'help');
  assert.equal(first?.options[0]?.name, 'text');
  await menuIs(rig.again(), 1);
  assert.equal(rig.server.menus, 1);
  (rig.server.commands[0] as { description: string }).description = 'old';
  await menuIs(rig.again(), 2);
});
