/**
 * A gateway in memory behind the inward port, for tests of the surfaces that call it. What a chat does is scripted by
 * its text: `echo …` (the default) answers in words, `fail` fails like a provider, `hang` goes on until it is left or
 * aborted, `flood N` streams N pieces of 1 KB.
 */
import type { AuditRow } from '../../src/core/audit.ts';
import type { AuditVerdict } from '../../src/core/ports/rights-gateway.ts';
import type { ErasureReceipt } from '../../src/core/ports/rights-store.ts';
import { readSessionFile } from '../../src/core/session-file.ts';
import { noLimits, type BudgetLine } from '../../src/core/budget.ts';
import { ClankerError, notFound } from '../../src/core/errors.ts';
import type { GatewayEvent, NewEvent } from '../../src/core/events.ts';
import { idMint, type MintId } from '../../src/core/ids.ts';
import type { Message } from '../../src/core/message.ts';
import type { EventFilter, Subscription } from '../../src/core/ports/bus.ts';
import type { HookRequest, HookResponse } from '../../src/core/ports/channel.ts';
import type {
  ChannelStatus,
  ChatAnswer,
  ChatRequest,
  ChatTicket,
  DeadLetter,
  Gateway,
  GatewayStatus,
  OfferedCall,
  OfferedTool,
  PairingDecision,
  PairingList,
  Page,
  PersonBudget,
  PersonDetail,
  PersonInfo,
  Readiness,
  SendRequest,
  SendTicket,
  StoredFile,
  TokenInfo,
  UsageLine,
} from '../../src/core/ports/gateway.ts';
import type { DryRun, Replay } from '../../src/core/ports/replay.ts';
import type { ApprovalInfo, ApprovalTicket } from '../../src/core/ports/approval-gateway.ts';
import type { NotePage, NoteRow, SaveNote } from '../../src/core/ports/notes.ts';
import type { Settings, WrittenSettings } from '../../src/core/preferences.ts';
import type { ToolOutput } from '../../src/core/ports/tool.ts';
import type { MessageTrace } from '../../src/core/ports/overview-store.ts';
import type { SessionRow } from '../../src/core/ports/session-store.ts';
import {
  highestScope,
  ownerPerson,
  type PersonRole,
  type Principal,
  requireScope,
  type Scope,
} from '../../src/core/principal.ts';
import { clientSessionKey, defaultSession } from '../../src/core/session-key.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import { page } from './paging.ts';
import { ScriptedMaintenance } from './scripted-maintenance.ts';
import { sees } from './scripted-schedule.ts';

export const tokens = {
  admin: 'oc_admin-token-of-the-operator-0123456789',
  manage: 'oc_manage-token-for-tests-0123456789abcd',
  send: 'oc_send-token-for-tests-0123456789abcdef',
  read: 'oc_read-token-for-tests-0123456789abcdef',
  stranger: 'oc_token-of-another-person-0123456789abc',
} as const;

export const channelTypes: ReadonlySet<string> = new Set(['telegram']);

interface Run {
  id: string;
  person: string;
  /** Ends it as aborted. */
  abort(): void;
}

/** A bounded queue that one consumer reads. */
class Queue implements Subscription {
  readonly filter: EventFilter;
  readonly #limit: number;
  readonly #items: GatewayEvent[] = [];
  #wake = (): void => {};
  #hear: ((event: GatewayEvent) => void) | null = null;
  closed = false;
  overflowed = false;

  constructor(filter: EventFilter, limit: number) {
    this.filter = filter;
    this.#limit = limit;
  }

  offer(event: GatewayEvent): void {
    if (this.#hear !== null) this.#hear(event);
    else if (this.#items.length >= this.#limit) this.overflowed = true;
    else this.#items.push(event);
    this.#wake();
  }

  forward(hear: (event: GatewayEvent) => void): void {
    this.#hear = hear;
    for (const event of this.#items.splice(0)) hear(event);
  }

  close(): void {
    this.closed = true;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GatewayEvent> {
    while (!this.closed || this.#items.length > 0) {
      const next = this.#items.shift();
      if (next === undefined) await new Promise<void>((resolve) => (this.#wake = resolve));
      else yield next;
    }
  }
}

const matches = ({ types, sessions, person }: EventFilter, event: GatewayEvent): boolean =>
  (types === undefined || types.includes(event.type)) &&
  (sessions === undefined || sessions.includes(event.sessionKey ?? '')) &&
  (person === undefined || event.person === person);

export class ScriptedGateway extends ScriptedMaintenance implements Gateway {
  readonly mintId: MintId = idMint(systemClock, systemRandom);
  readonly startedAt = systemClock.now();
  /** What a test may look at or set. */
  ready = true;
  readonly chats: ChatRequest[] = [];
  readonly sends: SendRequest[] = [];
  readonly left: string[] = [];
  readonly hooks: { name: string; request: HookRequest }[] = [];
  /** What channels answer to hooks; nobody takes any until a test says so. */
  onHook: (name: string, request: HookRequest) => HookResponse | null | Promise<HookResponse> = () => null;
  readonly files = new Map<string, { person: string; bytes: Buffer }>();
  readonly letters = new Map<string, DeadLetter>();
  readonly #tokens = new Map<string, TokenInfo>();
  readonly #sessions = new Map<string, SessionRow>();
  readonly #messages = new Map<string, Message[]>();
  readonly #notes = new Map<string, NoteRow>();
  readonly #runs = new Map<string, Run>();
  readonly #keyed = new Map<string, { request: string; ticket: ChatTicket }>();
  readonly #queues = new Set<Queue>();
  readonly #events: GatewayEvent[] = [];
  readonly #revoked = new Map<string, Set<() => void>>();
  #seq = 0;

  constructor() {
    super();
    this.#addToken(tokens.admin, 'operator', ['admin'], ownerPerson);
    this.#addToken(tokens.manage, 'manage', ['manage'], ownerPerson);
    this.#addToken(tokens.send, 'send', ['send'], ownerPerson);
    this.#addToken(tokens.read, 'read', ['read'], ownerPerson);
    this.#addToken(tokens.stranger, 'stranger', ['manage'], 'per_stranger');
    this.addDead('dead-1');
  }

  addDead(id: string): void {
    this.letters.set(id, {
      id,
      kind: 'outbox',
      channel: 'telegram:main',
      sessionKey: 'telegram:main:42',
      text: 'hello',
      reason: 'blocked',
      attempts: 5,
      at: this.startedAt,
    });
  }

  publish(event: NewEvent): GatewayEvent {
    const full = { ...event, seq: ++this.#seq, at: systemClock.now() };
    this.#events.push(full);
    if (this.#events.length > 512) this.#events.shift();
    for (const queue of this.#queues) if (matches(queue.filter, full)) queue.offer(full);
    return full;
  }

  /** As a draining gateway does with what it cannot finish. */
  abortAll(): void {
    for (const run of this.#runs.values()) run.abort();
  }

  get activeRuns(): number {
    return this.#runs.size;
  }

  async authenticate(token: string): Promise<Principal | null> {
    const info = this.#tokens.get(token);
    if (info === undefined) return null;
    return { kind: 'token', id: info.id, person: info.person, scope: highestScope(info.scopes), name: info.name };
  }

  onRevoked(principal: Principal, callback: () => void): () => void {
    const callbacks = this.#revoked.get(principal.id) ?? new Set();
    this.#revoked.set(principal.id, callbacks.add(callback));
    return () => callbacks.delete(callback);
  }

  async chat(principal: Principal, request: ChatRequest): Promise<ChatTicket> {
    requireScope(principal, 'send');
    const key = clientSessionKey(request.session ?? defaultSession, principal.person, channelTypes);
    const { idempotencyKey, ...compared } = request;
    const scope = `${principal.person} ${idempotencyKey}`;
    const earlier = idempotencyKey === undefined ? undefined : this.#keyed.get(scope);
    if (earlier !== undefined) {
      if (earlier.request !== JSON.stringify(compared)) {
        throw new ClankerError('conflict', 'idempotency_conflict', 'This key was used with another request.');
      }
      return { ...earlier.ticket, joined: true, follow: () => undefined };
    }
    this.chats.push(request);
    const ticket = this.#start(principal, request, key);
    if (idempotencyKey !== undefined) this.#keyed.set(scope, { request: JSON.stringify(compared), ticket });
    return ticket;
  }

  #start(principal: Principal, request: ChatRequest, sessionKey: string): ChatTicket {
    const { person } = principal;
    const [messageId, runId] = [this.mintId('msg'), this.mintId('run')];
    this.#append(sessionKey, person, 'user', request.text, null, messageId);
    const events = this.subscribe(principal, 'chat', { sessions: [sessionKey] }) as Queue;
    const { promise: answer, resolve, reject } = Promise.withResolvers<ChatAnswer>();
    answer.catch(() => {});
    const base = { sessionKey, person };
    const end = (): boolean => {
      setImmediate(() => events.close());
      return this.#runs.delete(runId);
    };
    const fail = (error: ClankerError): void => {
      if (!end()) return;
      const { kind, code, message, retryable } = error;
      this.publish({ ...base, type: 'run.failed', runId, error: { kind, code, message, retryable } });
      reject(error);
    };
    const abort = (): void => fail(new ClankerError('conflict', 'aborted', 'The run was stopped.'));
    this.#runs.set(runId, { id: runId, person, abort });

    const script = async (): Promise<void> => {
      await new Promise((done) => setImmediate(done));
      this.publish({ ...base, type: 'run.started', runId, messageId, model: 'demo/demo' });
      const [verb, count] = request.text.split(' ');
      if (verb === 'fail') return fail(new ClankerError('provider', 'provider', 'The model failed.'));
      if (verb === 'slow') return fail(new ClankerError('provider', 'timeout', 'The model took too long.'));
      if (verb === 'none') {
        return fail(
          new ClankerError('provider', 'provider_unavailable', 'No model can be used.', { retryAfterMs: 7000 }),
        );
      }
      if (verb === 'hang') return undefined;
      const pieces =
        verb === 'flood' ? Array<string>(Number(count)).fill('x'.repeat(1024)) : request.text.split(/(?= )/);
      for (const text of pieces) this.publish({ ...base, type: 'run.delta', runId, text });
      const reply = pieces.join('');
      const finished: ChatAnswer = {
        message_id: messageId,
        run_id: runId,
        session: sessionKey,
        reply: { text: reply },
        model: 'demo/demo',
        finish_reason: 'stop',
        usage: { prompt_tokens: 1, completion_tokens: pieces.length, total_tokens: 1 + pieces.length },
        cost: null,
      };
      this.#append(sessionKey, person, 'assistant', reply, runId, this.mintId('msg'));
      this.publish({ ...base, type: 'run.finished', runId, answer: finished });
      end();
      resolve(finished);
      return undefined;
    };
    void script();
    return {
      messageId,
      runId,
      sessionKey,
      joined: false,
      follow: (hear) =>
        events.forward((event) => {
          if ('runId' in event && event.runId === runId) hear(event);
        }),
      ignoreEvents: () => undefined,
      answer,
      leave: () => {
        this.left.push(runId);
        events.close();
        if (request.idempotencyKey === undefined) abort();
      },
    };
  }

  async send(principal: Principal, request: SendRequest): Promise<SendTicket> {
    requireScope(principal, 'send');
    if (!request.channel.startsWith('telegram')) throw notFound(`channel "${request.channel}"`);
    if (request.target === 'not-listed') throw new ClankerError('auth', 'forbidden', 'The chat is not allowed.');
    this.sends.push(request);
    const refused = new ClankerError('channel', 'delivery_failed', 'The platform refused the message.');
    const delivered = request.target === 'blocked' ? Promise.reject(refused) : Promise.resolve();
    delivered.catch(() => {});
    return { messageId: this.mintId('out'), delivered };
  }

  async hook(name: string, request: HookRequest): Promise<HookResponse | null> {
    this.hooks.push({ name, request });
    return this.onHook(name, request);
  }

  async abortRun(principal: Principal, runId: string): Promise<boolean> {
    const run = this.#runs.get(runId);
    if (run === undefined || run.person !== principal.person) return false;
    run.abort();
    return true;
  }

  async listSessions(principal: Principal, options: { limit: number; cursor?: string }): Promise<Page<SessionRow>> {
    return page(
      [...this.#sessions.values()].filter(({ owner }) => owner === principal.person),
      options,
    );
  }

  async session(principal: Principal, key: string): Promise<SessionRow> {
    const row = this.#sessions.get(clientSessionKey(key, principal.person, channelTypes));
    if (row === undefined || row.owner !== principal.person) throw notFound('session');
    return row;
  }

  async resetSession(principal: Principal, key: string): Promise<SessionRow> {
    return this.session(principal, key);
  }

  async deleteSession(principal: Principal, key: string): Promise<void> {
    const { key: full } = await this.session(principal, key);
    this.#sessions.delete(full);
    this.#messages.delete(full);
  }

  async closeStaleSessions(principal: Principal, maxAgeMs: number): Promise<number> {
    const before = systemClock.now() - maxAgeMs;
    return [...this.#sessions.values()].filter(
      ({ owner, lastActiveAt }) => sees(principal, owner) && lastActiveAt < before,
    ).length;
  }

  async messages(
    principal: Principal,
    key: string,
    options: { limit: number; cursor?: string; before?: string },
  ): Promise<Page<Message>> {
    const { key: full } = await this.session(principal, key);
    return page(this.#messages.get(full) ?? [], options);
  }

  async saveFile(principal: Principal, mimeType: string, body: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const id = this.mintId('file');
    const bytes = Buffer.concat(chunks);
    this.files.set(id, { person: principal.person, bytes });
    return { id, mimeType, size: bytes.length };
  }

  async notes(principal: Principal, { query, ...options }: NotePage & { query?: string }): Promise<Page<NoteRow>> {
    const mine = [...this.#notes.values()].filter(({ owner }) => owner === principal.person);
    return page(
      mine.filter(({ title }) => query === undefined || title.includes(query)),
      { limit: 20, ...options },
    );
  }

  async note(principal: Principal, id: string): Promise<NoteRow> {
    const note = this.#notes.get(id);
    if (note === undefined || note.owner !== principal.person) throw notFound('note');
    return note;
  }

  async noteByTitle(principal: Principal, title: string): Promise<{ note: NoteRow | null; suggestions: string[] }> {
    const [note = null] = (await this.notes(principal, { query: title })).items;
    return { note, suggestions: note === null ? ['tea'] : [] };
  }

  async saveNote(
    principal: Principal,
    { title, text, metadata = {} }: SaveNote,
  ): Promise<{ note: NoteRow; created: boolean }> {
    const before = (await this.noteByTitle(principal, title)).note;
    const at = this.startedAt;
    const note: NoteRow = {
      id: before?.id ?? `note_${this.#notes.size}`,
      owner: principal.person,
      title,
      text,
      metadata,
      source: `token:${principal.id}`,
      outside: null,
      createdAt: at,
      updatedAt: at,
      expiresAt: null,
    };
    this.#notes.set(note.id, note);
    return { note, created: before === null };
  }

  async deleteNote(principal: Principal, id: string): Promise<void> {
    await this.note(principal, id);
    this.#notes.delete(id);
  }

  async approvals(principal: Principal, options: { limit: number; cursor?: string }): Promise<Page<ApprovalInfo>> {
    return page([await this.approval(principal, 'appr_1')], options);
  }

  approval(principal: Principal, id: string): Promise<ApprovalInfo> {
    if (id !== 'appr_1' || principal.person !== ownerPerson) return Promise.reject(notFound('approval'));
    return Promise.resolve({
      id,
      person: ownerPerson,
      session: `api:${ownerPerson}:main`,
      run: 'run_1',
      tool: 'message_send',
      args: { to: 'bob', text: 'hi' },
      digest: 'ab'.repeat(32),
      effects: ['send'],
      reason: 'The policy wants a person to approve it.',
      tainted: 'web page',
      state: 'open',
      createdAt: this.startedAt,
      expiresAt: this.startedAt + 3_600_000,
      decidedBy: null,
      decidedAt: null,
    });
  }

  async answerApproval(principal: Principal, id: string): Promise<ApprovalTicket> {
    const { session } = await this.approval(principal, id);
    return { messageId: 'msg_1', runId: 'run_1', sessionKey: session };
  }

  replayRun(_principal: Principal, runId: string): Promise<Replay> {
    if (runId !== 'run_1') return Promise.reject(notFound('recorded run'));
    return Promise.resolve({
      runId,
      offline: false,
      same: false,
      diverged: null,
      recorded: { text: 'hello', model: 'demo/demo', steps: 1 },
      text: 'hi',
      model: 'demo/demo',
      reason: 'stop',
      steps: [{ text: '', calls: [{ tool: 'look', args: {}, result: 'ok' }] }],
      missing: [],
      usage: null,
      cost: 0.01,
    });
  }

  dryRun(): Promise<DryRun> {
    const calls = [
      { tool: 'send_message', args: { text: 'hi' }, effects: ['send' as const], decision: 'ask' as const },
    ];
    return Promise.resolve({ text: 'I would send it.', calls, model: 'demo/demo', usage: null, cost: null });
  }

  async deleteNotes(principal: Principal): Promise<number> {
    const { items } = await this.notes(principal, {});
    for (const { id } of items) this.#notes.delete(id);
    return items.length;
  }

  async trace(principal: Principal, messageId: string): Promise<MessageTrace> {
    const message = [...this.#messages.values()].flat().find(({ id }) => id === messageId);
    const session = this.#sessions.get(message?.sessionKey ?? '');
    if (message === undefined || session?.owner !== principal.person) throw notFound('message');
    const row = {
      id: messageId,
      runId: 'run_1',
      kind: 'message',
      channel: 'api',
      account: session.owner,
      dedupe: messageId,
      owner: session.owner,
      sessionKey: session.key,
      conversation: null,
      native: null,
      sender: { native: principal.id, display: principal.name },
      chatType: 'direct',
      text: 'hello',
      attachments: [],
      outside: null,
      state: 'done',
      reason: null,
      bodyHash: null,
      agent: null,
      model: null,
      correlation: messageId,
      receivedAt: message.time,
      seq: 1,
      starts: 1,
      error: null,
      finishedAt: message.time,
    } as const;
    return {
      inbox: { ...row, attachments: [] },
      run: null,
      attempts: [],
      calls: [],
      outbox: [],
      feedback: [],
      mergedInto: null,
    };
  }

  async dead(_: Principal, options: { limit: number; cursor?: string }): Promise<Page<DeadLetter>> {
    return page([...this.letters.values()], options);
  }

  async deadLetter(_: Principal, id: string): Promise<DeadLetter> {
    const letter = this.letters.get(id);
    if (letter === undefined) throw notFound('dead letter');
    return letter;
  }

  async retryDead(principal: Principal, id: string): Promise<void> {
    await this.deadLetter(principal, id);
    this.letters.delete(id);
  }

  async clearDead(principal: Principal, id?: string): Promise<number> {
    const before = this.letters.size;
    if (id === undefined) this.letters.clear();
    else await this.retryDead(principal, id);
    return before - this.letters.size;
  }

  async tokens(): Promise<TokenInfo[]> {
    return [...this.#tokens.values()];
  }

  async createToken(
    principal: Principal,
    request: { name: string; scopes: Scope[]; expires?: string; person?: string },
  ): Promise<TokenInfo & { token: string }> {
    requireScope(principal, 'admin');
    const token = `oc_${Buffer.from(systemRandom.bytes(24)).toString('base64url')}`;
    return { ...this.#addToken(token, request.name, request.scopes, request.person ?? principal.person), token };
  }

  async rotateToken(principal: Principal, id: string): Promise<TokenInfo & { token: string }> {
    const [old, info] = this.#tokenById(id);
    const made = await this.createToken(principal, { name: info.name, scopes: info.scopes, person: info.person });
    this.#forgetToken(old, id);
    const rotated = { ...made, id };
    const { token, ...rest } = rotated;
    this.#tokens.set(token, rest);
    return rotated;
  }

  async revokeToken(_: Principal, id: string): Promise<void> {
    this.#forgetToken(this.#tokenById(id)[0], id);
  }

  async exportPerson(_: Principal, id: string): Promise<AsyncIterable<string>> {
    if (id !== somebody.id) throw notFound('person');
    return (async function* lines() {
      yield JSON.stringify({ export: { person: id } });
      yield JSON.stringify({ end: {} });
    })();
  }

  async erasePerson(_: Principal, id: string): Promise<ErasureReceipt> {
    if (id !== somebody.id) throw notFound('person');
    const at = this.startedAt;
    return { person: id, begunAt: at, finishedAt: at, removed: { people: 1 }, compacted: true, kept: [], digest: '' };
  }

  async erasures(principal: Principal): Promise<ErasureReceipt[]> {
    return [await this.erasePerson(principal, somebody.id)];
  }

  async audit(): Promise<Page<AuditRow>> {
    const actor = { kind: 'token', id: 'tok_1', person: 'owner' } as const;
    const row = {
      seq: 1,
      at: this.startedAt,
      actor,
      name: 'laptop',
      action: 'role.set',
      subject: somebody.id,
    } as const;
    return { items: [{ ...row, metadata: { role: 'guest' }, hash: '0'.repeat(64) }], nextCursor: null };
  }

  async verifyAudit(): Promise<AuditVerdict> {
    return { ok: true, rows: 1, head: '0'.repeat(64), broken: null };
  }

  async importSession({ person }: Principal, lines: AsyncIterable<unknown>, name = 'main'): Promise<SessionRow> {
    const { messages, title } = await readSessionFile(lines);
    return {
      key: `api:${person}:${name}`,
      owner: person,
      channel: 'api',
      account: person,
      conversation: null,
      title,
      agent: null,
      model: null,
      messageCount: messages.length,
      createdAt: this.startedAt,
      lastActiveAt: this.startedAt,
    };
  }

  async people(): Promise<Page<PersonInfo>> {
    return { items: [somebody], nextCursor: null };
  }

  async person(_: Principal, id: string): Promise<PersonDetail> {
    if (id !== somebody.id) throw notFound('person');
    const identities = [{ channel: telegram.id, sender: '42', display: 'Ada', admitted: true }];
    return { ...somebody, identities };
  }

  async setRole(principal: Principal, id: string, role: PersonRole): Promise<PersonInfo> {
    const { identities: _, ...person } = await this.person(principal, id);
    return { ...person, role };
  }

  async linkPerson(principal: Principal, id: string): Promise<{ code: string; expiresAt: number }> {
    await this.person(principal, id);
    return { code: 'ABCD-EFGH', expiresAt: this.startedAt };
  }

  async unlinkPerson(principal: Principal, id: string): Promise<PersonInfo> {
    return this.setRole(principal, id, 'guest');
  }

  async pairings(): Promise<PairingList> {
    const who = { id: 'pair_1', channel: telegram.id, sender: '43', display: 'Grace' };
    const at = this.startedAt;
    return {
      requests: [{ ...who, createdAt: at, expiresAt: at }],
      admitted: [{ ...who, person: somebody.id, role: 'member', by: ownerPerson, at }],
    };
  }

  async approvePairing(_: Principal, { code }: { code: string }): Promise<PairingDecision> {
    if (code !== 'ABCD-EFGH') throw new ClankerError('not_found', 'unknown_code', 'Nobody has this code.');
    return { outcome: 'approved', repeated: false, person: somebody.id, who: 'Grace (id 43 on telegram:main)' };
  }

  async rejectPairing(principal: Principal, request: { code: string }): Promise<PairingDecision> {
    return { ...(await this.approvePairing(principal, request)), outcome: 'rejected', person: null };
  }

  async channelAction(_: Principal, id: string, action: 'start' | 'stop' | 'pause' | 'resume'): Promise<ChannelStatus> {
    if (id !== telegram.id) throw notFound('channel');
    return { ...telegram, paused: action === 'pause' };
  }

  async usage(): Promise<UsageLine[]> {
    return [
      {
        day: '2026-01-01',
        person: ownerPerson,
        provider: 'demo',
        model: 'demo',
        calls: 1,
        input: 1,
        cacheRead: 0,
        cacheWrite: 0,
        output: 2,
        cost: null,
        unpriced: 1,
      },
    ];
  }

  async budgets(): Promise<BudgetLine[]> {
    return [
      {
        account: 'total',
        period: 'day',
        unit: 'usd',
        limit: 1,
        spent: 0.25,
        reserved: 0,
        left: 0.75,
        renewsAt: this.startedAt,
      },
    ];
  }

  async personBudget(principal: Principal, id: string): Promise<PersonBudget> {
    await this.person(principal, id);
    return { limits: { ...noLimits, usdDay: 1 }, own: { usdDay: 1 }, budgets: await this.budgets() };
  }

  async setPersonBudget(principal: Principal, id: string): Promise<PersonBudget> {
    requireScope(principal, 'admin');
    return this.personBudget(principal, id);
  }

  async settings(principal: Principal, id: string): Promise<Settings> {
    await this.person(principal, id);
    return { language: 'de', model: null, time_zone: 'Europe/Berlin', quiet_hours: null, notices: true };
  }

  async setSettings(principal: Principal, id: string, written: WrittenSettings): Promise<Settings> {
    const { notices = true } = written;
    return { ...(await this.settings(principal, id)), notices };
  }

  async reloadConfig(): Promise<{ changed: string[] }> {
    return { changed: [] };
  }

  async config(): Promise<{ key: string; value: unknown; source: string }[]> {
    return [{ key: 'server.port', value: 18_789, source: 'default' }];
  }

  async offeredTools(): Promise<OfferedTool[]> {
    return [{ name: 'echo', description: 'Says it again.', parameters: { type: 'object' }, readsOnly: true }];
  }

  async callTool(principal: Principal, { name, args }: OfferedCall): Promise<ToolOutput> {
    if (name !== 'echo') throw notFound(`tool "${name}"`);
    return { text: `${principal.person}: ${JSON.stringify(args)}` };
  }

  async status(): Promise<GatewayStatus> {
    const { channels, providers, warnings, uptimeMs } = await this.readiness();
    return {
      version: '0.0.0-test',
      pid: process.pid,
      startedAt: this.startedAt,
      uptimeMs,
      model: { name: 'demo/demo', source: 'built in' },
      channels,
      providers,
      mcp: [],
      queues: { inbox: 0, running: this.#runs.size, outbox: 0, uncertain: 0, dead: this.letters.size },
      sessions: this.#sessions.size,
      schedule: { enabled: true, jobs: 0, nextDueAt: null, queued: 0, running: 0, failed: 0 },
      memory: { rssBytes: 1, heapBytes: 1 },
      eventLoopDelayMs: { p50: 0, p99: 0, max: 0 },
      refused: [],
      waiting: 0,
      configError: null,
      warnings,
    };
  }

  async readiness(): Promise<Readiness> {
    return {
      ready: this.ready,
      failing: this.ready ? [] : ['store'],
      warnings: ['the demo model answers'],
      uptimeMs: systemClock.now() - this.startedAt,
      channels: [telegram],
      providers: [
        {
          id: 'demo',
          dialect: 'demo',
          model: 'demo',
          state: 'up',
          detail: '',
          cooldownUntil: null,
          active: this.#runs.size,
        },
      ],
    };
  }

  async refreshFigures(): Promise<void> {}

  subscribe(principal: Principal, _name: string, filter: EventFilter, limit = 100_000): Subscription {
    const queue = new Queue({ ...filter, person: principal.person }, limit);
    this.#queues.add(queue);
    const close = queue.close.bind(queue);
    queue.close = () => {
      this.#queues.delete(queue);
      close();
    };
    return queue;
  }

  eventsSince(principal: Principal, seq: number, filter: EventFilter): GatewayEvent[] | null {
    const oldest = this.#events[0]?.seq ?? this.#seq + 1;
    if (seq > this.#seq || seq < oldest - 1) return null;
    return this.#events.filter((event) => event.seq > seq && matches({ ...filter, person: principal.person }, event));
  }

  get subscriptions(): number {
    return this.#queues.size;
  }

  #append(
    sessionKey: string,
    owner: string,
    role: 'user' | 'assistant',
    text: string,
    runId: string | null,
    id: string,
  ): void {
    const known = this.#messages.get(sessionKey) ?? [];
    const time = systemClock.now();
    known.push({
      id,
      sessionKey,
      seq: known.length + 1,
      role,
      parts: [{ type: 'text', text }],
      author: null,
      runId,
      time,
    });
    this.#messages.set(sessionKey, known);
    this.#sessions.set(sessionKey, {
      key: sessionKey,
      owner,
      channel: 'api',
      account: owner,
      conversation: null,
      title: null,
      agent: null,
      model: null,
      messageCount: known.length,
      createdAt: this.startedAt,
      lastActiveAt: time,
    });
    this.publish({ sessionKey, person: owner, type: 'message', messageId: id, role, text, messageSeq: known.length });
  }

  #addToken(token: string, name: string, scopes: Scope[], person: string): TokenInfo {
    const id = `tok_${name.replaceAll(/\W/g, '')}_${this.#tokens.size}`;
    const info: TokenInfo = { id, name, scopes, person, createdAt: this.startedAt, expiresAt: null, lastUsedAt: null };
    this.#tokens.set(token, info);
    return info;
  }

  #tokenById(id: string): [string, TokenInfo] {
    const found = [...this.#tokens].find(([, info]) => info.id === id);
    if (found === undefined) throw notFound('token');
    return found;
  }

  #forgetToken(token: string, id: string): void {
    this.#tokens.delete(token);
    for (const callback of this.#revoked.get(id) ?? []) callback();
  }
}

const somebody: PersonInfo = { id: 'per_ada', name: 'Ada', role: 'member', language: null, createdAt: 0 };

const telegram: ChannelStatus = {
  id: 'telegram:main',
  type: 'telegram',
  account: 'main',
  paused: false,
  health: { state: 'connected', detail: '', lastReceiveAt: null, lastEventAt: null, identity: '@bot' },
};
