import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { diskFiles } from '../../../src/adapters/files/disk.ts';
import { fetchAttachments } from '../../../src/app/runs/attachments.ts';
import { said, messagePath } from '../../support/message-path.ts';

test('what was fetched for a run that is stopped meanwhile does not stay on the disk, where nothing would know of it', async (t) => {
  const { store, clock, mintId, log, channel, ingress, runs } = await messagePath(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-stopped-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const stop = new AbortController();
  async function* fetchAttachment({ native }: { native?: string }): AsyncIterable<Uint8Array> {
    if (native === 'second') stop.abort(new Error('stopped'));
    yield await Promise.resolve(new Uint8Array(10));
  }
  const attachments = ['first', 'second'].map((native) => ({ native, mimeType: 'image/png' }));
  // The queue claims nothing, so that this test can.
  await runs.stop(0);
  await ingress.sinkFor('scripted', 'main').commit([said('look', { attachments })]);
  const request = { mode: 'followup', maxStarts: 5, historyTurns: 5, historyLimit: 50, at: clock.now() } as const;
  const claimed = await store.claimRun({ ...request, sessionKey: 'scripted:main:7' });
  assert.ok(claimed);
  const files = diskFiles(folder);
  const platform = Object.assign(channel, { fetchAttachment });
  const deps = { store, files, clock, mintId, log, channel: () => platform };
  await assert.rejects(fetchAttachments(claimed, deps, stop.signal), /stopped/);
  assert.deepEqual(readdirSync(folder), []);
});

test('an attachment is what its bytes show, under a name without tricks; an empty one is told as such', async (t) => {
  const { store, clock, mintId, log, channel, ingress, runs } = await messagePath(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-judged-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const bodies: Record<string, string> = { page: '<html><script>', empty: '', text: 'hello' };
  async function* fetchAttachment({ native }: { native?: string }): AsyncIterable<Uint8Array> {
    yield await Promise.resolve(Buffer.from(bodies[native ?? ''] ?? ''));
  }
  const attachments = [
    { native: 'page', mimeType: 'image/png', name: '../../in\u202egnp.html' },
    { native: 'empty', mimeType: 'image/png', name: 'e.png' },
    { native: 'text', mimeType: 'text/plain', name: '..' },
  ];
  await runs.stop(0);
  await ingress.sinkFor('scripted', 'main').commit([said('look', { attachments })]);
  const request = { mode: 'followup', maxStarts: 5, historyTurns: 5, historyLimit: 50, at: clock.now() } as const;
  const claimed = await store.claimRun({ ...request, sessionKey: 'scripted:main:7' });
  assert.ok(claimed);
  const deps = { store, files: diskFiles(folder), clock, mintId, log };
  const platform = Object.assign(channel, { fetchAttachment });
  await fetchAttachments(claimed, { ...deps, channel: () => platform }, new AbortController().signal);
  const [page, empty, text] = claimed.inbound[0]?.attachments ?? [];
  assert.deepEqual([page?.mimeType, page?.name], ['text/html', 'ingnp.html']);
  const kept = await store.file(page?.id ?? '', claimed.run.owner);
  assert.equal(kept?.mimeType, 'text/html');
  assert.deepEqual([empty?.id, empty?.problem], [undefined, 'it is empty']);
  assert.deepEqual([text?.mimeType, text?.name], ['text/plain', undefined]);
});

test('of many attachments ten are fetched, and none that says it is too large', async (t) => {
  const { store, clock, mintId, log, channel, ingress, runs } = await messagePath(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-many-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const fetched: string[] = [];
  async function* fetchAttachment({ native = '' }: { native?: string }): AsyncIterable<Uint8Array> {
    fetched.push(native);
    yield await Promise.resolve(Buffer.from('hello'));
  }
  const attachments = Array.from({ length: 12 }, (_, n) => ({
    native: String(n),
    mimeType: 'text/plain',
    size: n === 1 ? 20 * 2 ** 20 + 1 : 5,
  }));
  await runs.stop(0);
  await ingress.sinkFor('scripted', 'main').commit([said('look', { attachments })]);
  const request = { mode: 'followup', maxStarts: 5, historyTurns: 5, historyLimit: 50, at: clock.now() } as const;
  const claimed = await store.claimRun({ ...request, sessionKey: 'scripted:main:7' });
  assert.ok(claimed);
  const deps = { store, files: diskFiles(folder), clock, mintId, log };
  const platform = Object.assign(channel, { fetchAttachment });
  await fetchAttachments(claimed, { ...deps, channel: () => platform }, new AbortController().signal);
  assert.deepEqual(fetched, ['0', '2', '3', '4', '5', '6', '7', '8', '9']);
  assert.deepEqual(
    claimed.inbound[0]?.attachments.map(({ problem }) => problem).filter((problem) => problem !== undefined),
    ['it is larger than 20 MB', 'only 10 files are looked at', 'only 10 files are looked at'],
  );
});
