import assert from 'node:assert/strict';
import test from 'node:test';
import { multipart } from '../../../src/adapters/channels/multipart.ts';

test('a form is read back as it was written, whatever its names and bytes hold', async () => {
  const bytes = Uint8Array.from({ length: 512 }, (_, i) => i % 256);
  const name = 'a "b"\r\n--c; ü 😀.bin';
  const { contentType, body } = multipart({ chat_id: '7', caption: 'line\r\n--x\r\n\r\nü' }, [
    { field: 'document', name, mimeType: 'image/png', bytes },
    { field: 'other', name: 'x', mimeType: 'text/html\r\nx-evil: 1', bytes: new Uint8Array() },
  ]);
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
  assert.equal(form.get('chat_id'), '7');
  assert.equal(form.get('caption'), 'line\r\n--x\r\n\r\nü');
  const file = form.get('document') as File;
  assert.equal(file.name.replaceAll('%22', '"').replaceAll('%0D', '\r').replaceAll('%0A', '\n'), name);
  assert.deepEqual([file.type, Buffer.from(await file.arrayBuffer())], ['image/png', Buffer.from(bytes)]);
  assert.equal((form.get('other') as File).type, 'application/octet-stream');
});
