/** What a model may do besides talking: tools, grouped by what is needed together. */
import type { ConversationRef, JsonObject, OutboundFile } from '../message.ts';
import type { PersonRole } from '../principal.ts';

/**
 * What a call does to the world. `read` looks at something; `write` changes what belongs to the person (notes, files,
 * sessions); `send` lets text leave to somebody or something else; `spend` costs money; `execute` runs code.
 */
export const effects = ['read', 'write', 'send', 'spend', 'execute'] as const;
export type Effect = (typeof effects)[number];

/** Who calls a tool, from where: set by the gateway, never by the model. */
export interface ToolCall {
  /** Unique in its run. */
  id: string;
  runId: string;
  /** Whose data the call may touch: who asked, which in a group is the sender. */
  person: string;
  role: PersonRole;
  /** The agent's name; null for the default one. */
  agent: string | null;
  /** 0 in a run of its own, counted up for each agent that was asked by another. */
  depth: number;
  sessionKey: string;
  channel: string;
  account: string;
  /** Null for API clients. */
  conversation: ConversationRef | null;
  chatType: 'direct' | 'group';
  /** BCP 47, or null while unknown. */
  language: string | null;
  /** Where outside text in the context comes from: what is kept of this call may stem from it. Null or absent: none. */
  tainted?: string | null;
  /** Aborts when the run is over or the tool's time is up. */
  signal: AbortSignal;
}

export interface ToolOutput {
  /** What the model reads. Cut by the caller when it is too long, which keeps the whole of it. */
  text: string;
  isError?: boolean;
  /**
   * Where the text comes from when somebody else than the person may have written it: a word or two such as `web page`.
   * It is fenced in the context, and what the model does after reading it is held to the stricter policy.
   */
  outside?: string;
  /** Stored files of the person that go along with the answer. */
  files?: OutboundFile[];
}

/** A call whose arguments were understood. */
export interface PreparedCall {
  /** What this call would do, given its arguments. */
  effects: readonly Effect[];
  /**
   * Where it would reach out to. An address is a message, too: one that nobody named before, written after reading outside
   * text, counts as `send`.
   */
  address?: string;
  /** Rejects only on a defect; a failure that the model can mend is an output with `isError`. Must heed the signal. */
  run(call: ToolCall): Promise<ToolOutput>;
}

export interface Tool {
  /** `[a-z][a-z0-9_]*`, at most 64 characters; those of MCP servers begin with `mcp_<server>__`. */
  readonly name: string;
  /** For the model: what it does and when to use it. Every character is sent with each request that carries the tool. */
  readonly description: string;
  /** JSON Schema of the arguments object. */
  readonly parameters: JsonObject;
  /** The most that a call of it can do. A tool that only reads may run beside others. */
  readonly effects: readonly Effect[];
  /** Harmless to repeat after a crash that hid its outcome. Default: when it only reads. */
  readonly idempotent?: boolean;
  /** Milliseconds; default: `tools.timeout`. */
  readonly timeoutMs?: number;
  /** The least role that may use it; others are not even shown it. Default: member. */
  readonly role?: PersonRole;
  /** The parsed call, or what is wrong with the arguments, in words for the model. */
  prepare(args: JsonObject): PreparedCall | { problem: string };
}

/** Tools that are needed together. A group travels with a request only once the turn shows that it is needed. */
export interface ToolGroup {
  /** `[a-z][a-z0-9_]*` */
  readonly name: string;
  /** What it is for, in at most 60 characters: the model reads this of every group to choose from. */
  readonly about: string;
  /**
   * Beginnings of words, in lower case and in any language, that show the need for it in what a person writes; empty:
   * only the model asks for it.
   */
  readonly keywords: readonly string[];
  readonly tools: readonly Tool[];
}

/** Where groups come from; asked anew for each run, as servers come and go. */
export interface ToolSource {
  groups(): readonly ToolGroup[];
  /** Resolves once everything that was configured is there, or has failed to come once. Absent: nothing is waited for. */
  arrived?(): Promise<void>;
}

export const readsOnly = (list: readonly Effect[]): boolean => list.every((effect) => effect === 'read');
