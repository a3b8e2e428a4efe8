import assert from 'node:assert/strict';
import test from 'node:test';
import { answerToApproval } from '../../src/core/approval-answer.ts';

const table: readonly [string, ReturnType<typeof answerToApproval>][] = [
  ['yes', 'approve'],
  ['Yes.', 'approve'],
  ['  JA!  ', 'approve'],
  ['Si\u0301', 'approve'],
  ['si', 'approve'],
  ['D’accord', 'approve'],
  ['👍🏽', 'approve'],
  ['✅️', 'approve'],
  ['yes, please', 'approve'],
  ['no', 'deny'],
  ['Nein!', 'deny'],
  ['Don’t', 'deny'],
  ['non merci', 'deny'],
  ['no lo hagas', 'deny'],
  ['', null],
  ['   ', null],
  ['yes?', null],
  ['yes but only the first', null],
  ['no problem', null],
  ['yes and no', null],
  ['yes\u200b', null],
  ['уes', null],
  ['"yes"', null],
  ['> question\nyes', null],
  ['yes '.repeat(20), null],
  ['/approve x', null],
  ['__proto__', null],
  ['constructor', null],
];

for (const [text, expected] of table) {
  test(`${JSON.stringify(text.slice(0, 24))} is ${expected ?? 'no answer by itself'}`, () => {
    assert.equal(answerToApproval(text), expected);
  });
}
