/** What people asked for in the proof of the agent, held against the world, the chats and the store in the end. */
import { DatabaseSync } from 'node:sqlite';
import { chatRequest } from '../../../src/adapters/providers/openai-chat/request.ts';
import { firstStyle } from '../../../src/adapters/providers/openai-chat/style.ts';
import { messagesRequest } from '../../../src/adapters/providers/anthropic-messages/request.ts';
import { ollamaRequest } from '../../../src/adapters/providers/ollama/request.ts';
import { responsesRequest } from '../../../src/adapters/providers/openai-responses/request.ts';
import { requestOf } from '../../../src/app/runs/context.ts';
import type { Message, Part } from '../../../src/core/message.ts';
import { notices } from '../../../src/core/notices/index.ts';
import type { ModelRequest } from '../../../src/core/ports/provider.ts';
import { agent } from '../../support/message-path.ts';
import { markerIn } from '../../support/mock-openai.ts';
import { validateRequest, type WireDialect } from '../../support/provider-requests.ts';
import type { Asked } from './agent-people.ts';
import { doneWith, onceKinds, type Deed, type Kind } from './agent-plans.ts';
import type { AgentRig } from './agent-rig.ts';

interface InboxRecord {
  id: string;
  run_id: string;
  text: string;
  state: string;
  starts: number;
  merged_into: string | null;
  error: string | null;
}
interface MessageRecord {
  session: number;
  seq: number;
  role: Message['role'];
  parts: string;
  run_id: string | null;
}
interface ApprovalRecord {
  id: string;
  run_id: string;
  args: string;
  state: string;
  used_by: string | null;
}
interface OutboxRecord {
  state: string;
  resent: number;
  body: string;
  error: string | null;
}

export interface AgentAccounts {
  figures: [name: string, value: string][];
  violations: string[];
}

const dialects: [WireDialect, (request: ModelRequest) => object][] = [
  ['openai-chat', (request) => chatRequest(request, firstStyle({ id: 'p', baseUrl: 'https://api.openai.com/v1' }))],
  ['openai-responses', (request) => responsesRequest(request)],
  ['anthropic-messages', (request) => messagesRequest(request)],
  ['ollama', (request) => ollamaRequest(request, 32_000)],
];

/** Reads the store of a gateway that has stopped. */
export async function agentAccounts(rig: AgentRig, asked: readonly Asked[]): Promise<AgentAccounts> {
  const database = new DatabaseSync(rig.databaseFile, { readOnly: true });
  const all = <T>(sql: string): T[] => database.prepare(sql).all() as T[];
  const store = {
    inbox: all<InboxRecord>('SELECT id, run_id, text, state, starts, merged_into, error FROM inbox ORDER BY seq'),
    messages: all<MessageRecord>('SELECT session, seq, role, parts, run_id FROM messages ORDER BY session, seq'),
    approvals: all<ApprovalRecord>('SELECT id, run_id, args, state, used_by FROM approvals'),
    outbox: all<OutboxRecord>('SELECT state, resent, body, error FROM outbox'),
    notes: all<{ title: string }>('SELECT title FROM notes'),
    journal: all<{ n: number }>('SELECT n FROM journal'),
    runs: all<{ id: string; state: string; starts: number }>('SELECT id, state, starts FROM runs'),
    check: all<{ quick_check: string }>('PRAGMA quick_check'),
  };
  database.close();
  const accounts = new Accounts(rig, store);
  for (const question of asked) accounts.question(question);
  accounts.rest();
  await accounts.histories();
  return accounts.ended(asked);
}

interface Stored {
  inbox: InboxRecord[];
  messages: MessageRecord[];
  approvals: ApprovalRecord[];
  outbox: OutboxRecord[];
  notes: { title: string }[];
  journal: { n: number }[];
  runs: { id: string; state: string; starts: number }[];
  check: { quick_check: string }[];
}

class Accounts {
  readonly #rig: AgentRig;
  readonly #store: Stored;
  readonly #violations: string[] = [];
  readonly #parsed: (MessageRecord & { list: Part[] })[];
  readonly #book: string[];
  readonly #files: ReturnType<AgentRig['files']>;
  readonly #deeds = new Map<Kind, { done: number; unknown: number }>();
  #answered = 0;
  #joined = 0;
  #dead = 0;
  #doubledReported = 0;
  #absent = 0;
  #approved = 0;
  #denied = 0;
  #requests = 0;

  constructor(rig: AgentRig, store: Stored) {
    this.#rig = rig;
    this.#store = store;
    this.#parsed = store.messages.map((message) => ({ ...message, list: JSON.parse(message.parts) as Part[] }));
    this.#book = rig.book();
    this.#files = rig.files();
  }

  question(asked: Asked): void {
    const { marker, chat, verdict, deeds } = asked;
    const wrong = (what: string): void => void this.#violations.push(`${marker} (${chat ?? 'http'}): ${what}`);
    const rows = this.#store.inbox.filter(({ text }) => text.startsWith('do ') && markerIn(text) === marker);
    const [row] = rows;
    if (row === undefined || rows.length > 1) return wrong(`it stands ${rows.length} times in the inbox`);
    const main = this.#store.inbox.find(({ id }) => id === (row.merged_into ?? row.id)) ?? row;
    if (main !== row) this.#joined++;
    if (main.state === 'dead' && main.starts >= 5) {
      this.#dead++;
      return;
    }
    if (main.state !== 'done') return wrong(`it ended as "${main.state}" after ${main.starts} starts ${main.error}`);
    const questions = this.#parsed.filter(
      ({ role, list }) => role === 'user' && words(list).includes(`do ${marker} `),
    ).length;
    if (questions !== 1) wrong(`it stands ${questions} times in the history`);
    const approved = verdict === null || this.#decided(asked, wrong) === 'approved';
    this.#answers(asked, approved, wrong);
    for (const deed of deeds) this.#deed(deed, deed.kind !== 'asked' || approved, wrong);
  }

  /** What was decided about the one call that waited for a person. */
  #decided({ marker, verdict }: Asked, wrong: (what: string) => void): string {
    const rows = this.#store.approvals.filter(({ args }) => args.includes(marker));
    const [row] = rows;
    if (row === undefined || rows.length > 1) {
      wrong(`a person was asked ${rows.length} times about its call`);
      return 'open';
    }
    const wanted = verdict === 'approve' ? ['approved'] : verdict === 'deny' ? ['denied'] : ['approved', 'denied'];
    if (!wanted.includes(row.state)) wrong(`the person answered "${verdict}", and it is ${row.state}`);
    if (row.used_by === null || row.used_by === row.run_id) wrong(`the answer was used by ${row.used_by}`);
    if (row.state === 'approved') this.#approved++;
    if (row.state === 'denied') this.#denied++;
    const told = this.#parsed.filter(({ run_id: run, role, list }) => {
      return run === row.used_by && role === 'user' && /approved the call of/.test(words(list));
    }).length;
    if (told !== (row.state === 'approved' ? 1 : 0)) wrong(`what it came to is told ${told} times`);
    return row.state;
  }

  #answers({ marker, chat }: Asked, approved: boolean, wrong: (what: string) => void): void {
    const done = doneWith(marker);
    const stored = this.#parsed.filter(({ role, list }) => role === 'assistant' && done.test(words(list))).length;
    if (stored !== (approved ? 1 : 0)) wrong(`it has ${stored} answers in the history`);
    else this.#answered++;
    if (chat === null) return;
    const shown = this.#rig.telegram.messages(chat).filter(({ text }) => done.test(text));
    const unmarked = shown.filter(({ text }) => !text.includes(notices.en.repeated)).length;
    if (approved && shown.length === 0 && !this.#uncertain(marker)) wrong('its answer is not shown');
    if (!approved && shown.length > 0) wrong('what was denied is said to be done');
    if (unmarked > 1) wrong(`its answer is shown ${unmarked} times`);
    if (shown.length > 1) this.#doubledReported++;
  }

  #uncertain(words: string): boolean {
    return this.#store.outbox.some(({ state, body }) => state === 'uncertain' && body.includes(words));
  }

  #deed({ kind, tag }: Deed, wanted: boolean, wrong: (what: string) => void): void {
    const times = this.#timesOf(kind, tag, wrong);
    const count = this.#deeds.get(kind) ?? { done: 0, unknown: 0 };
    this.#deeds.set(kind, count);
    if (!wanted) {
      if (times > 0) wrong(`${tag} was denied and happened ${times} times`);
      return;
    }
    if (times > 1) wrong(`${tag} happened ${times} times`);
    if (times === 1) count.done++;
    if (times !== 0) return;
    const { told, starts } = this.#told(kind, tag);
    if (onceKinds.has(kind) && /outcome is unknown/.test(told)) count.unknown++;
    // A question that is new does not wait for a server that is still starting.
    else if (told.startsWith('There is no tool "mcp_') && starts === 1) this.#absent++;
    else wrong(`${tag} never happened, and the model was told ${JSON.stringify(told.slice(0, 200))}`);
  }

  #timesOf(kind: Kind, tag: string, wrong: (what: string) => void): number {
    const lines = (list: readonly string[]): number => list.filter((line) => line === tag).length;
    switch (kind) {
      case 'post':
        return this.#rig.posts.get(tag) ?? 0;
      case 'book':
      case 'asked':
        return lines(this.#book);
      case 'file':
        return lines(this.#files.names.map((name) => name.replace(/\.txt$/, '')));
      case 'append':
        return lines(this.#files.lines);
      case 'note':
        return lines(this.#store.notes.map(({ title }) => title));
      case 'send': {
        const rows = this.#store.outbox.filter(({ body }) => body.includes(tag));
        const shown = this.#rig.telegram.messages(this.#rig.boardChat).filter(({ text }) => text.includes(tag));
        const reported = rows.some(({ state, resent }) => resent === 1 || state === 'uncertain');
        if (shown.length > 1 && reported) this.#doubledReported++;
        if (shown.length > (reported ? 2 : 1)) wrong(`${tag} is shown ${shown.length} times, and nothing says so`);
        if (rows.length === 1 && shown.length === 0 && !reported) wrong(`${tag} is planned and was never shown`);
        return rows.length;
      }
    }
  }

  /** What the stored history tells of the call with this tag, and how often its run was begun. */
  #told(kind: Kind, tag: string): { told: string; starts: number } {
    const at = this.#parsed.findIndex(({ list }) =>
      list.some((part) => part.type === 'tool_call' && JSON.stringify(part.args).includes(tag)),
    );
    const called = this.#parsed[at];
    if (called === undefined) return { told: 'nothing: the call is in no history', starts: 0 };
    const starts = this.#store.runs.find(({ id }) => id === called.run_id)?.starts ?? 0;
    const call = called.list.find((part) => part.type === 'tool_call' && JSON.stringify(part.args).includes(tag));
    const row = this.#store.approvals.find(({ args }) => args.includes(tag));
    if (kind === 'asked' && row !== undefined) {
      // Behind the yes, when that was a message.
      const told = this.#parsed.filter(({ run_id: run, role }) => run === row.used_by && role === 'user');
      return { told: words(told.flatMap(({ list }) => list)), starts };
    }
    const results = this.#parsed[at + 1]?.list ?? [];
    const result = results.find(
      (part) => part.type === 'tool_result' && call?.type === 'tool_call' && part.callId === call.id,
    );
    return { told: result?.type === 'tool_result' ? result.text : 'nothing: the call has no result', starts };
  }

  /** What must not be left behind by anybody. */
  rest(): void {
    const { journal, runs, outbox, approvals, check } = this.#store;
    const wrong = (what: string): void => void this.#violations.push(what);
    if (journal.length > 0) wrong(`the journal holds ${journal.length} entries`);
    for (const { id, state } of runs) if (state === 'running') wrong(`the run ${id} is left running`);
    for (const { state, error } of outbox) {
      if (state === 'dead') wrong(`an outbox row is dead: ${error}`);
      if (!['sent', 'uncertain', 'dead'].includes(state)) wrong(`an outbox row is left "${state}"`);
    }
    for (const { id, state } of approvals) if (state === 'open') wrong(`the question ${id} is left open`);
    for (const { quick_check: line } of check) if (line !== 'ok') wrong(`quick_check: ${line}`);
    for (const what of this.#rig.telegram.violations) wrong(`Telegram: ${what}`);
  }

  /** Every history makes a request that each dialect takes, and each of its calls has its result. */
  async histories(): Promise<void> {
    for (const [session, list] of Map.groupBy(this.#parsed, (message) => message.session)) {
      const history = list.map(({ seq, role, run_id: runId, list: parts }): Message => {
        return {
          id: `msg_${session}_${seq}`,
          sessionKey: String(session),
          seq,
          role,
          parts,
          author: null,
          runId,
          time: 0,
        };
      });
      this.#paired(session, history);
      // As it was read by each run: up to a message of the person.
      for (const [at, { role }] of history.entries()) {
        if (role !== 'user' || (at % 7 !== 0 && at < history.length - 10)) continue;
        const request = await requestOf(history.slice(0, at + 1), {
          agent: { ...agent, historyWindow: 1000 },
          loadFile: () => Promise.resolve(null),
          summary: null,
          now: null,
          cacheKey: 'x',
        });
        for (const [dialect, build] of dialects) {
          this.#requests++;
          for (const problem of validateRequest(dialect, build({ ...request, model: 'm-1', tools: [] })))
            this.#violations.push(`session ${session}, ${dialect}: ${problem}`);
        }
      }
    }
  }

  #paired(session: number, history: readonly Message[]): void {
    for (const [at, { seq, role, parts }] of history.entries()) {
      if (seq !== at + 1) this.#violations.push(`session ${session} has a hole before message ${seq}`);
      const calls = parts.flatMap((part) => (part.type === 'tool_call' ? [part.id] : []));
      if (role !== 'assistant' || calls.length === 0) continue;
      const results =
        history[at + 1]?.parts.flatMap((part) => (part.type === 'tool_result' ? [part.callId] : [])) ?? [];
      if (calls.join() !== results.join())
        this.#violations.push(
          `session ${session}, message ${seq}: the calls ${calls.join()} have the results ${results.join()}`,
        );
      if (new Set(calls).size !== calls.length) this.#violations.push(`session ${session}: a call id stands twice`);
    }
  }

  ended(asked: readonly Asked[]): AgentAccounts {
    const { outbox, runs } = this.#store;
    const resumed = runs.filter(({ state, starts }) => state === 'finished' && starts > 1).length;
    const uncertain = outbox.filter(({ state }) => state === 'uncertain').length;
    const count = (...values: number[]): string => values.join(' / ');
    return {
      figures: [
        ['questions asked / by HTTP', count(asked.length, asked.filter(({ chat }) => chat === null).length)],
        ['answered exactly once', count(this.#answered)],
        ['of those together with another one', count(this.#joined)],
        ['dead letters after 5 starts', count(this.#dead)],
        ['interrupted runs that went on', count(resumed)],
        ['calls approved / denied', count(this.#approved, this.#denied)],
        ...[...this.#deeds].map(([kind, { done, unknown }]): [string, string] => [
          `${kind}: once${onceKinds.has(kind) ? ' / never, outcome told as unknown' : ''}`,
          onceKinds.has(kind) ? count(done, unknown) : count(done),
        ]),
        ['calls of a server that was still starting', count(this.#absent)],
        ['sends doubled in the ambiguous window, reported', count(this.#doubledReported)],
        ['sends left uncertain, reported', count(uncertain)],
        ['requests of stored histories that every dialect took', count(this.#requests)],
      ],
      violations: this.#violations,
    };
  }
}

const words = (parts: readonly Part[]): string =>
  parts.map((part) => (part.type === 'text' || part.type === 'tool_result' ? part.text : '')).join('');
