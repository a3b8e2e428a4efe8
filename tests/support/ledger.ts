/**
 * The accounts of a proof: what was sent, held against what the store, the model and the chat platform have in the
 * end. Every message carries a marker that nothing else carries, so each can be followed everywhere by text alone.
 */
import { DatabaseSync } from 'node:sqlite';
import { answerTo, markerIn, newMarker, type MockReport } from './mock-openai.ts';

export type Way = 'http' | 'sse' | 'ws' | 'telegram';

export interface Sent {
  marker: string;
  way: Way;
  text: string;
  /** Somebody told the sender that the message is kept: a 200, `run.started`, `ack`, an offset past the update. */
  acknowledged: boolean;
  /** The reply the sender was given, if it got one. */
  answer: string | null;
  /** How often the sender asked; more than 1 after a crash took the answer away. */
  requests: number;
  /** Of Telegram. */
  updateId: number | null;
}

/** Every message that a proof sends is entered here before it is sent. */
export class Ledger {
  readonly sent: Sent[] = [];

  /** `words` stand before the marker, and may hold directives for the mock model. */
  enter(way: Way, words = 'hello'): Sent {
    const marker = newMarker();
    const text = `${words} ${marker}`;
    const entry = { marker, way, text, acknowledged: false, answer: null, requests: 0, updateId: null };
    this.sent.push(entry);
    return entry;
  }
}

/** A message of ours as it stands on the chat platform. */
export interface PlatformMessage {
  text: string;
}

export interface Evidence {
  databaseFile: string;
  ledger: Ledger;
  model: MockReport;
  /** What the chat platform shows. */
  platform: readonly PlatformMessage[];
}

/** Counts for the report, and one line for each thing that must not be. */
export interface Accounts {
  sent: number;
  acknowledged: number;
  answered: number;
  /** Never acknowledged, not asked for again, and not in the store: the sender knows nothing and neither do we. */
  neverTaken: number;
  /** Runs that a crash cut and that were answered after it. */
  resumed: number;
  /** Model calls beyond one a message: the price of crashes in the middle of a run. */
  repeatedModelCalls: number;
  dead: number;
  lost: number;
  runsDoubled: number;
  /** Replies that stand twice on the platform, and whose outbox row says so. */
  sendsDoubledReported: number;
  uncertain: number;
  outbox: Record<string, number>;
  violations: string[];
}

interface InboxRecord {
  seq: number;
  id: string;
  run_id: string;
  session_key: string;
  text: string;
  state: string;
  starts: number;
  error: string | null;
}
interface MessageRecord {
  session: number;
  seq: number;
  role: string;
  parts: string;
  run_id: string | null;
}
interface RunRecord {
  id: string;
  message_id: string;
  state: string;
  starts: number;
}
interface OutboxRecord {
  run_id: string | null;
  state: string;
  resent: number;
  error: string | null;
}

const openOutbox = new Set(['planned', 'streaming', 'sending']);
/** A message that was started this often without an end is a dead letter by design. */
const maxStarts = 5;

/** Reads the store of a daemon that has stopped. */
export function account({ databaseFile, ledger, model, platform }: Evidence): Accounts {
  const database = new DatabaseSync(databaseFile, { readOnly: true });
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  const inbox = all<InboxRecord>(
    'SELECT seq, id, run_id, session_key, text, state, starts, error FROM inbox ORDER BY seq',
  );
  const messages = all<MessageRecord>('SELECT session, seq, role, parts, run_id FROM messages ORDER BY session, seq');
  const runs = all<RunRecord>('SELECT id, message_id, state, starts FROM runs');
  const outbox = all<OutboxRecord>('SELECT run_id, state, resent, error FROM outbox');
  const check = all<{ quick_check: string }>('PRAGMA quick_check').map((row) => row.quick_check);
  database.close();

  const violations: string[] = [];
  const accounts: Accounts = {
    sent: ledger.sent.length,
    acknowledged: ledger.sent.filter(({ acknowledged }) => acknowledged).length,
    answered: 0,
    neverTaken: 0,
    resumed: 0,
    repeatedModelCalls: 0,
    dead: 0,
    lost: 0,
    runsDoubled: 0,
    sendsDoubledReported: 0,
    uncertain: 0,
    outbox: {},
    violations,
  };

  const inboxOf = groupBy(inbox, ({ text }) => markerIn(text));
  const questionsOf = groupBy(messages, ({ role, parts }) => (role === 'user' ? markerIn(parts) : null));
  const repliesOf = groupBy(messages, ({ role, run_id }) => (role === 'assistant' ? run_id : null));
  const runsOf = groupBy(runs, ({ message_id }) => message_id);
  const outboxOf = groupBy(outbox, ({ run_id }) => run_id);
  const shownOf = groupBy(platform, ({ text }) => markerIn(text));

  for (const sent of ledger.sent) {
    const wrong = (what: string): void => void violations.push(`${sent.way} "${sent.text}": ${what}`);
    const rows = inboxOf.get(sent.marker) ?? [];
    const row = rows[0];
    if (row === undefined) {
      if (sent.acknowledged || sent.way === 'telegram') {
        accounts.lost++;
        wrong('LOST: it is not in the inbox');
      } else accounts.neverTaken++;
      continue;
    }
    if (rows.length > 1) wrong(`stored ${rows.length} times in the inbox`);
    accounts.repeatedModelCalls += Math.max(0, (model.markers[sent.marker]?.calls ?? 0) - 1);
    if (row.state === 'dead' && row.starts >= maxStarts) {
      accounts.dead++;
      continue;
    }
    if (row.state !== 'done') {
      if (sent.acknowledged || sent.way === 'telegram') accounts.lost++;
      wrong(`ended as "${row.state}" after ${row.starts} starts ${row.error ?? ''}`);
      continue;
    }
    const finished = (runsOf.get(row.id) ?? []).filter(({ state }) => state === 'finished');
    const questions = questionsOf.get(sent.marker) ?? [];
    const replies = repliesOf.get(row.run_id) ?? [];
    if (finished.length > 1 || questions.length > 1 || replies.length > 1) accounts.runsDoubled++;
    if (finished.length !== 1) wrong(`has ${finished.length} finished runs`);
    if (questions.length !== 1) wrong(`stands ${questions.length} times in the history`);
    if (replies.length !== 1) wrong(`has ${replies.length} replies in the history`);
    const reply = textOf(replies[0]);
    if (reply !== answerTo(sent.text)) wrong(`its stored reply is not the model's: ${JSON.stringify(reply)}`);
    else accounts.answered++;
    if (sent.answer !== null && sent.answer !== reply) wrong(`the sender was told ${JSON.stringify(sent.answer)}`);
    if ((finished[0]?.starts ?? 0) > 1) accounts.resumed++;
    if (sent.way === 'telegram') delivered(sent, reply, outboxOf.get(row.run_id) ?? [], wrong);
  }

  function delivered(sent: Sent, reply: string, rows: readonly OutboxRecord[], wrong: (what: string) => void): void {
    const shown = shownOf.get(sent.marker) ?? [];
    const reported = rows.some(({ state, resent }) => resent === 1 || state === 'uncertain');
    if (rows.length === 0) return wrong('has no outbox row');
    if (shown.length > 1 && reported && shown.length === 2) accounts.sendsDoubledReported++;
    else if (shown.length > 1) wrong(`stands ${shown.length} times on the platform, and nothing says so`);
    if (rows.some(({ state }) => state !== 'sent')) return;
    // A repeat says at its end that it is one.
    if (!shown.some(({ text }) => text.startsWith(reply))) {
      wrong(`the platform shows ${JSON.stringify(shown.map(({ text }) => text))} and not the reply`);
    }
  }

  for (const { state, error } of outbox) {
    accounts.outbox[state] = (accounts.outbox[state] ?? 0) + 1;
    if (openOutbox.has(state)) violations.push(`an outbox row is left "${state}"`);
    if (state === 'dead') violations.push(`an outbox row is dead: ${error}`);
    if (state === 'uncertain') accounts.uncertain++;
  }
  for (const { id, state } of runs) if (state === 'running') violations.push(`the run ${id} is left running`);
  for (const line of check) if (line !== 'ok') violations.push(`quick_check: ${line}`);
  for (const line of model.malformed) violations.push(`the model was sent a bad history: ${line}`);
  violations.push(...orderFaults(inbox, messages, ledger));
  return accounts;
}

/** First in, first out per session: the history has the questions in the order in which the inbox took them. */
function orderFaults(inbox: readonly InboxRecord[], messages: readonly MessageRecord[], ledger: Ledger): string[] {
  const faults: string[] = [];
  const seqOf = new Map(inbox.map(({ text, seq }) => [markerIn(text), seq]));
  const updateOf = new Map(ledger.sent.map(({ marker, updateId }) => [marker, updateId]));
  for (const [session, entries] of groupBy(messages, ({ session }) => session)) {
    let taken = 0;
    let update = 0;
    for (const [index, { seq, role, parts }] of entries.entries()) {
      if (seq !== index + 1) faults.push(`session ${session} has a hole before message ${seq}`);
      const marker = role === 'user' ? markerIn(parts) : null;
      if (marker === null) continue;
      if ((seqOf.get(marker) ?? 0) < taken) faults.push(`session ${session}: ${marker} overtook another message`);
      taken = seqOf.get(marker) ?? taken;
      const own = updateOf.get(marker) ?? update;
      if (own < update) faults.push(`session ${session}: ${marker} overtook another message of its chat`);
      update = own;
    }
  }
  return faults;
}

function textOf(message: MessageRecord | undefined): string {
  if (message === undefined) return '';
  return (JSON.parse(message.parts) as { text?: string }[]).map(({ text }) => text ?? '').join('');
}

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K | null): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    if (key === null) continue;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}
