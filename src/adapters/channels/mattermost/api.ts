/** A small client of the Mattermost REST API: one request, one typed outcome, no retry. https://developers.mattermost.com/api-documentation/ */
import type { HttpClient, HttpRequest, HttpResponse } from '../../../core/ports/http-client.ts';
import { excerpt } from '../../../core/redact.ts';
import type { Secret } from '../../../core/secret.ts';
import { askJson, textField } from '../json-http.ts';

/** Words of the server that may reach a person or a log. */
const maxWords = 300;
const maxAnswerBytes = 8_000_000;
const defaultTimeoutMs = 15_000;

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** Of the answer; 0 when there was none. */
  status: number;
  /** `api.context.session_expired.app_error`; empty when the answer is not Mattermost's. */
  id: string;
  /** In the server's or the system's words; never holds the token. */
  words: string;
  /** Whether the server may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
  retryAfterMs: number | null;
}

export type ApiOutcome =
  | { ok: true; result: unknown; /** The server's clock, in milliseconds. */ date: number }
  | ApiFailure;

export interface ApiCall {
  method: HttpRequest['method'];
  /** Below `/api/v4/`, each segment escaped. */
  path: string;
  body?: object;
  contentType?: string;
  /** Default 15 s. */
  timeoutMs?: number;
}

export class MattermostApi {
  readonly #http: HttpClient;
  readonly #root: string;
  readonly #token: Secret;

  /** `root`: `https://chat.example.org`, with the path below which the server lives. */
  constructor(http: HttpClient, root: string, token: Secret) {
    this.#http = http;
    this.#root = `${root.replace(/\/+$/, '').replace(/\/api\/v4$/, '')}/api/v4`;
    this.#token = token;
  }

  /** `wss://chat.example.org/api/v4/websocket` */
  get websocketUrl(): string {
    return `${this.#root.replace(/^http/i, 'ws')}/websocket`;
  }

  /** For the first frame of a WebSocket. */
  get challenge(): object {
    return { token: this.#token.reveal() };
  }

  async call({ method, path, body, contentType, timeoutMs }: ApiCall, signal: AbortSignal): Promise<ApiOutcome> {
    const answer = await askJson(
      this.#http,
      {
        method,
        url: `${this.#root}/${path}`,
        headers: { ...this.#authorization(), ...(contentType === undefined ? {} : { 'content-type': contentType }) },
        ...(body === undefined ? {} : { body }),
        timeoutMs: timeoutMs ?? defaultTimeoutMs,
        maxBytes: maxAnswerBytes,
      },
      signal,
    );
    const { status, json, headers } = answer;
    if (status >= 200 && status < 300 && typeof json === 'object' && json !== null) {
      return { ok: true, result: json, date: Date.parse(headers['date'] ?? '') };
    }
    const id = textField(json, 'id') ?? '';
    const said = answer.failure || textField(json, 'message') || 'without words';
    const seconds = Number(headers['retry-after'] ?? headers['x-ratelimit-reset'] ?? Number.NaN);
    return {
      ok: false,
      status,
      id,
      words: excerpt(`${status === 0 ? 'no answer' : `HTTP ${status}`}: ${said}`, maxWords).replaceAll(
        this.#token.reveal(),
        '[token]',
      ),
      accepted: status >= 400 && status < 500 ? 'no' : answer.accepted,
      // More than a day would be a time, not a pause.
      retryAfterMs: seconds >= 0 && seconds < 86_400 ? Math.ceil(seconds * 1000) : null,
    };
  }

  file(id: string, signal: AbortSignal): Promise<HttpResponse> {
    const url = `${this.#root}/files/${encodeURIComponent(id)}`;
    return this.#http.request({ method: 'GET', url, headers: this.#authorization(), signal });
  }

  #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#token.reveal()}` };
  }
}

/** What a server says to an address it does not know, in place of to a thing that is not there. */
export const isUnknownAddress = ({ status, id }: ApiFailure): boolean =>
  status === 404 && (id === 'api.context.404.app_error' || id === '');

/** Ids are 26 characters of lower-case letters and digits. */
export const isId = (text: string): boolean => /^[a-z0-9]{26}$/.test(text);
