import assert from 'node:assert/strict';
import path from 'node:path';
import { constants, DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { Database } from '../../../../src/adapters/store/sqlite/database.ts';
import { finishRun } from '../../../../src/adapters/store/sqlite/finish.ts';
import { commitInbound } from '../../../../src/adapters/store/sqlite/inbound.ts';
import { addJob } from '../../../../src/adapters/store/sqlite/jobs.ts';
import { saveAttempts } from '../../../../src/adapters/store/sqlite/ledger.ts';
import { dueConversations } from '../../../../src/adapters/store/sqlite/lines.ts';
import { claimSend, recordSend } from '../../../../src/adapters/store/sqlite/outbound.ts';
import { Owner } from '../../../../src/adapters/store/sqlite/owner.ts';
import { claimRun } from '../../../../src/adapters/store/sqlite/runs.ts';
import { dueJobs, nextDue } from '../../../../src/adapters/store/sqlite/schedule.ts';
import { folder, migrationsDir } from '../open.ts';
import { attempt, chat, finish, inboundRow, noon, outboundRow } from '../rows.ts';
import { newJob } from '../schedule-rows.ts';

/** What a gateway does all day, with other values each time. */
function day(db: Database, name: string): void {
  commitInbound(db, [inboundRow(name)]);
  claimRun(db, {
    sessionKey: 'api:owner:main',
    mode: 'collect',
    maxStarts: 6,
    historyTurns: 7,
    historyLimit: 20,
    at: noon,
  });
  saveAttempts(db, [attempt(`run-${name}`, 1)]);
  const ended = attempt(`run-${name}`, 1, { finishedAt: noon, outcome: 'ok' });
  finishRun(db, finish(`run-${name}`, { outbox: [outboundRow(name)], attempts: [ended] }));
  dueConversations(db, 'telegram', 'main', 10);
  claimSend(db, chat('1'), noon + 5000);
  recordSend(db, name, { state: 'sent', at: noon, ref: '1' });
  addJob(db, newJob(name), 100);
  nextDue(db);
  dueJobs(db, noon, 10);
}

test('what a gateway does all day is prepared once and not again for each value', (t) => {
  const file = path.join(folder(t), 'store.db');
  new Owner(file, migrationsDir).close();
  const prepared = t.mock.method(DatabaseSync.prototype, 'prepare');
  const db = new Database(file);
  t.after(() => db.close());
  day(db, 'a');
  const anew: string[] = [];
  const engine = prepared.mock.calls[0]?.this as DatabaseSync;
  // SQLite asks this for each table and column while it prepares a statement, and at no other time.
  engine.setAuthorizer((_action, table, column) => {
    anew.push(`${table} ${column}`);
    return constants.SQLITE_OK;
  });
  day(db, 'b');
  assert.notEqual(anew.length, 0, 'whoever is asked anew makes everything be prepared anew');
  anew.length = 0;
  day(db, 'c');
  assert.deepEqual(anew, []);
});
