/**
 * What belongs to a person: every table that has rows of people, one line each, in the order in which an erasure takes
 * them (what others are found by stands behind them). A table that is missing here turns a test red.
 */
import type { Database } from './database.ts';

/**
 * In all SQL below: the table is `t`, `who.person` the person, `who.traces` their Traces as JSON. What is newer than
 * `who.until` is somebody else's, who came after an erasure had begun and speaks from the same places.
 */
interface OwnedTable {
  name: string;
  /** Which rows are theirs; default: those with their `owner`. */
  mine?: string;
  /** Which rows tell of them besides: erased, but not theirs to be exported. */
  about?: string;
  /** Columns that hold JSON. */
  json?: readonly string[];
  /** Columns that are not exported: hashes of secrets, and copies of other columns for searching. */
  hidden?: readonly string[];
}

/** By what a person's traces are found where others are the owners. */
export interface Traces {
  /** Channel, account and native id. */
  senders: [string, string, string][];
  /** Conversations that are theirs alone, as the store writes them, and the keys of their sessions. */
  chats: string[];
  keys: string[];
  /** Codes they came in with: notices about them are named by these. */
  pairings: string[];
}

const spoke = (channel: string, account: string, native: string): string =>
  `(${channel}, ${account}, ${native}) IN (SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'),
     json_extract(value, '$[2]') FROM json_each(who.traces, '$.senders'))`;

const spokeHere = spoke('t.channel', 't.account', 't.native');

/** A session can have come to somebody else with its chat: what it holds is theirs, whoever it began with. */
const bySession = `COALESCE((SELECT s.owner FROM sessions s WHERE s.id = t.session), t.owner) = who.person`;
const bySessionKey = `COALESCE((SELECT s.owner FROM sessions s WHERE s.key = t.session_key), t.owner) = who.person`;

const saidInGroup = `instr(t.parts, '"by"') > 0 AND EXISTS (
    SELECT 1 FROM json_each(t.parts) p, json_each(who.traces, '$.senders') s WHERE json_extract(p.value, '$.by') =
      json_extract(s.value, '$[0]') || ':' || json_extract(s.value, '$[1]') || ':' || json_extract(s.value, '$[2]'))`;

/** Asked once and not for each file: it names what is asked for itself, as ?2 the traces and as ?3 the time. */
const attachedInGroup = `t.id IN (
    SELECT json_extract(i.attachments, a.fullkey || '.id') FROM inbox i, json_each(i.attachments) a
    WHERE i.attachments <> '[]' AND i.received_at <= ?3 AND (i.channel, i.account, i.sender) IN (
      SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
      FROM json_each(?2, '$.senders')))`;

const notices = `EXISTS (SELECT 1 FROM json_each(who.traces, '$.pairings') p
    WHERE substr(t.idempotency_key, 1, length(p.value)) = p.value)`;

const inTheirs = `(t.conversation IN (SELECT value FROM json_each(who.traces, '$.chats'))
    OR t.session_key IN (SELECT value FROM json_each(who.traces, '$.keys')))`;

const deliversToThem = `t.created_at <= who.until
    AND json_extract(t.deliver, '$.sessionKey') IN (SELECT value FROM json_each(who.traces, '$.keys'))`;

const usedBy = `t.used_by IN (SELECT value FROM json_each(who.traces, '$.senders'))`;

export const ownedTables: readonly OwnedTable[] = [
  {
    name: 'jobs',
    about: deliversToThem,
    json: ['timing', 'missed', 'deliver', 'origin', 'payload', 'memory'],
    hidden: ['list_at'],
  },
  { name: 'job_slots' },
  {
    name: 'tasks',
    about: deliversToThem,
    json: ['progress', 'error', 'deliver', 'origin', 'payload', 'result'],
    hidden: ['ready'],
  },
  { name: 'task_events' },
  { name: 'task_steps', json: ['error', 'result'] },
  { name: 'files', mine: `t.owner = who.person OR ${attachedInGroup}` },
  { name: 'journal', mine: bySession, json: ['data'] },
  { name: 'messages', mine: `${bySession} OR (t.time <= who.until AND ${saidInGroup})`, json: ['parts'] },
  { name: 'summaries', mine: bySession },
  { name: 'recordings', json: ['data'] },
  { name: 'approvals', json: ['args', 'effects'], hidden: ['digest'] },
  {
    name: 'feedback',
    mine: `t.owner = who.person OR t.at <= who.until AND EXISTS (SELECT 1 FROM outbox o WHERE o.id = t.outbox_id AND
      ${spoke(`json_extract(o.conversation, '$[0]')`, `json_extract(o.conversation, '$[1]')`, 't.sender')})`,
  },
  {
    name: 'inbox',
    mine: `${bySessionKey} OR t.received_at <= who.until AND ${spoke('t.channel', 't.account', 't.sender')}`,
    about: `t.received_at <= who.until AND ${inTheirs}`,
    json: ['conversation', 'attachments', 'error'],
    hidden: ['body_hash'],
  },
  {
    name: 'outbox',
    mine: bySessionKey,
    about: `t.created_at <= who.until AND ${inTheirs} OR ${notices}`,
    json: ['conversation', 'body'],
  },
  { name: 'runs', mine: bySession, json: ['error', 'usage'] },
  { name: 'attempts', json: ['usage'] },
  { name: 'usage_days' },
  { name: 'reservations' },
  { name: 'budget_spent' },
  { name: 'budget_overrides', json: ['limits'] },
  { name: 'preferences' },
  { name: 'notes', json: ['metadata'], hidden: ['title_key', 'title_words', 'text_words'] },
  {
    name: 'refusals',
    mine: `t.last_at <= who.until AND ${spoke('t.channel', 't.account', 't.sender')}`,
    json: ['parents'],
  },
  {
    name: 'codes',
    mine: `t.owner = who.person OR t.created_at <= who.until AND ${spokeHere}`,
    about: usedBy,
    json: ['conversation'],
    hidden: ['hash', 'used_by'],
  },
  { name: 'purges' },
  { name: 'sessions', json: ['conversation'] },
  { name: 'tokens', json: ['scopes'], hidden: ['hash'] },
  { name: 'admissions', mine: `t.at <= who.until AND ${spokeHere}` },
  { name: 'identities', json: ['conversation'] },
  { name: 'audit_names' },
  { name: 'people', mine: 't.id = who.person' },
];

/** The columns of a table's primary key, in its order. */
export const keyOf = (db: Database, table: string): string[] =>
  db
    .all<{ name: string }>('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk', table)
    .map(({ name }) => name);

export const tracesOf = (db: Database, person: string): Traces => {
  const identities = db.all<{ channel: string; account: string; native: string; conversation: string | null }>(
    'SELECT channel, account, native, conversation FROM identities WHERE owner = ? ORDER BY channel, account, native',
    person,
  );
  const pairings = identities.flatMap(({ channel, account, native }) =>
    db.all<{ id: string }>(
      `SELECT id FROM codes WHERE channel = ?1 AND account = ?2 AND native = ?3
       UNION SELECT id FROM admissions WHERE channel = ?1 AND account = ?2 AND native = ?3`,
      channel,
      account,
      native,
    ),
  );
  const sessions = db.all<{ key: string; conversation: string | null }>(
    'SELECT key, conversation FROM sessions WHERE owner = ? AND conversation IS NOT NULL',
    person,
  );
  return {
    senders: identities.map(({ channel, account, native }) => [channel, account, native]),
    chats: [...identities, ...sessions].flatMap(({ conversation }) => conversation ?? []),
    keys: sessions.map(({ key }) => key),
    pairings: pairings.map(({ id }) => id),
  };
};
