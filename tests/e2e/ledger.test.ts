/** The accounts of the proofs can fail: each thing that must not be is put into a store and must be found. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { account, Ledger, type PlatformMessage, type Sent } from '../support/ledger.ts';
import { answerTo, type MockReport } from '../support/mock-openai.ts';

const schema = readFileSync(path.join(import.meta.dirname, '../../migrations/0001_first.sql'), 'utf8');
type Row = Record<string, string | number | null>;

describe('the accounts', () => {
  let dir = '';
  let database: DatabaseSync;
  let ledger: Ledger;
  let platform: PlatformMessage[];
  let model: MockReport;

  beforeEach(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'clanker-ledger-'));
    database = new DatabaseSync(path.join(dir, 'store.db'));
    database.exec(schema);
    ledger = new Ledger();
    platform = [];
    model = { markers: {}, calls: 0, malformed: [], lastBody: '', authorizations: [] };
  });
  afterEach(() => {
    database.close();
    rmSync(dir, { recursive: true, force: true });
  });

  /** Fills the columns that the accounts do not read. */
  const insert = (table: string, row: Row): void => {
    const columns = database.prepare(`PRAGMA table_info(${table})`).all() as {
      name: string;
      type: string;
      notnull: number;
      dflt_value: unknown;
    }[];
    const whole: Row = { ...row };
    for (const { name, type, notnull, dflt_value } of columns) {
      const needed = notnull === 1 && dflt_value === null && !(table === 'inbox' && name === 'seq');
      if (needed && whole[name] === undefined) whole[name] = type === 'TEXT' ? `${name} ${Math.random()}` : 0;
    }
    const names = Object.keys(whole);
    const sql = `INSERT INTO ${table} (${names.join()}) VALUES (${names.map((name) => `:${name}`).join()})`;
    database.prepare(sql).run(whole);
  };
  const parts = (text: string): string => JSON.stringify([{ type: 'text', text }]);

  /** A message whose way was perfect; `change` breaks something of it. */
  let session = 0;
  const perfect = (way: Sent['way'], change: { inbox?: Row; run?: Row; outbox?: Row; reply?: string } = {}): Sent => {
    const sent = ledger.enter(way);
    sent.acknowledged = true;
    const [id, run] = [`msg_${sent.marker}`, `run_${sent.marker}`];
    const reply = change.reply ?? answerTo(sent.text);
    session++;
    insert('inbox', { id, run_id: run, text: sent.text, state: 'done', session_key: `s${session}`, ...change.inbox });
    insert('runs', { id: run, message_id: id, state: 'finished', starts: 1, ...change.run });
    insert('messages', { session, seq: 1, role: 'user', parts: parts(sent.text) });
    insert('messages', { session, seq: 2, role: 'assistant', parts: parts(reply), run_id: run });
    if (way === 'telegram') {
      insert('outbox', { run_id: run, state: 'sent', ...change.outbox });
      platform.push({ text: answerTo(sent.text) });
    }
    return sent;
  };
  const violations = (): string =>
    account({ databaseFile: path.join(dir, 'store.db'), ledger, model, platform }).violations.join('\n');

  it('close when all went well', () => {
    perfect('http').answer = answerTo(ledger.sent[0]?.text ?? '');
    perfect('telegram');
    assert.equal(violations(), '');
  });

  it('find an acknowledged message that is not there, and forgive one that nobody promised', () => {
    ledger.enter('http');
    assert.equal(violations(), '');
    ledger.enter('ws').acknowledged = true;
    assert.match(violations(), /LOST/);
  });

  it('find a message that was stored twice', () => {
    const sent = perfect('http');
    insert('inbox', { id: 'twin', run_id: 'twin', text: sent.text, state: 'done' });
    assert.match(violations(), /stored 2 times/);
  });

  it('find a second reply and a second question in the history', () => {
    const sent = perfect('http');
    insert('messages', { session, seq: 3, role: 'user', parts: parts(sent.text) });
    insert('messages', { session, seq: 4, role: 'assistant', parts: parts('x'), run_id: `run_${sent.marker}` });
    assert.match(violations(), /stands 2 times in the history[^]*has 2 replies/);
  });

  it('find a cut reply that was kept as the answer', () => {
    const sent = perfect('http', { reply: 'mk-' });
    sent.answer = null;
    assert.match(violations(), /stored reply is not the model's/);
  });

  it('find a reply that differs from what the client was told', () => {
    perfect('http').answer = 'something else';
    assert.match(violations(), /the sender was told/);
  });

  it('find messages and rows that were left open', () => {
    perfect('http', { inbox: { state: 'running' } });
    perfect('telegram', { outbox: { state: 'sending' } });
    perfect('http', { run: { state: 'running' } });
    assert.match(violations(), /ended as "running"[^]*left "sending"[^]*left running/);
  });

  it('find a doubled send that nothing reports, and count one that is', () => {
    const sent = perfect('telegram', { outbox: { resent: 1 } });
    platform.push({ text: sent.marker });
    const accounts = account({ databaseFile: path.join(dir, 'store.db'), ledger, model, platform });
    assert.deepEqual(accounts.violations, []);
    assert.equal(accounts.sendsDoubledReported, 1);
    const other = perfect('telegram');
    platform.push({ text: other.marker });
    assert.match(violations(), /stands 2 times on the platform/);
  });

  it('find a reply that was recorded as sent and is not on the platform', () => {
    perfect('telegram');
    platform.length = 0;
    assert.match(violations(), /the platform shows \[\]/);
  });

  it('find a message that overtook another of its session', () => {
    perfect('http');
    perfect('http');
    database.exec(`UPDATE messages SET session = 99, seq = seq + 2 WHERE session = ${session - 1}`);
    database.exec(`UPDATE messages SET session = 99 WHERE session = ${session}`);
    assert.match(violations(), /overtook/);
  });

  it('find a history that a provider would refuse', () => {
    perfect('http');
    model.malformed.push('two user messages in a row');
    assert.match(violations(), /bad history/);
  });
});
