/** A small client of Slack's Web API: one request, one typed outcome, no retry. https://docs.slack.dev/apis/web-api */
import { excerpt } from '../../../core/redact.ts';
import type { HttpClient, HttpResponse } from '../../../core/ports/http-client.ts';
import type { Secret } from '../../../core/secret.ts';
import { askJson, field, textField } from '../json-http.ts';
import type { JsonAnswer } from '../json-http.ts';
import { retryAfterMs } from '../retry-after.ts';
import { Recent } from './recent.ts';

/** An answer is cut off here; a page of 200 messages stays far below. */
const maxAnswerBytes = 8_000_000;
const callTimeoutMs = 30_000;
/** Methods, and channels posted to, that are told apart while they must wait. */
const maxPauses = 1000;
/** Bytes of a file may take longer. */
const uploadTimeoutMs = 120_000;
/** Words of the platform that may reach a person or a log. */
const maxDescription = 300;

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** Slack's own word, such as `channel_not_found`; `http_502` or `no_answer` where there is none. */
  error: string;
  /** In words; never holds a token. */
  description: string;
  /** Whether Slack may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
  /** Null when Slack did not say. */
  retryAfterMs: number | null;
  /** The scope that the token would need, where that is what is missing. */
  needed: string | null;
}

export type ApiOutcome<T> = { ok: true; result: T; headers: Record<string, string> } | ApiFailure;

/** Values that are neither text, number nor boolean travel as JSON; undefined ones are left out. */
export type Params = Record<string, string | number | boolean | object | undefined>;

/**
 * These say "it is possible some aspect of the operation succeeded": https://docs.slack.dev/reference/methods/chat.postMessage
 */
const maybeDone = new Set(['internal_error', 'fatal_error', 'service_unavailable']);

export class SlackApi {
  readonly #http: HttpClient;
  readonly #root: URL;
  readonly #token: Secret;
  /** Until when Slack wants to hear no more of a method. */
  readonly #pauses: Recent<number> | null;

  /**
   * `root`: `https://slack.com/api`, or a server that speaks like it. `keepsPauses`: calls that Slack asked to wait
   * with are not made before it is time, whoever makes them; without, the caller waits.
   */
  constructor(http: HttpClient, root: string, token: Secret, { keepsPauses = false } = {}) {
    this.#http = http;
    this.#root = new URL(`${root.replace(/\/+$/, '')}/`);
    this.#token = token;
    this.#pauses = keepsPauses ? new Recent(maxPauses) : null;
  }

  /**
   * One attempt; expected failures are values. Sent as a form, which every method takes (some take no JSON). The
   * result has the shape the caller names, unchecked.
   */
  async call<T>(
    method: string,
    params: Params,
    signal: AbortSignal,
    timeoutMs = callTimeoutMs,
  ): Promise<ApiOutcome<T>> {
    // Slack counts per method and workspace, for posts per channel: https://docs.slack.dev/apis/web-api/rate-limits
    const { channel } = params;
    const counted = method === 'chat.postMessage' && typeof channel === 'string' ? `${method} ${channel}` : method;
    const waitMs = (this.#pauses?.get(counted) ?? 0) - performance.now();
    if (waitMs > 0) return limited(method, Math.ceil(waitMs));
    const request = {
      method: 'POST' as const,
      url: new URL(method, this.#root).href,
      headers: { ...this.#bearer(), 'content-type': 'application/x-www-form-urlencoded' },
      body: new TextEncoder().encode(formOf(params)),
      timeoutMs,
      maxBytes: maxAnswerBytes,
    };
    const outcome = outcomeOf<T>(method, await askJson(this.#http, request, signal));
    if (!outcome.ok && outcome.retryAfterMs !== null)
      this.#pauses?.set(counted, performance.now() + outcome.retryAfterMs);
    return outcome;
  }

  /** The bytes of a file that Slack named. The token goes to Slack's own hosts and to nobody else. */
  async file(url: string, signal: AbortSignal): Promise<HttpResponse | null> {
    if (!this.isSlacks(url)) return null;
    return this.#http.request({ method: 'GET', url, headers: this.#bearer(), signal });
  }

  /** To an address that Slack gave for one file. */
  async upload(url: string, bytes: Uint8Array, signal: AbortSignal): Promise<ApiOutcome<undefined>> {
    if (!this.isSlacks(url)) return failure('bad_upload_url', 'Slack named an address that is not its own', 'no');
    const headers = { 'content-type': 'application/octet-stream' };
    const limits = { timeoutMs: uploadTimeoutMs, maxBytes: maxAnswerBytes };
    const answer = await askJson(this.#http, { method: 'POST', url, headers, body: bytes, ...limits }, signal);
    if (answer.status === 200) return { ok: true, result: undefined, headers: answer.headers };
    return outcomeOf('the upload', answer);
  }

  /** Answers a slash command through the address that came with it; it needs no membership in the channel. */
  async respond(url: string, body: object, signal: AbortSignal): Promise<ApiOutcome<undefined>> {
    if (!this.isSlacks(url)) return failure('bad_response_url', 'Slack named an address that is not its own', 'no');
    const limits = { timeoutMs: callTimeoutMs, maxBytes: maxAnswerBytes };
    const answer = await askJson(this.#http, { method: 'POST', url, body, ...limits }, signal);
    if (answer.status === 200) return { ok: true, result: undefined, headers: answer.headers };
    return outcomeOf('the answer to the command', answer);
  }

  /** Whether an address belongs to Slack, or to the server that stands in for it. */
  isSlacks(address: string): boolean {
    const url = URL.parse(address);
    if (url === null || url.username !== '' || url.password !== '') return false;
    if (url.origin === this.#root.origin) return true;
    return url.protocol === 'https:' && url.port === '' && /(^|\.)slack(-files|-gov)?\.com$/.test(url.hostname);
  }

  /** Whether an address is one to open a socket to: encrypted, unless everything here is not. */
  isSocket(address: string): boolean {
    const protocol = URL.parse(address)?.protocol;
    return protocol === 'wss:' || (protocol === 'ws:' && this.#root.protocol === 'http:');
  }

  #bearer(): Record<string, string> {
    return { authorization: `Bearer ${this.#token.reveal()}` };
  }
}

function formOf(params: Params): string {
  const form = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (value !== undefined) form.set(name, typeof value === 'object' ? JSON.stringify(value) : String(value));
  }
  return form.toString();
}

function outcomeOf<T>(method: string, { status, headers, json, failure: code, accepted }: JsonAnswer): ApiOutcome<T> {
  if (status === 0) return failure('no_answer', `${method} failed: ${code}`, accepted);
  if (field(json, 'ok') === true) return { ok: true, result: json as T, headers };
  const error = textField(json, 'error');
  if (status === 429 || error === 'ratelimited' || error === 'rate_limited') {
    return limited(method, retryAfterMs(headers, Date.now()));
  }
  if (error === undefined || field(json, 'ok') !== false) {
    const certain = status >= 400 && status < 500 ? 'no' : 'maybe';
    return failure(`http_${status}`, `${method}: HTTP ${status} without an answer of Slack`, certain);
  }
  const certain = status < 500 && !maybeDone.has(error) ? 'no' : 'maybe';
  const needed = textField(json, 'needed')?.slice(0, maxDescription) ?? null;
  const words = needed === null ? `${method}: ${error}` : `${method}: ${error} (needs the scope ${needed})`;
  return { ...failure(error.slice(0, maxDescription), words, certain), needed };
}

const limited = (method: string, pauseMs: number | null): ApiFailure => ({
  ...failure('ratelimited', `${method}: Slack asks to wait`, 'no'),
  retryAfterMs: pauseMs,
});

const failure = (error: string, words: string, accepted: 'no' | 'maybe'): ApiFailure => ({
  ok: false,
  error,
  description: excerpt(words, maxDescription),
  accepted,
  retryAfterMs: null,
  needed: null,
});
