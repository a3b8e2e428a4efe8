import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maxImportedMessages, readSessionFile } from '../../src/core/session-file.ts';

const head = { session: { key: 'api:per_1:main', title: null, owner: 'per_1' } };
const message = (role: string, parts: unknown[], more: object = {}): unknown => ({
  message: { id: 'm', seq: 1, role, text: '', parts, author: 'Ada', time: 1, run_id: null, ...more },
});
const text = { type: 'text', text: 'hi' };

test('what an export holds comes in again, without the opaque forms of providers', async () => {
  const call = { type: 'tool_call', id: 'c1', name: 'add', args: { a: 1 } };
  const result = { type: 'tool_result', callId: 'c1', name: 'add', text: '2', isError: false };
  const reasoning = { type: 'reasoning', text: 'hm', dialect: 'anthropic-messages', replay: { signature: 'x' } };
  const file = await readSessionFile([
    head,
    message('user', [{ ...text, by: 'telegram:main:7', outside: 'mail' }]),
    message('assistant', [reasoning, call]),
    message('tool', [{ ...result, file: 'file_1' }]),
  ]);
  assert.equal(file.key, 'api:per_1:main');
  assert.deepEqual(
    file.messages.map(({ parts }) => parts),
    [[{ ...text, by: 'telegram:main:7', outside: 'mail' }], [{ type: 'reasoning', text: 'hm' }, call], [result]],
  );
});

const deep = JSON.parse(`{"a":${'['.repeat(5000)}${']'.repeat(5000)}}`) as unknown;
const refused: [string, unknown[], RegExp][] = [
  [
    'a call whose arguments are nested without end',
    [head, message('assistant', [{ type: 'tool_call', id: 'c1', name: 'add', args: deep }])],
    /Line 2 .* a part is none/,
  ],
  ['an empty file', [], /Line 1 .* empty/],
  ['a file of something else', [{ name: 'x' }], /Line 1 .* is it an export of a session/],
  ['messages without a session', [message('user', [text])], /Line 1 /],
  ['what the system says', [head, message('system', [text])], /Line 2 .*role/],
  [
    'a result that a person wrote',
    [head, message('user', [{ type: 'tool_call', id: '1', name: 'x', args: {} }])],
    /Line 2/,
  ],
  ['a message without parts', [head, message('user', [])], /Line 2 .*parts/],
  ['a part of an unknown kind', [head, message('user', [{ type: 'image' }])], /none that "user" may have/],
  ['a text of a megabyte and more', [head, message('user', [{ ...text, text: 'x'.repeat(1_000_001) }])], /Line 2/],
  ['a time that is none', [head, message('user', [text], { time: -1 })], /Line 2 .*time/],
  [
    'arguments that are no object',
    [head, message('assistant', [{ type: 'tool_call', id: '1', name: 'x', args: [] }])],
    /Line 2/,
  ],
  [
    'too many messages',
    [head, ...Array.from({ length: maxImportedMessages + 1 }, () => message('user', [text]))],
    /at most 10000 messages/,
  ],
];
for (const [what, lines, problem] of refused) {
  test(`${what} is refused, and the line is named`, async () => {
    await assert.rejects(readSessionFile(lines), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'bad_import');
      assert.match(error.message, problem);
      return true;
    });
  });
}
