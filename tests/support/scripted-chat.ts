/**
 * Chats and sessions in memory. What a chat does is scripted by its text: `echo …` (the default) answers in words, `fail`
 * fails like a provider, `hang` goes on until it is left or aborted, `flood N` streams N pieces of 1 KB.
 */
import { systemClock } from '../../src/adapters/system/index.ts';
import { ClankerError, notFound } from '../../src/core/errors.ts';
import type { Message } from '../../src/core/message.ts';
import type { ChatAnswer, ChatRequest, ChatTicket, SendRequest, SendTicket } from '../../src/core/ports/gateway.ts';
import type { Listed, ListOptions } from '../../src/core/ports/listed.ts';
import type { MessageTrace } from '../../src/core/ports/overview-store.ts';
import type { SessionRow } from '../../src/core/ports/session-store.ts';
import type { Principal } from '../../src/core/principal.ts';
import { readSessionFile } from '../../src/core/session-file.ts';
import { clientSessionKey, defaultSession } from '../../src/core/session-key.ts';
import { page } from './paging.ts';
import type { Queue } from './scripted-events.ts';
import { sees } from './scripted-schedule.ts';
import { ScriptedTokens } from './scripted-tokens.ts';

export const channelTypes: ReadonlySet<string> = new Set(['telegram']);

interface Run {
  id: string;
  person: string;
  /** Ends it as aborted. */
  abort(): void;
}

export class ScriptedChat extends ScriptedTokens {
  readonly chats: ChatRequest[] = [];
  readonly sends: SendRequest[] = [];
  readonly left: string[] = [];
  readonly #sessions = new Map<string, SessionRow>();
  readonly #messages = new Map<string, Message[]>();
  readonly #runs = new Map<string, Run>();
  readonly #keyed = new Map<string, { request: string; ticket: ChatTicket }>();

  /** As a draining gateway does with what it cannot finish. */
  abortAll(): void {
    for (const run of this.#runs.values()) run.abort();
  }

  get activeRuns(): number {
    return this.#runs.size;
  }

  get sessionCount(): number {
    return this.#sessions.size;
  }

  async chat(principal: Principal, request: ChatRequest): Promise<ChatTicket> {
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

  async send(_principal: Principal, request: SendRequest): Promise<SendTicket> {
    if (!request.channel.startsWith('telegram')) throw notFound(`channel "${request.channel}"`);
    if (request.target === 'not-listed') throw new ClankerError('auth', 'forbidden', 'The chat is not allowed.');
    this.sends.push(request);
    const refused = new ClankerError('channel', 'delivery_failed', 'The platform refused the message.');
    const delivered = request.target === 'blocked' ? Promise.reject(refused) : Promise.resolve();
    delivered.catch(() => {});
    return { messageId: this.mintId('out'), delivered };
  }

  async abortRun(principal: Principal, runId: string): Promise<boolean> {
    const run = this.#runs.get(runId);
    if (run === undefined || run.person !== principal.person) return false;
    run.abort();
    return true;
  }

  async listSessions(principal: Principal, options: ListOptions): Promise<Listed<SessionRow>> {
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

  async messages(
    principal: Principal,
    key: string,
    options: ListOptions & { before?: string },
  ): Promise<Listed<Message>> {
    const { key: full } = await this.session(principal, key);
    return page(this.#messages.get(full) ?? [], options);
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
}
