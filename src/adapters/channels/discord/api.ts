/** A small client of Discord's REST API: one request, one typed outcome, no retry. https://discord.com/developers/docs/reference */
import { HttpFailure, readBody } from '../../../core/ports/http-client.ts';
import type { HttpClient, HttpRequest, HttpResponse } from '../../../core/ports/http-client.ts';
import type { Secret } from '../../../core/secret.ts';
import type { Form } from '../multipart.ts';
import { RateLimits } from './limits.ts';
import type { Wait } from './limits.ts';

const version = 'v10';
/** Answers of a hundred messages stay far below. */
const maxAnswerBytes = 16_000_000;
/** One attempt may take this long before its outcome is unknown. */
const timeoutMs = 30_000;
const maxDescription = 300;
/** The platform turns away clients that do not say who they are in this form. */
const userAgent = 'DiscordBot (https://www.npmjs.com/package/open-clanker, 1)';

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** HTTP status; 0 when there was no answer. */
  status: number;
  /** Discord's own code; 0 when the answer was not Discord's. */
  code: number;
  /** In the platform's or the system's words; never holds a token. */
  description: string;
  /** Whether Discord may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
  /** What a rate limit asks to wait, told by Discord or known before. */
  wait: Wait | null;
}

export type ApiOutcome<T> = { ok: true; result: T } | ApiFailure;

export interface Call {
  method: HttpRequest['method'];
  /** Below the version: `/users/@me`. */
  path: string;
  /** Paths that share a limit; default method and path. */
  route?: string;
  body?: object | Form;
  /** The address itself is the permission, as of interactions. */
  anonymous?: boolean;
  signal: AbortSignal;
}

export class DiscordApi {
  readonly #http: HttpClient;
  readonly #token: Secret;
  readonly #root: string;
  readonly #limits: RateLimits;

  /** `root`: `https://discord.com/api` or a server of one's own, with or without the version. */
  constructor(http: HttpClient, root: string, token: Secret, limits = new RateLimits()) {
    this.#http = http;
    this.#token = token;
    this.#root = root.replace(/\/+$/, '').replace(/\/v\d+$/, '');
    this.#limits = limits;
  }

  /** One attempt; expected failures are values. The result has the shape the caller names, unchecked. */
  async call<T>({ method, path, route = `${method} ${path}`, body, anonymous, signal }: Call): Promise<ApiOutcome<T>> {
    const wait = this.#limits.wait(route);
    // Interactions are outside of the account's limit.
    if (wait !== null && !(anonymous === true && wait.scope === 'account')) {
      return { ...failure(429, `a limit of Discord holds for ${wait.ms} ms more`, 'no'), wait };
    }
    const form = body !== undefined && 'contentType' in body ? body : null;
    let status = 0;
    try {
      const response = await this.#http.request({
        method,
        url: `${this.#root}/${version}${path}`,
        headers: {
          'user-agent': userAgent,
          ...(anonymous === true ? {} : { authorization: `Bot ${this.#token.reveal()}` }),
          ...(body === undefined ? {} : { 'content-type': form?.contentType ?? 'application/json' }),
        },
        ...(body === undefined ? {} : { body: form?.body ?? JSON.stringify(body) }),
        signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      });
      status = response.status;
      return this.#read<T>(route, response, await readBody(response, maxAnswerBytes));
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      return failure(status, this.#clean(`${method} failed: ${error.code}`), error.accepted);
    }
  }

  /** The bytes of a file people attached; its address carries its permission and is shown to nobody. */
  file(url: string, signal: AbortSignal): Promise<HttpResponse> {
    return this.#http.request({ method: 'GET', url, headers: { 'user-agent': userAgent }, signal });
  }

  /** Where files may be fetched from beside Discord's own hosts. */
  get host(): string {
    return URL.parse(this.#root)?.host ?? '';
  }

  get encrypted(): boolean {
    return this.#root.startsWith('https:');
  }

  #read<T>(route: string, { status, headers }: HttpResponse, bytes: Uint8Array): ApiOutcome<T> {
    let body: unknown;
    try {
      body = bytes.length === 0 ? null : (JSON.parse(new TextDecoder().decode(bytes)) as unknown);
    } catch {
      // Not Discord's: an answer of something between, or one that was cut short.
    }
    const wait = this.#limits.learn(route, status, headers, body);
    if (status >= 200 && status < 300 && body !== undefined) return { ok: true, result: body as T };
    const { code, message } = (body ?? {}) as { code?: unknown; message?: unknown };
    const words = typeof message === 'string' ? message : `HTTP ${status} without an answer of Discord`;
    return {
      ...failure(status, this.#clean(words), status >= 400 && status < 500 ? 'no' : 'maybe'),
      code: typeof code === 'number' ? code : 0,
      wait,
    };
  }

  #clean(words: string): string {
    return words.replaceAll(this.#token.reveal(), '[token]').slice(0, maxDescription);
  }
}

const failure = (status: number, description: string, accepted: 'no' | 'maybe'): ApiFailure => ({
  ok: false,
  status,
  code: 0,
  description,
  accepted,
  wait: null,
});
