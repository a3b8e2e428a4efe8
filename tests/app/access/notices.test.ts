import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nameOf } from '../../../src/app/access/names.ts';
import { askNotice, knockNotice, noticeRows, type NoticeDeps } from '../../../src/app/access/notices.ts';
import { notices } from '../../../src/core/notices/index.ts';
import { idMint } from '../../../src/core/ids.ts';
import { systemClock as clock, systemRandom } from '../../../src/adapters/system/index.ts';

const chat = { channel: 'scripted', account: 'main', native: '8' };
const mintId = idMint(clock, systemRandom);
const shows = (maxLength: number, buttons: boolean): NoticeDeps => ({
  clock,
  mintId,
  limits: () => ({ text: { maxLength, maxSpans: 10 }, buttons }),
});

test('buttons stand under the last part where there are any, and their commands in the text where there are none', () => {
  const knock = knockNotice('Ada (id 42 on telegram:main)', mintId('pair'), notices.en);
  const pressed = noticeRows('k', chat, knock, shows(60, true));
  assert.ok(pressed.length > 1);
  assert.deepEqual(
    pressed.map(({ body }) => body.buttons?.map(({ label }) => label) ?? null),
    [...pressed.slice(1).map(() => null), ['Let in', 'Reject']],
  );
  for (const { command } of knock.buttons ?? []) assert.ok(Buffer.byteLength(command) <= 64, command);
  const [typed] = noticeRows('k', chat, knock, shows(1000, false));
  assert.equal(typed?.body.buttons, undefined);
  assert.match(typed?.body.text ?? '', /\nLet in: \/pair approve pair_\w+\nReject: \/pair reject pair_\w+$/);
});

test('every part of a text with a code is forgotten once it was delivered, in every language', () => {
  for (const words of Object.values(notices)) {
    const rows = noticeRows('k', chat, askNotice('ABCDEFGH', words), shows(50, false));
    assert.ok(rows.length > 1);
    for (const { body } of rows) assert.equal(body.sensitive, true);
    const whole = rows.map(({ body }) => body.text).join('');
    for (const part of ['ABCD-EFGH', '/pair', 'open-clanker pairing approve']) {
      assert.ok(whole.replaceAll(/\s/g, '').includes(part.replaceAll(' ', '')), part);
    }
  }
});

test('a name is one line of at most 64 characters that says something', () => {
  assert.equal(nameOf('  Ada\n\tLovelace  '), 'Ada Lovelace');
  assert.equal(nameOf('\u202E\u0000`'), 'somebody');
  assert.equal(nameOf('x'.repeat(100)).length, 64);
  assert.ok(nameOf(`${'x'.repeat(63)}🙂`).isWellFormed());
});
