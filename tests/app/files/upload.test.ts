import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { test, type TestContext } from 'node:test';
import { diskFiles } from '../../../src/adapters/files/disk.ts';
import { peek } from '../../../src/app/files/head.ts';
import { saveUpload } from '../../../src/app/files/upload.ts';
import type { StoredFile } from '../../../src/core/ports/gateway.ts';
import { messagePath } from '../../support/message-path.ts';

const png = Buffer.concat([Buffer.from('89504e470d0a1a0a', 'hex'), Buffer.alloc(9000, 7)]);

/** Counts how often the body was let go of: a socket that is waited for must not be forgotten. */
function bodyOf(...chunks: Uint8Array[]): { body: AsyncIterable<Uint8Array>; ended: () => number } {
  let ended = 0;
  async function* body(): AsyncGenerator<Uint8Array> {
    try {
      for (const chunk of chunks) yield await Promise.resolve(chunk);
    } finally {
      ended++;
    }
  }
  return { body: body(), ended: () => ended };
}

async function rig(t: TestContext) {
  const path = await messagePath(t);
  const folder = mkdtempSync(`${tmpdir()}/clanker-upload-`);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = diskFiles(folder);
  const upload = (declared: string, body: AsyncIterable<Uint8Array>): Promise<StoredFile> =>
    saveUpload('owner', declared, body, { ...path, files });
  return { ...path, files, folder, upload };
}

test('a file is kept byte for byte, however its body is cut, under the type that its bytes show', async (t) => {
  const { upload, files, store } = await rig(t);
  for (const cut of [1, 7, 4095, 4096, 4097, png.length]) {
    const { body, ended } = bodyOf(
      ...Array.from({ length: Math.ceil(png.length / cut) }, (_, n) => png.subarray(n * cut, (n + 1) * cut)),
    );
    const { id, mimeType, size } = await upload('application/octet-stream', body);
    assert.deepEqual([mimeType, size, ended()], ['image/png', png.length, 1]);
    assert.ok(png.equals((await files.read(id)) ?? Buffer.alloc(0)));
    assert.equal((await store.file(id, 'owner'))?.mimeType, 'image/png');
  }
});

test('a page that says it is an image is refused, and so is nothing at all; neither leaves a trace', async (t) => {
  const { upload, folder } = await rig(t);
  const page = bodyOf(Buffer.from('<!doctype html><script>'), Buffer.alloc(5000, 'x'), Buffer.alloc(5000, 'x'));
  await assert.rejects(upload('image/png', page.body), {
    code: 'type_mismatch',
    message: 'The bytes are not image/png but text/html; send them as that.',
  });
  assert.equal(page.ended(), 1);
  await assert.rejects(upload('image/png', bodyOf().body), { code: 'empty_file' });
  await assert.rejects(upload('text/plain', bodyOf(Buffer.from('7f454c46020101', 'hex')).body), {
    code: 'type_mismatch',
  });
  assert.deepEqual(readdirSync(folder), []);
});

test('a body that breaks while it is looked at breaks as it would have', async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield await Promise.resolve(Buffer.from('abc'));
    throw new Error('cut off');
  }
  await assert.rejects(peek(broken()), /cut off/);
});
