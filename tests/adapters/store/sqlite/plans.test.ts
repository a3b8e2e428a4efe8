import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { Database } from '../../../../src/adapters/store/sqlite/database.ts';
import { claimRun, recoverRuns } from '../../../../src/adapters/store/sqlite/runs.ts';
import { dueConversations } from '../../../../src/adapters/store/sqlite/lines.ts';
import {
  claimSend,
  interruptedSends,
  planOutbound,
  recordSend,
} from '../../../../src/adapters/store/sqlite/outbound.ts';
import { finishRun } from '../../../../src/adapters/store/sqlite/finish.ts';
import { commitInbound, requeueInbound } from '../../../../src/adapters/store/sqlite/inbound.ts';
import { deadLetters } from '../../../../src/adapters/store/sqlite/dead.ts';
import { counts, trace } from '../../../../src/adapters/store/sqlite/overview.ts';
import { closeStale, listSessions, queuedSessions } from '../../../../src/adapters/store/sqlite/sessions.ts';
import { maintain } from '../../../../src/adapters/store/sqlite/housekeeping.ts';
import { Owner } from '../../../../src/adapters/store/sqlite/owner.ts';
import { folder, migrationsDir } from '../open.ts';
import { ExplainingDatabase } from './explaining.ts';
import { chat, finish, inboundRow, noon, outboundRow } from '../rows.ts';

/** A scan of a partial index reads what is open now; a scan of the table what ever was. */
const bad = /^SCAN (inbox|outbox|messages|runs|attempts|journal|sessions)\b(?!.*USING.*INDEX)/;

test('the daily work never reads a whole table, whatever has gathered in it', (t) => {
  const file = path.join(folder(t), 'store.db');
  new Owner(file, migrationsDir).close();
  const db = new ExplainingDatabase(file, bad);
  t.after(() => db.close());
  const request = {
    sessionKey: 's',
    mode: 'collect',
    maxStarts: 3,
    historyTurns: 20,
    historyLimit: 20,
    at: noon,
  } as const;
  commitInbound(db, [inboundRow('a', { sessionKey: 's' }), inboundRow('b', { sessionKey: 's' })]);
  queuedSessions(db, 10);
  claimRun(db, request);
  recoverRuns(db);
  claimRun(db, request);
  finishRun(db, finish('run-a', { state: 'failed', inbox: 'failed', outbox: [outboundRow('o', { runId: 'run-a' })] }));
  requeueInbound(db, 'a', noon);
  planOutbound(db, [outboundRow('p')]);
  dueConversations(db, 'telegram', 'main', 10);
  interruptedSends(db);
  claimSend(db, chat('1'), noon + 5000);
  recordSend(db, 'o', { state: 'dead', at: noon, error: 'x' });
  deadLetters(db, null, { limit: 10 });
  counts(db, noon);
  listSessions(db, 'owner', { limit: 10 });
  listSessions(db, null, { limit: 10 });
  closeStale(db, noon, 'owner', 10);
  maintain(db, { at: noon, keysBefore: noon, refusedBefore: noon, sessionsBefore: noon, maxMessages: null, batch: 10 });
  assert.deepEqual([...db.scans], []);
  trace(db, 'a');
});

test('finding work among 10,000 waiting and 5,000 old messages costs as much as among few', (t) => {
  const file = path.join(folder(t), 'store.db');
  new Owner(file, migrationsDir).close();
  const db = new Database(file);
  t.after(() => db.close());
  db.run('BEGIN');
  const rows = (count: number, name: string, more: object): void => {
    commitInbound(
      db,
      Array.from({ length: count }, (_, i) => inboundRow(`${name}${i}`, { sessionKey: `s${i % 500}`, ...more })),
    );
  };
  rows(5000, 'old', { state: 'handled' });
  rows(10_000, 'new', {});
  db.run('COMMIT');
  const claims = queuedSessions(db, 100).map((sessionKey) =>
    claimRun(db, { sessionKey, mode: 'followup', maxStarts: 3, historyTurns: 20, historyLimit: 20, at: noon }),
  );
  assert.deepEqual(
    claims.map((claim) => claim?.inbound[0]?.id),
    Array.from({ length: 100 }, (_, i) => `new${i}`),
  );
  assert.equal(queuedSessions(db, 1000).length, 400);
});
