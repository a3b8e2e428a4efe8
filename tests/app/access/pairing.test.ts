import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hashCode, readCode } from '../../../src/app/access/codes.ts';
import { Directory } from '../../../src/app/access/directory.ts';
import { Pairing } from '../../../src/app/access/pairing.ts';
import { ownerPerson } from '../../../src/core/principal.ts';
import { systemRandom } from '../../../src/adapters/system/index.ts';
import { accessRig, codePattern, hour, inGroup } from './rig.ts';

const operator = { kind: 'token', id: 'tok_1', person: ownerPerson, scope: 'admin', name: 'operator' } as const;

test('a stranger is told one code an hour, and of what they write nothing is kept', async (t) => {
  const rig = await accessRig(t);
  const first = await rig.says('9', 'my secret life');
  assert.equal(first.length, 1);
  const code = rig.codeIn(first);
  assert.match(first[0] ?? '', /do not know you.*open-clanker pairing approve/s);
  assert.deepEqual(await rig.says('9', 'more secrets'), []);
  rig.pass(hour / 2);
  assert.deepEqual(await rig.says('9', '/help'), []);
  rig.pass(hour / 2);
  assert.equal((await rig.says('9', 'hello?')).length, 1);
  assert.equal(rig.provider.hits, 0);
  assert.deepEqual((await rig.store.listSessions(null, { limit: 5 })).items, []);
  const { requests } = await rig.pairing.list();
  assert.equal(requests.length, 1);
  assert.doesNotMatch(JSON.stringify([requests, await rig.store.refusedSenders(9)]), /secret|help/);
  const row = await rig.store.code({ hash: hashCode(readCode(code) ?? '') });
  assert.ok(row !== null && !JSON.stringify(row).includes(code.replace('-', '')), 'only the hash of the code is kept');
});

test('the text that told a code is gone from the store once it was delivered', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const [request] = (await rig.pairing.list()).requests;
  const planned = await rig.store.planOutbound([
    {
      id: 'probe',
      idempotencyKey: `${request?.id}:0`,
      runId: null,
      sessionKey: null,
      owner: ownerPerson,
      conversation: { channel: 'scripted', account: 'main', native: '9' },
      chatType: 'direct',
      replyTo: null,
      part: 0,
      body: { text: 'probe', spans: [] },
      correlation: '',
      createdAt: 0,
      expiresAt: 0,
    },
  ]);
  assert.equal(planned[0]?.state, 'sent');
  assert.equal(planned[0]?.body.text, '');
  assert.match(code, codePattern);
});

test('in groups, to bots, and for anything but a message strangers hear nothing', async (t) => {
  const rig = await accessRig(t, { chats: new Set() });
  await rig.says('9', 'hello', inGroup);
  await rig.says('9', '/pair', inGroup);
  await rig.says('9', 'hello', { sender: { native: '9', display: 'Bot', isBot: true } });
  for (const kind of ['edit', 'reaction', 'action', 'lifecycle'] as const) await rig.says('9', '/pair', { kind });
  assert.deepEqual(rig.channel.shown, []);
  assert.deepEqual((await rig.pairing.list()).requests, []);
  assert.equal((await rig.says('9', 'hello')).length, 1, 'in a direct chat they are told');
});

test('accounts that are not for pairing say nothing to strangers', async (t) => {
  const rig = await accessRig(t, { access: 'allowlist' });
  assert.deepEqual(await rig.says('9', 'hello'), []);
  assert.deepEqual((await rig.pairing.list()).requests, []);
});

test('who is approved by code is told so, talks at once, and is asked about only once', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const approved = await rig.pairing.approve(code.toLowerCase().replace('-', ' '), operator);
  assert.deepEqual([approved.outcome, approved.repeated], ['approved', false]);
  assert.match(approved.who, /^name of 9 \(id 9 on scripted:main\)$/);
  await rig.settled();
  assert.match(rig.texts('9').at(-1) ?? '', /You are let in/);
  assert.deepEqual(await rig.says('9', 'what is six times seven?'), ['Hello']);
  assert.equal((await rig.pairing.approve(code, operator)).repeated, true);
  await rig.settled();
  assert.equal(rig.texts('9').filter((text) => text.includes('let in')).length, 2, 'the code and one welcome');
  assert.match((await rig.says('9', '/whoami'))[0] ?? '', /role member/);
});

test('a stranger is spoken to in the language their platform tells, before they are in and after', async (t) => {
  const rig = await accessRig(t);
  const asked = await rig.says('9', 'hallo', { language: 'de-AT' });
  assert.match(asked[0] ?? '', /Ich kenne dich noch nicht/);
  await rig.pairing.approve(rig.codeIn(asked), operator);
  await rig.settled();
  assert.match(rig.texts('9').at(-1) ?? '', /Du bist hereingelassen/);
  assert.match((await rig.says('9', '/whoami'))[0] ?? '', /Rolle Mitglied/);
});

test('an owner approves or rejects in chat, by the code or by the buttons that a stranger made appear', async (t) => {
  const rig = await accessRig(t);
  await rig.known('8', ownerPerson, 'owner');
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const knock = rig.texts('8').at(-1) ?? '';
  assert.match(knock, /^name of 9 \(id 9 on scripted:main\) asks to talk to me/);
  assert.ok(!knock.includes(code), 'the code is for the stranger to tell');
  const [approve = '', reject = ''] = [...knock.matchAll(/\/pair (approve|reject) pair_\w+/g)].map(
    ([command]) => command,
  );
  assert.match((await rig.says('8', approve, { kind: 'action' }))[0] ?? '', /name of 9 .* is let in/);
  assert.match((await rig.says('8', `/pair approve ${code}`))[0] ?? '', /was let in already/);
  assert.deepEqual(await rig.says('9', 'hi'), ['Hello']);
  assert.match((await rig.says('8', reject))[0] ?? '', /is rejected/);
  assert.deepEqual(await rig.says('9', 'hi again'), []);
  assert.match((await rig.says('8', approve))[0] ?? '', /was rejected and stays so/);
});

test('nobody but an owner approves, whatever they know, and in a group nobody does', async (t) => {
  const rig = await accessRig(t);
  await rig.known('8', ownerPerson, 'owner');
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const [request] = (await rig.pairing.list()).requests;
  assert.match((await rig.says('7', `/pair approve ${code}`))[0] ?? '', /Only an owner/);
  assert.match((await rig.says('7', `/pair approve ${request?.id}`))[0] ?? '', /Only an owner/);
  assert.match((await rig.says('8', `/pair approve ${code}`, inGroup))[0] ?? '', /not for groups/);
  await rig.says('9', `/pair approve ${code}`);
  assert.equal((await rig.pairing.list()).requests.length, 1);
});

test('five wrong codes, and right ones are refused too, until time has passed; each approver for themselves', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  for (let n = 0; n < 5; n++) {
    await assert.rejects(rig.pairing.approve(`WRNG-000${n}`, operator), { code: 'unknown_code' });
  }
  await assert.rejects(rig.pairing.approve(code, operator), { code: 'too_many_attempts', retryAfterMs: 600_000 });
  await assert.rejects(rig.pairing.approve('no-code!', operator), { code: 'bad_code' });
  rig.pass(10 * 60_000);
  assert.equal((await rig.pairing.approve(code, operator)).outcome, 'approved');
  for (let n = 0; n < 10; n++) await rig.pairing.approve(code, operator);
});

test('an expired code lets nobody in', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  rig.pass(hour);
  for (let n = 0; n < 9; n++) await assert.rejects(rig.pairing.approve(code, operator), { code: 'code_expired' });
  assert.equal((await rig.pairing.list()).requests.length, 0);
});

test('an approval and a rejection at the same time end with the stranger outside', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const results = await Promise.allSettled([
    rig.pairing.approve(code, operator),
    rig.pairing.reject(code, operator),
    rig.pairing.approve(code, { ...operator, id: 'tok_2' }),
  ]);
  assert.equal(results[1]?.status, 'fulfilled');
  assert.deepEqual((await rig.pairing.list()).admitted, []);
  assert.deepEqual(await rig.says('9', 'hello'), []);
  rig.pass(2 * hour);
  assert.deepEqual(await rig.says('9', 'hello'), [], 'who was rejected is told no further code');
});

test('what was approved is taken back at once, though the sender was just remembered', async (t) => {
  const rig = await accessRig(t);
  await rig.pairing.approve(rig.codeIn(await rig.says('9', 'hello')), operator);
  await rig.settled();
  assert.deepEqual(await rig.says('9', 'hi'), ['Hello']);
  const [admitted] = (await rig.pairing.list()).admitted;
  await rig.pairing.reject(admitted?.id ?? '', operator);
  assert.deepEqual(await rig.says('9', 'hi'), []);
  assert.equal(rig.provider.hits, 1);
});

test('codes, admissions and the hour of silence survive a restart', async (t) => {
  const rig = await accessRig(t);
  const code = rig.codeIn(await rig.says('9', 'hello'));
  const directory = new Directory(rig);
  const again = new Pairing({
    ...rig,
    random: systemRandom,
    directory,
    policy: () => ({ access: 'pairing', users: new Set(), chats: new Set() }),
    limits: () => rig.channel.capabilities,
  });
  assert.equal((await again.approve(code, operator)).outcome, 'approved');
  assert.deepEqual((await directory.find({ channel: 'scripted', account: 'main', native: '9' }))?.admitted, true);
});

test('a flood of strangers opens a hundred requests and fills no owner’s chat', async (t) => {
  const rig = await accessRig(t);
  await rig.known('8', ownerPerson, 'owner');
  for (let n = 0; n < 120; n++) {
    const sender = { native: `9${n}`, display: 'x', isBot: false };
    const conversation = { channel: 'scripted', account: 'main', native: sender.native };
    const event = {
      kind: 'message',
      native: `${n}`,
      dedupe: `flood ${n}`,
      text: 'let me in',
      attachments: [],
    } as const;
    await rig.ingress
      .sinkFor('scripted', 'main')
      .commit([
        { ...event, attachments: [], sender, conversation, chat: { type: 'direct', addressed: true }, occurredAt: 0 },
      ]);
  }
  assert.equal((await rig.pairing.list()).requests.length, 100);
  await rig.settled();
  assert.equal(rig.texts('8').length, 10);
});

test('a stranger’s name is data: no markup, no controls, no end', async (t) => {
  const rig = await accessRig(t);
  await rig.known('8', ownerPerson, 'owner');
  const display = `\u202E**bold** [x](http://evil.test) \`\u0007\n@everyone ${'long'.repeat(50)}`;
  await rig.says('9', 'hello', { sender: { native: '9', display, isBot: false } });
  const [knock = ''] = (rig.texts('8').at(-1) ?? '').split('\n');
  assert.doesNotMatch(knock, /[\p{C}`]/u);
  assert.match(knock, /^\*\*bold\*\* \[x\]\(http:\/\/evil\.test\) @everyone long/, 'shown as it is, one line');
  assert.ok((knock.split('(id 9')[0] ?? '').length < 70);
});
