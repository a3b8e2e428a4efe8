import type { JsonObject, JsonValue } from '../message.ts';
import type { Secret } from '../secret.ts';

export type Dialect = 'openai-chat' | 'openai-responses' | 'anthropic-messages' | 'ollama' | 'demo' | 'plugin';

/** Token counts of one model call. `input` excludes what a cache served; `reasoning` is inside `output`. */
export interface Usage {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  output: number;
  reasoning: number;
  /** True when the provider did not report and we counted ourselves. */
  estimated: boolean;
}

export type ProviderErrorKind =
  | 'auth'
  | 'permission'
  | 'billing'
  | 'quota_exhausted'
  | 'rate_limited'
  | 'overloaded'
  | 'server'
  | 'network'
  | 'timeout_headers'
  | 'timeout_first'
  | 'timeout_idle'
  | 'stream_incomplete'
  | 'bad_response'
  | 'context_overflow'
  | 'request_too_large'
  | 'invalid_request'
  | 'tools_unsupported'
  | 'model_not_found'
  | 'content_refused'
  | 'aborted'
  | 'deadline';

/** A provider's failure as plain data. The retry rules of core/retry.ts read `kind`, `accepted` and `retryAfterMs`. */
export interface ProviderError {
  kind: ProviderErrorKind;
  /** HTTP status, when there was one. */
  status?: number;
  /** The provider's own code or type, verbatim. */
  code?: string;
  requestId?: string;
  /** What the provider asked us to wait; never shortened. */
  retryAfterMs?: number;
  phase: 'connect' | 'headers' | 'before_output' | 'mid_output';
  /** Whether the provider may have begun (and billed) the work. */
  accepted: 'no' | 'maybe' | 'yes';
  /** The adapter learned from it how this server wants to be asked: the same call is another request from now on. */
  mended?: boolean;
  /** For the log and the trace; secrets already masked, at most 500 characters. */
  detail: string;
}

export type FinishReason = 'stop' | 'tool_calls' | 'length' | 'refusal' | 'content_filter';

/**
 * The one stream every dialect is translated into. Protocol: `start` once when the headers were accepted; then any
 * number of `status`, `text`, `reasoning`, `tool_delta`, `tool_call`, `tool_invalid`, `usage`; then exactly one
 * terminal event, `finish` or `error`, and nothing after it. An adapter emits `finish` only on its dialect's own
 * terminal evidence; a stream that just ends is turned into `stream_incomplete` by the caller. `usage` is what the
 * provider reported, at most once; of one that reports nothing, and of what an answer that broke off said, the caller
 * makes an estimate.
 */
export type ModelEvent =
  | { type: 'start'; requestId?: string; model?: string }
  /** Heartbeats and loading notices: life, but not output; they never reset the output clocks. */
  | { type: 'status'; state: 'ping' | 'loading' | 'queued' }
  | { type: 'text'; text: string }
  /**
   * Thinking, shown to nobody by default. `replay`, the dialect's opaque form to send back with the history, comes with
   * the last event of a block and stands for all of it.
   */
  | { type: 'reasoning'; text: string; replay?: JsonValue }
  /** A piece of a tool call's arguments while it is written; preview only. */
  | { type: 'tool_delta'; id: string; name: string; text: string }
  /** A whole tool call, its arguments parsed once and strictly. */
  | { type: 'tool_call'; id: string; name: string; args: JsonObject }
  | { type: 'tool_invalid'; id: string; name: string; raw: string; reason: string }
  | { type: 'usage'; usage: Usage }
  | { type: 'finish'; reason: FinishReason; raw: string }
  | { type: 'error'; error: ProviderError };

export interface ToolSpec {
  name: string;
  description: string;
  /** JSON Schema of the arguments object. */
  parameters: JsonObject;
}

/** The parts of a request's messages: those of a Message, with files loaded. */
export type RequestPart =
  | { type: 'text'; text: string }
  | { type: 'image'; mimeType: string; data: Uint8Array }
  | { type: 'reasoning'; text: string; dialect?: string; replay?: JsonValue }
  | { type: 'tool_call'; id: string; name: string; args: JsonObject }
  | { type: 'tool_result'; callId: string; name: string; text: string; isError: boolean };

/** `tool` messages hold tool_result parts only; core/repair.ts guarantees the pairing every provider demands. */
export interface RequestMessage {
  role: 'user' | 'assistant' | 'tool';
  parts: RequestPart[];
}

export interface ModelRequest {
  model: string;
  system: string;
  messages: RequestMessage[];
  tools: ToolSpec[];
  /** The tools are only named because the history calls them: this answer is to be words. Default false. */
  wordsOnly?: boolean;
  maxOutputTokens?: number;
  temperature?: number;
  /** Stable per session; dialects with a prompt cache key use it. */
  cacheKey: string;
}

export interface ModelInfo {
  id: string;
  contextWindow?: number;
  /** Whether it can call tools, where the provider tells. */
  tools?: boolean;
}

export interface ProviderHealth {
  ok: boolean;
  detail: string;
}

/** Milliseconds. Enforced by the caller around every stream, so that no adapter needs a timer. */
export interface ProviderClocks {
  headersMs: number;
  firstOutputMs: number;
  idleMs: number;
}

/**
 * One configured model API. `stream` hands every event to `emit` in the moment it is understood and resolves after the
 * terminal one; it never rejects: every failure is an `error` event. It makes exactly one request, has no retry, no
 * fallback and no clock of its own, and stops at once when the signal aborts. A callback and not an iterable, because
 * a promise per piece of text would cost more than the piece. The request is not kept once it is sent: it is the largest
 * thing of a call, and a model takes its time.
 */
export interface Provider {
  readonly id: string;
  readonly dialect: Dialect;
  stream(request: ModelRequest, signal: AbortSignal, emit: (event: ModelEvent) => void): Promise<void>;
  listModels(signal: AbortSignal): Promise<ModelInfo[]>;
  /** A zero-token probe. */
  health(signal: AbortSignal): Promise<ProviderHealth>;
}

export interface ProviderConfig {
  id: string;
  baseUrl: string;
  apiKey?: Secret;
  /** Extra headers, such as OpenAI-Organization. */
  headers?: Record<string, string>;
  /** Tokens. Only a server that must be told uses it (Ollama's `num_ctx`); default 8192. */
  contextWindow?: number;
}
