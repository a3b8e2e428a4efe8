/** A small client of the Matrix client-server API: one request, one typed outcome, no retry. https://spec.matrix.org/latest/client-server-api/ */
import { excerpt } from '../../../core/redact.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../core/ports/http-client.ts';
import type { Secret } from '../../../core/secret.ts';
import { askJson, countField, field, textField } from '../json-http.ts';

/** Words of the server that may reach a person or a log. */
const maxWords = 300;
/** Answers of all calls but `/sync` and `/messages`. */
const maxAnswerBytes = 1_000_000;

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** Of the answer; 0 when there was none. */
  status: number;
  /** `M_FORBIDDEN`; empty when the answer is not a Matrix server's. */
  errcode: string;
  /** In the server's or the system's words; never holds the token. */
  words: string;
  /** Whether the server may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
  retryAfterMs: number | null;
  /** Of a token that is not known any more: the device still exists, a new log-in can go on with it. */
  softLogout: boolean;
  /** The answer was larger than we take. */
  tooLarge: boolean;
}

export type ApiOutcome = { ok: true; result: unknown } | ApiFailure;

export interface ApiCall {
  method: HttpRequest['method'];
  /** Below `/_matrix/`, each segment escaped. */
  path: string;
  query?: Record<string, string>;
  body?: object;
  contentType?: string;
  timeoutMs: number;
  maxBytes?: number;
}

export class MatrixApi {
  readonly #http: HttpClient;
  readonly #root: string;
  readonly #token: Secret;

  /** `homeserver`: `https://matrix.example.org`, where `/_matrix` lives. */
  constructor(http: HttpClient, homeserver: string, token: Secret) {
    this.#http = http;
    this.#root = homeserver.replace(/\/+$/, '');
    this.#token = token;
  }

  async call({ path, query = {}, contentType, maxBytes, ...call }: ApiCall, signal: AbortSignal): Promise<ApiOutcome> {
    const search = new URLSearchParams(query).toString();
    const answer = await askJson(
      this.#http,
      {
        ...call,
        url: `${this.#root}/_matrix/${path}${search === '' ? '' : `?${search}`}`,
        headers: { ...this.#authorization(), ...(contentType === undefined ? {} : { 'content-type': contentType }) },
        maxBytes: maxBytes ?? maxAnswerBytes,
      },
      signal,
    );
    const { status, json } = answer;
    if (status >= 200 && status < 300 && typeof json === 'object' && json !== null) return { ok: true, result: json };
    const errcode = textField(json, 'errcode') ?? '';
    const said = answer.failure || textField(json, 'error') || 'without words';
    const seconds = Number(answer.headers['retry-after'] ?? Number.NaN);
    return {
      ok: false,
      status,
      errcode,
      words: excerpt(`${errcode || (status === 0 ? 'no answer' : `HTTP ${status}`)}: ${said}`, maxWords).replaceAll(
        this.#token.reveal(),
        '[token]',
      ),
      accepted: status >= 400 && status < 500 ? 'no' : answer.accepted,
      retryAfterMs: countField(json, 'retry_after_ms') ?? (seconds >= 0 ? Math.ceil(seconds * 1000) : null),
      softLogout: field(json, 'soft_logout') === true,
      tooLarge: answer.failure === 'too_large',
    };
  }

  /** The bytes of a file, by `mxc://server/media`. Servers before 1.11 know only the address without a token. */
  async download(server: string, media: string, signal: AbortSignal): Promise<HttpResponse> {
    const name = `${encodeURIComponent(server)}/${encodeURIComponent(media)}`;
    const get = (path: string): Promise<HttpResponse> =>
      this.#http.request({
        method: 'GET',
        url: `${this.#root}/_matrix/${path}/${name}`,
        headers: this.#authorization(),
        signal,
      });
    const response = await get('client/v1/media/download');
    if (response.status !== 404) return response;
    await response.body[Symbol.asyncIterator]().return?.();
    return get('media/v3/download');
  }

  #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#token.reveal()}` };
  }
}

/** A segment of a path; ids of Matrix hold `!`, `:`, `/` and `$`. */
export const segment = encodeURIComponent;
