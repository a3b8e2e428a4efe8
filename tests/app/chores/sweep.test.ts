import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { diskFiles } from '../../../src/adapters/files/disk.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { dropFiles, expire, type ChannelRetention } from '../../../src/app/chores/sweep.ts';
import type { NewInbound } from '../../../src/core/ports/inbox-store.ts';
import { attempt, chat, claim, finish, inboundRow, outboundRow, reply } from '../../adapters/store/rows.ts';
import { freshStore } from '../../support/store.ts';

const day = 86_400_000;
const now = systemClock.now();
const never = new AbortController().signal;

async function rig(t: TestContext) {
  const store = await freshStore(t);
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-sweep-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const files = diskFiles(folder);
  const clock = { ...systemClock, sleep: () => Promise.resolve() };
  const round = async (retention: ChannelRetention = { default: null, channels: {} }) => {
    const deps = { store, files, clock, retention: () => retention };
    return { rows: await expire(deps, never), files: await dropFiles(deps, never) };
  };
  /** A whole turn that ended some days ago. */
  const turn = async (id: string, days: number, more: Partial<NewInbound> = {}): Promise<void> => {
    const at = now - days * day;
    const sessionKey = more.sessionKey ?? 'telegram:main:1';
    const where = { channel: 'telegram', conversation: chat('1'), sessionKey };
    await store.commitInbound([inboundRow(id, { ...where, receivedAt: at, ...more })]);
    const claimed = await claim(store, { sessionKey, at });
    assert.ok(claimed !== null);
    const out = outboundRow(`out-${id}`, { runId: claimed.run.id, sessionKey, createdAt: at, expiresAt: at + day });
    const attempts = [attempt(claimed.run.id, 1, { startedAt: at, finishedAt: at, outcome: 'ok' })];
    const messages = [{ ...reply(`reply-${claimed.run.id}`), time: at }];
    await store.finishRun(finish(claimed.run.id, { messages, outbox: [out], attempts, at }));
    assert.ok((await store.claimSend(out.conversation, at)) !== null);
    await store.recordSend(out.id, { state: 'sent', ref: id, at });
  };
  const store1 = async (id: string, days: number, text = 'bytes'): Promise<void> => {
    const body = (async function* bytes() {
      yield Buffer.from(text);
    })();
    const { size, sha256 } = await files.save(id, body, 1000);
    const createdAt = now - days * day;
    await store.saveFile({ id, owner: 'owner', mimeType: 'text/plain', size, sha256, createdAt });
  };
  return { store, folder, files, round, turn, storeFile: store1, onDisk: () => readdirSync(folder).sort() };
}

test('what is older than its channel’s retention goes, with run, texts and delivery; what is younger stays', async (t) => {
  const { store, round, turn } = await rig(t);
  await turn('old', 100);
  await turn('young', 10);
  await turn('mail', 100, { channel: 'email', sessionKey: 'email:main:1', conversation: null });
  const { rows } = await round({ default: null, channels: { telegram: 90 * day } });
  assert.ok(rows >= 5);
  const left = await store.listMessages('telegram:main:1', { limit: 10 });
  assert.deepEqual(
    left.items.map(({ id }) => id),
    ['young', 'reply-run-young'],
  );
  assert.equal((await store.session('telegram:main:1', null))?.messageCount, 2);
  assert.equal(await store.inbound('old'), null);
  assert.equal(await store.run('run-old'), null);
  assert.equal(await store.outbound('out-old'), null);
  assert.notEqual(await store.run('run-young'), null);
  assert.equal((await store.listMessages('email:main:1', { limit: 10 })).items.length, 2);
  await round({ default: 50 * day, channels: { telegram: 90 * day } });
  assert.equal((await store.listMessages('email:main:1', { limit: 10 })).items.length, 0);
  assert.equal((await store.listMessages('telegram:main:1', { limit: 10 })).items.length, 2);
  await turn('after', 1);
  assert.deepEqual(
    (await store.listMessages('telegram:main:1', { limit: 10 })).items.map(({ seq }) => seq),
    [3, 4, 5, 6],
  );
});

test('what waits or is at work is never too old, and a key that is remembered keeps its row without the text', async (t) => {
  const { store, round, turn } = await rig(t);
  const at = now - 100 * day;
  await store.commitInbound([
    inboundRow('waits', { channel: 'telegram', sessionKey: 'telegram:main:2', receivedAt: at }),
  ]);
  await turn('keyed', 100, { bodyHash: 'hash' });
  await round({ default: 1 * day, channels: {} });
  assert.equal((await store.inbound('waits'))?.text, 'text of waits');
  assert.equal((await store.inbound('keyed'))?.text, '');
  assert.equal((await round({ default: 1 * day, channels: {} })).rows, 0);
});

test('a stored file goes when nothing names it any more, and not while it may still be sent', async (t) => {
  const { store, round, turn, storeFile, onDisk } = await rig(t);
  for (const id of ['file_named', 'file_loose', 'file_of_deleted']) await storeFile(id, 30);
  await storeFile('file_new', 1);
  const attached = (id: string) => ({ attachments: [{ id, mimeType: 'text/plain' }] });
  await turn('named', 5, attached('file_named'));
  await turn('gone', 5, { ...attached('file_of_deleted'), sessionKey: 'telegram:main:9' });
  assert.equal((await round()).files, 1);
  assert.deepEqual(onDisk(), ['file_named', 'file_new', 'file_of_deleted']);
  await store.deleteSession('telegram:main:9');
  const limits = { at: now, keysBefore: 0, refusedBefore: 0, sessionsBefore: null, maxMessages: null, batch: 10 };
  while (await store.maintain(limits)) {
    // Until what the session left is gone.
  }
  assert.equal((await round()).files, 1);
  assert.deepEqual(onDisk(), ['file_named', 'file_new']);
  assert.notEqual(await store.file('file_named', 'owner'), null);
  assert.equal(await store.file('file_of_deleted', 'owner'), null);
});

test('bytes that a crash left without a row go after a day, and nothing else in the folder does', async (t) => {
  const { folder, round, onDisk, storeFile } = await rig(t);
  await storeFile('file_known', 1);
  for (const name of ['file_orphan', 'file_fresh', 'readme']) writeFileSync(path.join(folder, name), 'x');
  const old = (now - 2 * day) / 1000;
  for (const name of ['file_orphan', 'file_known', 'readme']) utimesSync(path.join(folder, name), old, old);
  assert.equal((await round()).files, 1);
  assert.deepEqual(onDisk(), ['file_fresh', 'file_known', 'readme']);
});

test('a summary goes with the newest message that it tells of, not before', async (t) => {
  const { store, round, turn } = await rig(t);
  const key = 'telegram:main:1';
  await turn('old', 100);
  await turn('young', 60);
  await store.saveSummary(key, { seq: 3, text: 'They greeted.', outside: null, at: now });
  const seen = async (id: string): Promise<string | null> => {
    await store.commitInbound([inboundRow(id, { channel: 'telegram', sessionKey: key, receivedAt: now })]);
    const claimed = await claim(store, { sessionKey: key, at: now });
    await store.finishRun(finish(`run-${id}`, { at: now }));
    return claimed?.summary?.text ?? null;
  };
  await round({ default: 80 * day, channels: {} });
  assert.equal(await seen('a'), 'They greeted.');
  await round({ default: 50 * day, channels: {} });
  assert.equal(await seen('b'), null);
});
