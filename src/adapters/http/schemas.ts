/**
 * Shapes of the wire: what is accepted (strict) and what is answered. The document at /openapi.json is made of them.
 * They are functions: what is accepted is made with the first request that needs it, what is answered for the document.
 */
import * as z from 'zod/mini';
import type { AuditRow } from '../../core/audit.ts';
import type { AuditVerdict } from '../../core/ports/rights-gateway.ts';
import type { ErasureReceipt } from '../../core/ports/rights-store.ts';
import type {
  ChannelStatus,
  ChatAnswer,
  DeadLetter,
  GatewayStatus,
  McpServerStatus,
  PairingDecision,
  PairingList,
  PersonDetail,
  PersonInfo,
  ProviderStatus,
  Readiness,
  StoredFile,
  TokenInfo,
} from '../../core/ports/gateway.ts';
import { once } from '../../core/once.ts';
import { maxNoteLength, maxTitleLength } from '../../core/notes.ts';
import type { NoteRow } from '../../core/ports/notes.ts';
import type { ApprovalInfo } from '../../core/ports/approval-gateway.ts';
import type { TracedCall } from '../../core/ports/overview-store.ts';
import type { SessionRow } from '../../core/ports/session-store.ts';
import { effects } from '../../core/ports/tool.ts';
import { scopes } from '../../core/principal.ts';

/** Makes a schema. */
export type Shape = () => z.ZodMiniType;
/** What travels in that shape. */
export type Wire<S extends Shape> = z.infer<ReturnType<S>>;

/** Characters of one chat message. */
export const maxTextLength = 32_768;
const maxAttachments = 10;
/** Ten years. */
const maxAgeSeconds = 316_224_000;

export const id = z.string().check(z.regex(/^(?!\.{1,2}$)[A-Za-z0-9_:.-]{1,128}$/));
export const sessionKey = z.string().check(z.regex(/^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/));
export const shortText = z.string().check(z.minLength(1), z.maxLength(200));
const text = z
  .string()
  .check(z.minLength(1), z.maxLength(maxTextLength), z.regex(/\S/, 'must hold more than white space'));
/** Printable ASCII, as it travels in a header too. */
export const idempotencyKey = z
  .string()
  .check(
    z.regex(
      /^[\u0021-\u007e](?:[\u0020-\u007e]{0,253}[\u0021-\u007e])?$/,
      'must be 1 to 255 printable ASCII characters',
    ),
  );
/** As its reader sees it: no path, no control characters. */
const fileName = z.string().check(z.regex(/^[^/\\\p{Cc}]{1,200}$/u));
const time = z.number();
const nullable = z.nullable;

const chatFields = () => ({
  text,
  session: z.exactOptional(sessionKey),
  agent: z.exactOptional(id),
  model: z.exactOptional(shortText),
  attachments: z.exactOptional(z.array(z.strictObject({ id })).check(z.maxLength(maxAttachments))),
  idempotency_key: z.exactOptional(idempotencyKey),
});
export const dryRunBody = () =>
  z.strictObject({
    text,
    session: z.exactOptional(sessionKey),
    agent: z.exactOptional(id),
    model: z.exactOptional(shortText),
  });
export const chatBody = () => z.strictObject({ ...chatFields(), stream: z.optional(z.boolean()) });
export const chatFrame = () => z.strictObject(chatFields());

export const sendBody = () =>
  z.strictObject({
    channel: z
      .string()
      .check(
        z.regex(/^[a-z][a-z0-9_-]{0,31}(?::[A-Za-z0-9_.-]{1,64})?$/, 'must be like "telegram" or "telegram:main"'),
      ),
    target: shortText,
    content: z.string().check(z.maxLength(maxTextLength)),
    attachments: z.exactOptional(
      z.array(z.strictObject({ id, name: z.exactOptional(fileName) })).check(z.maxLength(maxAttachments)),
    ),
    thread: z.exactOptional(shortText),
    idempotency_key: z.exactOptional(idempotencyKey),
  });

const duration = z
  .string()
  .check(z.regex(/^\d{1,9}(?:\.\d{1,3})?\s?(?:ms|s|m|h|d|w)$/, 'must be a duration such as "30d"'));

export const tokenBody = () =>
  z.strictObject({
    name: z.string().check(z.minLength(1), z.maxLength(100), z.regex(/\S/, 'must hold more than white space')),
    scopes: z.array(z.enum(scopes)).check(z.minLength(1), z.maxLength(scopes.length)),
    expires: z.exactOptional(duration),
    person: z.exactOptional(id),
  });

/** Query numbers are text on the wire; the pattern is the whole rule. */
export const number = (pattern: RegExp, words: string) =>
  z.pipe(z.string().check(z.regex(pattern, `must be a number from ${words}`)), z.transform(Number));
export const limit = number(/^(?:[1-9]|[1-9]\d|1\d\d|200)$/, '1 to 200');
export const days = number(/^(?:[1-9]|[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])$/, '1 to 366');
export const cursor = z
  .string()
  .check(z.regex(/^[A-Za-z0-9_.:@+=-]{1,256}$/, 'must be the next_cursor of the page before'));
export const pageQuery = () => z.strictObject({ limit: z.exactOptional(limit), cursor: z.exactOptional(cursor) });

/** For routes that take no query or no body. */
export const noFields = once(() => z.strictObject({}));

const noteTitle = z.string().check(z.minLength(1), z.maxLength(maxTitleLength));
const searched = z.string().check(z.minLength(1), z.maxLength(500));
export const noteBody = () =>
  z.strictObject({
    title: noteTitle,
    text: z.string().check(z.minLength(1), z.maxLength(maxNoteLength)),
    metadata: z.exactOptional(z.looseObject({})),
    expires: z.exactOptional(z.nullable(duration)),
  });
export const notesQuery = () =>
  z.strictObject({
    q: z.exactOptional(searched),
    title: z.exactOptional(noteTitle),
    limit: z.exactOptional(limit),
    cursor: z.exactOptional(cursor),
  });
export const approvalsQuery = () =>
  z.strictObject({
    open: z.exactOptional(z.enum(['true', 'false'])),
    limit: z.exactOptional(limit),
    cursor: z.exactOptional(cursor),
  });

// ── answers

export const failure = () =>
  z.strictObject({
    error: z.strictObject({ code: z.string(), message: z.string(), request_id: z.string() }),
  });
export const sendFailure = () =>
  z.strictObject({
    success: z.literal(false),
    error: z.strictObject({ code: z.string(), message: z.string(), request_id: z.string() }),
  });
export const plainSendFailure = () => z.strictObject({ success: z.literal(false), error: z.string() });
export const sent = () => z.strictObject({ success: z.literal(true), message_id: z.string() });
export const ok = () => z.strictObject({ ok: z.literal(true) });

const anyJson = z.any();
const part = () => z.looseObject({ type: z.string() });

export const chatAnswer = () =>
  z.strictObject({
    message_id: z.string(),
    run_id: z.string(),
    session: z.string(),
    reply: z.strictObject({ text: z.string(), parts: z.optional(z.array(part())) }),
    model: z.string(),
    finish_reason: z.string(),
    usage: z.strictObject({ prompt_tokens: z.number(), completion_tokens: z.number(), total_tokens: z.number() }),
    cost: nullable(z.strictObject({ amount: z.number(), currency: z.string() })),
  } satisfies Record<keyof ChatAnswer, unknown>);

const channelHealth = () =>
  z.object({
    state: z.enum(['starting', 'connected', 'degraded', 'stopped', 'fatal']),
    detail: z.string(),
    lastReceiveAt: nullable(time),
    lastEventAt: nullable(time),
    identity: nullable(z.string()),
  });
export const channel = () =>
  z.strictObject({
    id: z.string(),
    type: z.string(),
    account: z.string(),
    paused: z.boolean(),
    health: channelHealth(),
  } satisfies Record<keyof ChannelStatus, unknown>);

const provider = () =>
  z.strictObject({
    id: z.string(),
    dialect: z.string(),
    model: z.string(),
    state: z.enum(['unknown', 'up', 'degraded', 'down']),
    detail: z.string(),
    cooldownUntil: nullable(time),
    active: z.number(),
  } satisfies Record<keyof ProviderStatus, unknown>);

export const readiness = () =>
  z.strictObject({
    ready: z.boolean(),
    failing: z.array(z.enum(['store', 'providers'])),
    warnings: z.array(z.string()),
    uptimeMs: z.number(),
    channels: z.optional(z.array(channel())),
    providers: z.optional(z.array(provider())),
  } satisfies Record<keyof Readiness, unknown>);

const mcpServer = () =>
  z.strictObject({
    name: z.string(),
    state: z.enum(['starting', 'up', 'waiting']),
    detail: z.string(),
    tools: z.number(),
    restarts: z.number(),
    calls: z.number(),
    failedCalls: z.number(),
  } satisfies Record<keyof McpServerStatus, unknown>);
export const status = () =>
  z.strictObject({
    version: z.string(),
    pid: z.number(),
    startedAt: time,
    uptimeMs: z.number(),
    model: z.strictObject({ name: z.string(), source: z.string() }),
    channels: z.array(channel()),
    providers: z.array(provider()),
    mcp: z.array(mcpServer()),
    queues: z.strictObject({
      inbox: z.number(),
      running: z.number(),
      outbox: z.number(),
      uncertain: z.number(),
      dead: z.number(),
    }),
    sessions: z.number(),
    schedule: z.strictObject({
      enabled: z.boolean(),
      jobs: z.number(),
      nextDueAt: nullable(time),
      queued: z.number(),
      running: z.number(),
      failed: z.number(),
    }),
    memory: z.strictObject({ rssBytes: z.number(), heapBytes: z.number() }),
    eventLoopDelayMs: z.strictObject({ p50: z.number(), p99: z.number(), max: z.number() }),
    refused: z.array(
      z.strictObject({
        channel: z.string(),
        sender: z.string(),
        display: z.string(),
        conversation: z.string(),
        count: z.number(),
        lastAt: time,
        allowLine: z.string(),
      }),
    ),
    waiting: z.number(),
    configError: nullable(z.string()),
    warnings: z.array(z.string()),
  } satisfies Record<keyof GatewayStatus, unknown>);

const conversation = () =>
  z.object({
    channel: z.string(),
    account: z.string(),
    native: z.string(),
    thread: z.optional(z.string()),
  });
export const session = () =>
  z.strictObject({
    key: z.string(),
    owner: z.string(),
    channel: z.string(),
    account: z.string(),
    conversation: nullable(conversation()),
    title: nullable(z.string()),
    agent: nullable(z.string()),
    model: nullable(z.string()),
    messageCount: z.number(),
    createdAt: time,
    lastActiveAt: time,
  } satisfies Record<keyof SessionRow, unknown>);

const nextCursor = nullable(z.string());
export const sessions = () => z.strictObject({ sessions: z.array(session()), next_cursor: nextCursor });

export const message = () =>
  z.strictObject({
    id: z.string(),
    seq: z.number(),
    role: z.enum(['user', 'assistant', 'tool', 'system']),
    text: z.string(),
    parts: z.array(part()),
    author: nullable(z.string()),
    time,
    run_id: nullable(z.string()),
  });
export const messages = () => z.strictObject({ messages: z.array(message()), next_cursor: nextCursor });

export const file = () => z.strictObject({ id: z.string(), mime_type: z.string(), size: z.number() });
export const fileOf = ({ id, mimeType, size }: StoredFile): Wire<typeof file> => ({ id, mime_type: mimeType, size });

const noteFields = () =>
  ({
    id: z.string(),
    title: z.string(),
    text: z.string(),
    metadata: z.looseObject({}),
    source: z.string(),
    outside: nullable(z.string()),
    createdAt: time,
    updatedAt: time,
    expiresAt: nullable(time),
  }) satisfies Record<keyof Omit<NoteRow, 'owner'>, unknown>;
export const note = () => z.strictObject(noteFields());
export const notes = () =>
  z.strictObject({
    notes: z.array(note()),
    next_cursor: nextCursor,
    suggestions: z.optional(z.array(z.string())),
  });

const deadLetter = () =>
  ({
    id: z.string(),
    kind: z.enum(['inbox', 'outbox', 'task']),
    channel: z.string(),
    sessionKey: z.string(),
    text: z.string(),
    reason: z.string(),
    attempts: z.number(),
    at: time,
  }) satisfies Record<keyof DeadLetter, unknown>;
export const dead = () => z.strictObject(deadLetter());
export const deadList = () => z.strictObject({ dead: z.array(dead()), next_cursor: nextCursor });
export const cleared = () => z.strictObject({ cleared: z.number() });
export const deleted = () => z.strictObject({ deleted: z.number() });

const tokenInfo = () =>
  ({
    id: z.string(),
    name: z.string(),
    scopes: z.array(z.enum(scopes)),
    person: z.string(),
    createdAt: time,
    expiresAt: nullable(time),
    lastUsedAt: nullable(time),
  }) satisfies Record<keyof TokenInfo, unknown>;
export const tokens = () => z.strictObject({ tokens: z.array(z.strictObject(tokenInfo())) });
export const newToken = () => z.strictObject({ ...tokenInfo(), token: z.string() });

const role = z.enum(['owner', 'member', 'guest']);
const personInfo = () =>
  ({
    id: z.string(),
    name: z.string(),
    role,
    language: nullable(z.string()),
    createdAt: time,
  }) satisfies Record<keyof PersonInfo, unknown>;
export const person = () => z.strictObject(personInfo());
export const people = () => z.strictObject({ people: z.array(person()), next_cursor: nextCursor });
export const personDetail = () =>
  z.strictObject({
    ...personInfo(),
    identities: z.array(
      z.strictObject({ channel: z.string(), sender: z.string(), display: z.string(), admitted: z.boolean() }),
    ),
  } satisfies Record<keyof PersonDetail, unknown>);
export const roleBody = () => z.strictObject({ role });
/** An account such as `telegram:main`, and the id of somebody there. */
export const unlinkBody = () =>
  z.strictObject({
    channel: z.string().check(z.minLength(1), z.maxLength(100)),
    sender: z.string().check(z.minLength(1), z.maxLength(512)),
  });
export const linkCode = () => z.strictObject({ code: z.string(), expiresAt: time });

const candidate = () => ({ id: z.string(), channel: z.string(), sender: z.string(), display: z.string() });
export const pairings = () =>
  z.strictObject({
    requests: z.array(z.strictObject({ ...candidate(), createdAt: time, expiresAt: time })),
    admitted: z.array(z.strictObject({ ...candidate(), person: z.string(), role, by: z.string(), at: time })),
  } satisfies Record<keyof PairingList, unknown>);
/** As a person types it, with or without its dash, or the id of a request. */
const pairingCode = z.string().check(z.minLength(1), z.maxLength(128));
export const approveBody = () =>
  z.strictObject({ code: pairingCode, role: z.exactOptional(z.enum(['member', 'guest'])) });
export const rejectBody = () => z.strictObject({ code: pairingCode });
export const pairingDecision = () =>
  z.strictObject({
    outcome: z.enum(['approved', 'rejected']),
    repeated: z.boolean(),
    person: nullable(z.string()),
    who: z.string(),
  } satisfies Record<keyof PairingDecision, unknown>);

export const approval = () =>
  z.strictObject({
    id: z.string(),
    person: z.string(),
    session: z.string(),
    run: z.string(),
    tool: z.string(),
    args: z.looseObject({}),
    digest: z.string(),
    effects: z.array(z.enum(effects)),
    reason: z.string(),
    tainted: nullable(z.string()),
    state: z.enum(['open', 'approved', 'denied', 'expired']),
    createdAt: time,
    expiresAt: time,
    decidedBy: nullable(z.string()),
    decidedAt: nullable(time),
  } satisfies Record<keyof ApprovalInfo, unknown>);
export const approvals = () => z.strictObject({ approvals: z.array(approval()), next_cursor: nextCursor });
export const approvalTicket = () => z.strictObject({ message_id: z.string(), run_id: z.string(), session: z.string() });

export const trace = () =>
  z.object({
    inbox: z.looseObject({ id: z.string(), state: z.string(), sessionKey: z.string() }),
    run: nullable(z.looseObject({ id: z.string(), state: z.string() })),
    attempts: z.array(z.looseObject({ provider: z.string(), model: z.string() })),
    calls: z.array(
      z.strictObject({
        tool: z.string(),
        outcome: z.enum(['done', 'failed', 'asked', 'approved', 'denied']),
        at: time,
      } satisfies Record<keyof TracedCall, unknown>),
    ),
    outbox: z.array(z.looseObject({ id: z.string(), state: z.string() })),
    feedback: z.array(z.looseObject({ outboxId: z.string(), value: z.string() })),
    mergedInto: nullable(z.string()),
  });

export const channels = () => z.strictObject({ channels: z.array(channel()) });
export const config = () =>
  z.strictObject({
    config: z.array(z.strictObject({ key: z.string(), value: anyJson, source: z.string() })),
  });
export const reloaded = () => z.strictObject({ changed: z.array(z.string()) });
export const aborted = () => z.strictObject({ aborted: z.literal(true) });

const auditRow = () =>
  z.strictObject({
    seq: z.number(),
    at: time,
    actor: z.strictObject({
      kind: z.enum(['token', 'sender', 'job', 'system']),
      id: z.string(),
      person: nullable(z.string()),
    }),
    name: z.string(),
    action: z.string(),
    subject: nullable(z.string()),
    metadata: z.record(z.string(), anyJson),
    hash: z.string(),
  } satisfies Record<keyof AuditRow, unknown>);
export const auditLog = () => z.strictObject({ audit: z.array(auditRow()), next_cursor: nextCursor });
const filterText = z.string().check(z.minLength(1), z.maxLength(200));
export const auditQuery = () =>
  z.strictObject({
    ...pageQuery().shape,
    action: z.exactOptional(filterText),
    actor: z.exactOptional(filterText),
    since: z.exactOptional(z.iso.datetime({ offset: true })),
  });
export const auditVerdict = () =>
  z.strictObject({
    ok: z.boolean(),
    rows: z.number(),
    head: z.string(),
    broken: nullable(z.strictObject({ seq: z.number(), detail: z.string() })),
  } satisfies Record<keyof AuditVerdict, unknown>);

export const erasure = () =>
  z.strictObject({
    person: z.string(),
    begunAt: time,
    finishedAt: time,
    removed: z.record(z.string(), z.number()),
    compacted: z.boolean(),
    kept: z.array(z.string()),
    digest: z.string(),
  } satisfies Record<keyof ErasureReceipt, unknown>);
export const erasures = () => z.strictObject({ erasures: z.array(erasure()) });
/** `closed`: how many begin a new history with their next message. */
export const closed = () => z.strictObject({ closed: z.number() });
export const cleanupBody = () =>
  z.strictObject({ max_age_seconds: z.int().check(z.minimum(1), z.maximum(maxAgeSeconds)) });
export const sessionName = z.string().check(z.minLength(1), z.maxLength(128));
