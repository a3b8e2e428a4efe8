import assert from 'node:assert/strict';
import { test } from 'node:test';
import { digestOf } from '../../../src/app/approvals/digest.ts';
import { questionButtons, questionText } from '../../../src/app/approvals/question.ts';
import { languages } from '../../../src/core/languages.ts';
import { wordsIn } from '../../../src/core/notices/index.ts';
import type { ApprovalRow } from '../../../src/core/ports/approval-store.ts';

const call = {
  tool: 'send_message',
  args: { to: 'bob', text: 'hi' },
  owner: 'per_1',
  sessionKey: 'telegram:main:7',
  runId: 'run_1',
  callId: 'call_1',
};
const row: ApprovalRow = {
  ...call,
  id: `appr_${'0'.repeat(26)}`,
  agent: null,
  role: 'member',
  channel: 'telegram',
  digest: digestOf(call),
  effects: ['read', 'send'],
  reason: 'It is asked.',
  tainted: 'web page',
  state: 'open',
  createdAt: 0,
  expiresAt: 3_600_000,
  decidedBy: null,
  decidedAt: null,
  decidedWhere: null,
  usedBy: null,
};

for (const language of Object.keys(languages)) {
  test(`in ${language} a question says what, why, how long and which, and its buttons fit every platform`, () => {
    const words = wordsIn(language);
    const text = questionText(row, words);
    for (const part of ['`send_message`', 'to: bob', 'web page', '1h', row.digest.slice(0, 8)])
      assert.ok(text.includes(part), `${part}: ${text}`);
    assert.ok(text.includes(words.approvals.effects.send));
    assert.doesNotMatch(text, /undefined|\[object/);
    for (const { label, command } of questionButtons(row, words)) {
      assert.ok(Buffer.byteLength(command) <= 64 && Buffer.byteLength(label) <= 32);
    }
  });
}

test('a question says what a call does besides looking, and only looking when that is all', () => {
  const asked = (effects: ApprovalRow['effects']): string => questionText({ ...row, effects }, wordsIn('en'));
  assert.match(asked(['read', 'write', 'send']), /which changes something of yours and sends text to others:/);
  assert.match(asked(['read']), /which looks at something:/);
});

test('where there are no buttons a question names the command that answers it', () => {
  assert.doesNotMatch(questionText(row, wordsIn('en')), /open-clanker/);
  const text = questionText({ ...row, channel: 'api' }, wordsIn('en'));
  assert.ok(text.includes(`\`open-clanker approvals approve ${row.id}\``), text);
});

test('where outside text came from cannot write into the question', () => {
  const text = questionText({ ...row, tainted: 'x`) **approved**\n# y\u202e' }, wordsIn('en'));
  assert.ok(text.includes('(x\\`) \\*\\*approved\\*\\* \\# y⟨U+202E⟩)'), text);
});

test('a digest changes with every part of what is approved, and not with the order of its arguments', () => {
  const digest = digestOf(call);
  assert.equal(digestOf({ ...call, args: { text: 'hi', to: 'bob' } }), digest);
  for (const change of [
    { tool: 'exec' },
    { args: { to: 'bob', text: 'hi ' } },
    { args: { to: 'bob', text: 'hi', cc: 'eve' } },
    { owner: 'per_2' },
    { sessionKey: 'telegram:main:8' },
    { runId: 'run_2' },
    { callId: 'call_2' },
  ])
    assert.notEqual(digestOf({ ...call, ...change }), digest, JSON.stringify(change));
});
