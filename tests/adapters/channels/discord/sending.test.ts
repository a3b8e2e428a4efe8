import assert from 'node:assert/strict';
import test from 'node:test';
import { nonceOf } from '../../../../src/adapters/channels/discord/outbound.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import type { SendOutcome } from '../../../../src/core/ports/channel.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { discordRig, forever, partTo } from '../../../support/discord-rig.ts';
import type { DiscordRig } from '../../../support/discord-rig.ts';
import { channelId, directId, threadId } from '../../../support/discord-server.ts';
import type { RestFault } from '../../../support/discord-server.ts';

const posts = /^POST \/channels\/\d+\/messages/;
const limited = (body: object, headers = {}): RestFault => ({ mode: 'answer', status: 429, body, headers });

async function sent(rig: DiscordRig, part = partTo()): Promise<string> {
  const outcome = await rig.channel.send(part, forever);
  assert.ok(outcome.ok, JSON.stringify(outcome));
  return outcome.ref;
}

test('a message calls nobody, names its question, shows no previews and carries its key', async (t) => {
  const rig = await discordRig(t);
  const body = { ...plainText('@everyone <@1> look'), buttons: [{ label: 'More', command: '/more' }] };
  await sent(rig, partTo(channelId, { replyTo: '123456789012345678', body }));
  const call = rig.server.calls.find(({ method }) => method === 'POST');
  assert.deepEqual(call?.body, {
    content: '\\@everyone \\<@1> look',
    allowed_mentions: { parse: [], replied_user: false },
    flags: 4,
    components: [{ type: 1, components: [{ type: 2, style: 2, label: 'More', custom_id: '/more' }] }],
    nonce: nonceOf('run_1:0'),
    enforce_nonce: true,
    message_reference: { message_id: '123456789012345678', fail_if_not_exists: false },
  });
  assert.ok(nonceOf('run_1:0').length <= 25);
  assert.notEqual(nonceOf('run_1:0'), nonceOf('run_1:1'));
});

test('buttons: five in a row, none twice, and an edit without them takes them away', async (t) => {
  const rig = await discordRig(t);
  const buttons = Array.from({ length: 30 }, (_, n) => ({ label: `B${n}`, command: `/b ${n % 28}` }));
  const ref = await sent(rig, partTo(directId, { body: { ...plainText('choose'), buttons } }));
  const rows = rig.server.shown()[0]?.components as { components: unknown[] }[];
  assert.deepEqual(
    rows.map(({ components }) => components.length),
    [5, 5, 5, 5, 5],
  );
  const { conversation } = partTo();
  const change = { body: plainText('chosen'), final: true };
  assert.deepEqual(await rig.channel.edit?.({ conversation, native: ref }, change, forever), { ok: true, ref });
  assert.deepEqual(rig.server.shown()[0]?.components, []);
});

test('a lost answer is repeated without a second message, a key of another part makes its own', async (t) => {
  const rig = await discordRig(t);
  rig.server.fail(posts, { mode: 'lost' });
  const lost = await rig.channel.send(partTo(), forever);
  assert.ok(!lost.ok && lost.kind === 'ambiguous');
  const ref = await sent(rig);
  assert.equal(await sent(rig), ref);
  assert.equal(rig.server.shown().length, 1);
  await sent(rig, partTo(directId, { idempotencyKey: 'run_1:1' }));
  assert.equal(rig.server.shown().length, 2);
});

test('a limit of one channel holds there, is never shortened, and is kept without asking again', async (t) => {
  const rig = await discordRig(t);
  rig.server.fail(posts, limited({ message: 'slow', retry_after: 7.25, global: false }));
  const outcome = await rig.channel.send(partTo(channelId), forever);
  assert.ok(!outcome.ok && outcome.kind === 'rate_limited' && outcome.scope === 'conversation');
  assert.equal(outcome.retryAfterMs, 7250);
  const before = rig.server.calls.length;
  const again = await rig.channel.send(partTo(channelId), forever);
  assert.ok(!again.ok && again.kind === 'rate_limited' && again.retryAfterMs > 7000 && again.retryAfterMs <= 7250);
  assert.equal(rig.server.calls.length, before);
  await sent(rig, partTo(threadId));
});

test('a global limit holds everywhere', async (t) => {
  const rig = await discordRig(t);
  rig.server.fail(posts, limited({ message: 'slow', retry_after: 3, global: true }, { 'x-ratelimit-global': 'true' }));
  const outcome = await rig.channel.send(partTo(channelId), forever);
  assert.ok(!outcome.ok && outcome.kind === 'rate_limited' && outcome.scope === 'account');
  const other = await rig.channel.send(partTo(directId), forever);
  assert.ok(!other.ok && other.kind === 'rate_limited' && other.scope === 'account');
});

test('a bucket that is used up is waited for before it is exceeded', async (t) => {
  const rig = await discordRig(t);
  const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '2.5', 'x-ratelimit-bucket': 'abc' };
  rig.server.fail(posts, { mode: 'answer', status: 200, body: { id: '1' }, headers });
  await sent(rig);
  const outcome = await rig.channel.send(partTo(), forever);
  assert.ok(!outcome.ok && outcome.kind === 'rate_limited' && outcome.retryAfterMs <= 2500, JSON.stringify(outcome));
  assert.equal(rig.server.sends(), 1);
});

const refusals: [string, RestFault, (outcome: SendOutcome) => boolean][] = [
  [
    'an unknown channel',
    { mode: 'answer', status: 404, body: { code: 10_003, message: 'Unknown Channel' } },
    code('chat_not_found'),
  ],
  [
    'somebody who takes no messages',
    { mode: 'answer', status: 403, body: { code: 50_007, message: 'Cannot send' } },
    code('blocked'),
  ],
  ['no access', { mode: 'answer', status: 403, body: { code: 50_001, message: 'Missing Access' } }, code('kicked')],
  [
    'a form that is not taken',
    { mode: 'answer', status: 400, body: { code: 50_035, message: 'Invalid' } },
    (o) => !o.ok && o.kind === 'bad_format',
  ],
  ['a page of something between', { mode: 'answer', status: 403, body: 'x' }, (o) => !o.ok && o.kind === 'transient'],
  ['a server that fails', { mode: 'answer', status: 503, body: {} }, (o) => !o.ok && o.kind === 'ambiguous'],
  ['a connection that breaks', { mode: 'reset' }, (o) => !o.ok && o.kind === 'ambiguous'],
];
for (const [name, fault, fits] of refusals) {
  test(`one attempt against ${name} has its outcome`, async (t) => {
    const rig = await discordRig(t);
    rig.server.fail(posts, fault);
    const outcome = await rig.channel.send(partTo(), forever);
    assert.ok(fits(outcome), JSON.stringify(outcome));
    assert.equal(rig.server.sends(), 1);
  });
}

test('an edit of a message that is gone says so, and one whose answer is lost is simply done again', async (t) => {
  const rig = await discordRig(t);
  const { conversation } = partTo();
  const change = { body: plainText('new'), final: true };
  const gone = await rig.channel.edit?.({ conversation, native: '1' }, change, forever);
  assert.ok(gone?.ok === false && gone.kind === 'refused' && gone.code === 'edit_gone');
  const ref = await sent(rig);
  rig.server.fail(/^PATCH/, { mode: 'lost' });
  const lost = await rig.channel.edit?.({ conversation, native: ref }, change, forever);
  assert.ok(lost?.ok === false && lost.kind === 'transient');
  rig.server.fail(/^PATCH/, {
    mode: 'answer',
    status: 429,
    body: { code: 30_046, message: 'Maximum number of edits' },
  });
  const often = await rig.channel.edit?.({ conversation, native: ref }, change, forever);
  assert.ok(often?.ok === false && often.kind === 'rate_limited');
});

test('a file goes out with its name and its words', async (t) => {
  const rig = await discordRig(t);
  const file = Uint8Array.from([1, 2, 3]);
  const described = { id: 'file_1', mimeType: 'image/png', size: 3 };
  await sent(rig, partTo(directId, { body: { ...plainText('see'), file: described }, file }));
  const [message] = rig.server.shown();
  assert.equal(message?.content, 'see');
  assert.equal(message?.attachments[0]?.filename, 'file.png');
  assert.deepEqual(message && rig.server.fileOf(message), file);
});

test('a file is fetched from Discord and from nowhere else', async (t) => {
  const rig = await discordRig(t);
  const fetched = async (native: string): Promise<void> => {
    const chunks = rig.channel.fetchAttachment?.({ native, mimeType: 'image/png' }, forever) ?? [];
    for await (const chunk of chunks) assert.ok(chunk);
  };
  for (const url of [
    'http://169.254.169.254/latest',
    'http://cdn.discordapp.com/x',
    'file:///etc/passwd',
    'nonsense',
  ]) {
    await assert.rejects(fetched(url), (error) => error instanceof ClankerError && !error.message.includes('169'));
  }
  await assert.rejects(fetched(`${rig.server.apiRoot}/attachments/1/x.png?hm=expired`), /HTTP 404/);
  assert.deepEqual(JSON.stringify(rig.log.lines).match(/expired/), null);
});

test('typing is one pulse, and none while a limit holds', async (t) => {
  const rig = await discordRig(t);
  const { conversation } = partTo();
  rig.server.fail(/typing/, limited({ message: 'slow', retry_after: 60 }));
  for (let n = 0; n < 3; n++) await rig.channel.typing?.(conversation, forever);
  assert.equal(rig.server.calls.filter(({ path }) => path.endsWith('/typing')).length, 1);
});

test('a target is a channel or a thread by its number, and nothing else', async (t) => {
  const { channel } = await discordRig(t);
  assert.equal(channel.conversation(channelId, threadId).native, threadId);
  for (const target of ['general', '#general', '12', '-1', `${channelId}/x`, '']) {
    assert.throws(() => channel.conversation(target), /no Discord channel/);
  }
});

test('the token shows nowhere, whatever fails', async (t) => {
  const rig = await discordRig(t);
  rig.server.fail(posts, { mode: 'answer', status: 400, body: { code: 1, message: `no ${rig.server.token}` } });
  const outcomes = [await rig.channel.send(partTo(), forever)];
  rig.start();
  await rig.state('connected');
  const seen = JSON.stringify([outcomes, rig.channel.health(), rig.log.lines, [...rig.sink.cursors]]);
  assert.ok(!seen.includes(rig.server.token));
});

function code(wanted: string): (outcome: SendOutcome) => boolean {
  return (outcome) => !outcome.ok && outcome.kind === 'refused' && outcome.code === wanted;
}
