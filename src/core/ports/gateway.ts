/**
 * The inward port: what every client surface (HTTP, WebSocket, the OpenClaw protocol, chat commands) may ask of the
 * product. Implemented in app/, called by adapters; all of it takes a Principal, so no caller can forget who asks.
 */
import type { ChatAnswer } from '../answer.ts';
import type { BudgetLine, Limits } from '../budget.ts';
import type { GatewayEvent } from '../events.ts';

import type { JsonObject, Message } from '../message.ts';
import type { Settings, WrittenSettings } from '../preferences.ts';
import type { PersonRole, Principal, Scope } from '../principal.ts';
import type { ApprovalGateway } from './approval-gateway.ts';
import type { EventFilter, Subscription } from './bus.ts';
import type { ChannelHealth, HookRequest, HookResponse } from './channel.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { NotePage, NoteRow, SaveNote } from './notes.ts';
import type { MaintenanceGateway } from './maintenance-gateway.ts';
import type { RightsGateway } from './rights-gateway.ts';
import type { ReplayGateway } from './replay.ts';
import type { ScheduleGateway } from './schedule-gateway.ts';
import type { MessageTrace } from './overview-store.ts';
import type { SessionRow } from './session-store.ts';
import type { ToolOutput } from './tool.ts';

export type { ChatAnswer } from '../answer.ts';

export interface ChatRequest {
  text: string;
  session?: string;
  agent?: string;
  model?: string;
  attachments?: { id: string }[];
  idempotencyKey?: string;
}

/** A chat request that was accepted: the commit that holds it is fsynced. */
export interface ChatTicket {
  messageId: string;
  runId: string;
  sessionKey: string;
  /** True when an earlier request with the same key is joined or answered from the store. */
  joined: boolean;
  /**
   * Hands on the events of this run (run.started, run.delta, run.tool, …): those that wait, from the start of the run on,
   * then each in the moment it comes; all of them before `answer` settles. Must not throw. Throws rate_limited
   * `slow_consumer` when it is asked for too late: there is never a hole.
   */
  follow(hear: (event: GatewayEvent) => void): void;
  /** Nobody will hear the events: they are not kept, nor counted as lost. */
  ignoreEvents(): void;
  /** Rejects with a ClankerError (`provider`, `timeout`, `aborted`, …). Always settles; handled even when nobody awaits. */
  answer: Promise<ChatAnswer>;
  /** The caller is gone: aborts the run when the request owned it (no idempotency key), and frees the events. */
  leave(): void;
}

export interface SendRequest {
  channel: string;
  /** A chat, or somebody who was let in: then where they talk to us alone. */
  target: string;
  /** May be empty beside attachments. */
  content: string;
  /** Stored files of the sender, each sent as a message of its own; `name` is what their reader sees. */
  attachments?: { id: string; name?: string }[];
  thread?: string;
  idempotencyKey?: string;
}

export interface SendTicket {
  messageId: string;
  /** Settles when every part was delivered, or rejects with the reason. */
  delivered: Promise<void>;
}

export interface TokenInfo {
  id: string;
  name: string;
  scopes: Scope[];
  person: string;
  createdAt: number;
  expiresAt: number | null;
  lastUsedAt: number | null;
}

export interface ChannelStatus {
  id: string;
  type: string;
  account: string;
  paused: boolean;
  health: ChannelHealth;
}

export interface ProviderStatus {
  id: string;
  dialect: string;
  model: string;
  state: 'unknown' | 'up' | 'degraded' | 'down';
  detail: string;
  /** Milliseconds since the epoch until which it is not asked, or null. */
  cooldownUntil: number | null;
  active: number;
}

export interface OfferedTool {
  name: string;
  description: string;
  /** JSON Schema of the arguments object. */
  parameters: JsonObject;
  readsOnly: boolean;
}

export interface OfferedCall {
  name: string;
  args: JsonObject;
  session?: string;
  signal: AbortSignal;
}

/** `waiting`: it ended or could not be reached, and is started again after a pause. */
export interface McpServerStatus {
  name: string;
  state: 'starting' | 'up' | 'waiting';
  detail: string;
  tools: number;
  restarts: number;
  calls: number;
  /** Those that got no answer at all. */
  failedCalls: number;
}

/** A sender who was turned away, with the exact configuration line that would let them in. */
export interface RefusedSender {
  channel: string;
  sender: string;
  display: string;
  conversation: string;
  count: number;
  lastAt: number;
  allowLine: string;
}

export interface PersonInfo {
  id: string;
  name: string;
  role: PersonRole;
  /** BCP 47, or null while unknown. */
  language: string | null;
  createdAt: number;
}

export interface PersonDetail extends PersonInfo {
  /** Where they talk to us; `channel` is an account such as `telegram:main`. `admitted`: let in beside the lists. */
  identities: { channel: string; sender: string; display: string; admitted: boolean }[];
}

/** Who waits to be let in, and who was; `id` names either. */
export interface PairingList {
  requests: { id: string; channel: string; sender: string; display: string; createdAt: number; expiresAt: number }[];
  admitted: {
    id: string;
    channel: string;
    sender: string;
    display: string;
    person: string;
    role: PersonRole;
    by: string;
    at: number;
  }[];
}

export interface PairingDecision {
  outcome: 'approved' | 'rejected';
  /** It had been decided so before. */
  repeated: boolean;
  /** Of who was let in. */
  person: string | null;
  /** In words: name, id and channel. */
  who: string;
}

export interface GatewayStatus {
  version: string;
  pid: number;
  startedAt: number;
  uptimeMs: number;
  model: { name: string; source: string };
  channels: ChannelStatus[];
  providers: ProviderStatus[];
  mcp: McpServerStatus[];
  /** `uncertain`: sends of which nobody knows whether they arrived; kept, and not tried again. */
  queues: { inbox: number; running: number; outbox: number; uncertain: number; dead: number };
  sessions: number;
  /** Jobs that are not over, the gateway's own among them; `failed`: tasks that nobody retried or cleared. */
  schedule: {
    enabled: boolean;
    jobs: number;
    /** Milliseconds since the epoch. */
    nextDueAt: number | null;
    queued: number;
    running: number;
    failed: number;
  };
  memory: { rssBytes: number; heapBytes: number };
  eventLoopDelayMs: { p50: number; p99: number; max: number };
  refused: RefusedSender[];
  /** Strangers who were shown a code and wait to be let in. */
  waiting: number;
  configError: string | null;
  warnings: string[];
}

export interface Readiness {
  ready: boolean;
  failing: ('store' | 'providers')[];
  warnings: string[];
  uptimeMs: number;
  channels: ChannelStatus[];
  providers: ProviderStatus[];
}

export interface DeadLetter {
  id: string;
  /** A message that was not answered, one that was not delivered, or a task that was not done. */
  kind: 'inbox' | 'outbox' | 'task';
  /** Of a task: where its result would have gone; empty without a chat. */
  channel: string;
  sessionKey: string;
  text: string;
  reason: string;
  attempts: number;
  at: number;
}

export interface StoredFile {
  id: string;
  mimeType: string;
  size: number;
}

export interface Gateway extends RightsGateway, ApprovalGateway, ReplayGateway, ScheduleGateway, MaintenanceGateway {
  /** The token's principal, or null. Constant time in the token; expired and revoked tokens are null. */
  authenticate(token: string): Promise<Principal | null>;
  /** Calls back within a second after a token stops being valid (revoked, rotated, expired). Returns the unsubscribe. */
  onRevoked(principal: Principal, callback: () => void): () => void;

  chat(principal: Principal, request: ChatRequest): Promise<ChatTicket>;
  send(principal: Principal, request: SendRequest): Promise<SendTicket>;
  /**
   * A request to `/hooks/<name>`, the webhook channel of that name, or to `/hooks/<type>/<account>`. From nobody known:
   * the channel verifies it. Null when no channel takes hooks there. Rejects with `unavailable`, retryable, while the
   * channel does not run.
   */
  hook(name: string, request: HookRequest): Promise<HookResponse | null>;
  /** False when no such run is active for this person. */
  abortRun(principal: Principal, runId: string): Promise<boolean>;

  listSessions(principal: Principal, options: ListOptions): Promise<Listed<SessionRow>>;
  session(principal: Principal, key: string): Promise<SessionRow>;
  /** Begins a new history; the old messages stay stored and are not sent to models any more. */
  resetSession(principal: Principal, key: string): Promise<SessionRow>;
  deleteSession(principal: Principal, key: string): Promise<void>;
  /** Sessions that nobody used for so long begin a new history: one's own, with `admin` everybody's. How many. */
  closeStaleSessions(principal: Principal, maxAgeMs: number): Promise<number>;
  messages(principal: Principal, key: string, options: ListOptions & { before?: string }): Promise<Listed<Message>>;

  saveFile(principal: Principal, mimeType: string, body: AsyncIterable<Uint8Array>): Promise<StoredFile>;

  /** Notes are the principal's own, whatever its scope. With `query` those with its words, best first. */
  notes(principal: Principal, options: NotePage & { query?: string }): Promise<Listed<NoteRow>>;
  note(principal: Principal, id: string): Promise<NoteRow>;
  /** A title that is not there comes with those that may have been meant. */
  noteByTitle(principal: Principal, title: string): Promise<{ note: NoteRow | null; suggestions: string[] }>;
  /** Replaces a note of the same title. */
  saveNote(principal: Principal, note: SaveNote): Promise<{ note: NoteRow; created: boolean }>;
  deleteNote(principal: Principal, id: string): Promise<void>;
  /** How many there were. */
  deleteNotes(principal: Principal): Promise<number>;

  trace(principal: Principal, messageId: string): Promise<MessageTrace>;
  dead(principal: Principal, options: ListOptions): Promise<Listed<DeadLetter>>;
  deadLetter(principal: Principal, id: string): Promise<DeadLetter>;
  retryDead(principal: Principal, id: string): Promise<void>;
  /** How many were cleared; without an id all of them. */
  clearDead(principal: Principal, id?: string): Promise<number>;

  tokens(principal: Principal): Promise<TokenInfo[]>;
  createToken(
    principal: Principal,
    request: { name: string; scopes: Scope[]; expires?: string; person?: string },
  ): Promise<TokenInfo & { token: string }>;
  rotateToken(principal: Principal, id: string): Promise<TokenInfo & { token: string }>;
  revokeToken(principal: Principal, id: string): Promise<void>;

  /** Undoes a link: the identity is a person of its own again, a guest whom nobody let in. */
  unlinkPerson(principal: Principal, id: string, identity: { channel: string; sender: string }): Promise<PersonInfo>;
  /** Oneself; with `admin` everybody. */
  people(principal: Principal, options: ListOptions): Promise<Listed<PersonInfo>>;
  person(principal: Principal, id: string): Promise<PersonDetail>;
  setRole(principal: Principal, id: string, role: PersonRole): Promise<PersonInfo>;
  /** A code; the identity that sends it as `/pair CODE` within the hour becomes this person. */
  linkPerson(principal: Principal, id: string): Promise<{ code: string; expiresAt: number }>;

  /** Requests with `manage`; of those let in oneself, with `admin` all. */
  pairings(principal: Principal): Promise<PairingList>;
  /** By code or id. Rejects with `unknown_code`, `code_expired`, `already_rejected`, `too_many_attempts`. */
  approvePairing(
    principal: Principal,
    request: { code: string; role?: Exclude<PersonRole, 'owner'> },
  ): Promise<PairingDecision>;
  /** Turns a request down, or takes an approval back. */
  rejectPairing(principal: Principal, request: { code: string }): Promise<PairingDecision>;

  channelAction(
    principal: Principal,
    id: string,
    action: 'start' | 'stop' | 'pause' | 'resume',
  ): Promise<ChannelStatus>;
  /** Of oneself; with `admin` of everybody, or of whom is named. */
  usage(principal: Principal, options: { days: number; person?: string; channel?: string }): Promise<UsageLine[]>;
  /** What is left to a person, by default oneself; with `admin` also what is left to all together. */
  budgets(principal: Principal, person?: string): Promise<BudgetLine[]>;
  personBudget(principal: Principal, id: string): Promise<PersonBudget>;
  /** A limit, null for none, `default` for that of the role; what is not named stays. */
  setPersonBudget(
    principal: Principal,
    id: string,
    change: { [K in keyof Limits]?: number | null | 'default' },
  ): Promise<PersonBudget>;
  /** Of oneself; with `admin` of everybody. */
  settings(principal: Principal, id: string): Promise<Settings>;
  setSettings(principal: Principal, id: string, written: WrittenSettings): Promise<Settings>;
  /** Reads the configuration again; rejects with the errors and keeps the old one when it is bad. */
  reloadConfig(principal: Principal): Promise<{ changed: string[] }>;
  /** The configuration in force, secrets masked, each value with its source. */
  config(principal: Principal): Promise<{ key: string; value: unknown; source: string }[]>;

  /** The tools that another agent may use in the name of this person: those its scope is enough for. */
  offeredTools(principal: Principal): Promise<OfferedTool[]>;
  /**
   * Calls one of them, as the person's own agent would in the session (default: `main`): the same policy, the same
   * owner. Rejects with `not_found` when it is not offered, `invalid_input` when the arguments are wrong.
   */
  callTool(principal: Principal, call: OfferedCall): Promise<ToolOutput>;

  status(): Promise<GatewayStatus>;
  readiness(): Promise<Readiness>;
  /** Before figures are shown: those that are counted in the store become fresh, unless the store is slow. */
  refreshFigures(): Promise<void>;
  subscribe(principal: Principal, name: string, filter: EventFilter, limit?: number): Subscription;
  eventsSince(principal: Principal, seq: number, filter: EventFilter): GatewayEvent[] | null;
}

export interface UsageLine {
  day: string;
  person: string;
  provider: string;
  model: string;
  calls: number;
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  /** US dollars of the calls whose price is known; null when none is. */
  cost: number | null;
  /** Calls whose price is unknown. */
  unpriced: number;
}

/** The limits that hold for a person, which of them are their own, and how they stand. */
export interface PersonBudget {
  limits: Limits;
  own: Partial<Limits>;
  budgets: BudgetLine[];
}
