/** A small client of the Cloud API: one request, one typed outcome. https://developers.facebook.com/docs/whatsapp/cloud-api */
import type { HttpClient, HttpResponse } from '../../../core/ports/http-client.ts';
import type { Secret } from '../../../core/secret.ts';
import { askJson, countField, field, textField } from '../json-http.ts';
import type { JsonAnswer, JsonRequest } from '../json-http.ts';
import { multipart } from '../multipart.ts';
import { retryAfterMs } from '../retry-after.ts';

const callTimeoutMs = 30_000;
const uploadTimeoutMs = 120_000;
const maxAnswerBytes = 1_000_000;
/** Words of the platform that may reach a person or a log. */
const maxDescription = 300;

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** The HTTP status; 0 when there was no answer. */
  status: number;
  /** Meta's error code; null when the answer was not Meta's. */
  code: number | null;
  /** In the platform's or the system's words; never holds the token. */
  description: string;
  accepted: 'no' | 'maybe';
  retryAfterMs: number | null;
}

export type ApiOutcome = { ok: true; json: unknown } | ApiFailure;

export interface Upload {
  name: string;
  mimeType: string;
  bytes: Uint8Array;
}

export class WhatsAppApi {
  readonly #http: HttpClient;
  readonly #root: string;
  readonly #number: string;
  readonly #token: Secret;

  /** `root`: `https://graph.facebook.com/v23.0`; `number`: the id of the sending number. */
  constructor(http: HttpClient, { root, number, token }: { root: string; number: string; token: Secret }) {
    this.#http = http;
    this.#root = root.replace(/\/+$/, '');
    this.#number = number;
    this.#token = token;
  }

  /** Sends a message, marks one as read, shows typing: all are posts to one place. */
  post(message: object, signal: AbortSignal): Promise<ApiOutcome> {
    const body = { messaging_product: 'whatsapp', ...message };
    return this.#call({ method: 'POST', path: `${this.#number}/messages`, body }, signal);
  }

  /** The number itself: how it is shown and called. */
  number(signal: AbortSignal): Promise<ApiOutcome> {
    return this.#call({ method: 'GET', path: `${this.#number}?fields=display_phone_number,verified_name` }, signal);
  }

  /** Stores a file for 30 days; its `id` goes into a message. */
  upload({ name, mimeType, bytes }: Upload, signal: AbortSignal): Promise<ApiOutcome> {
    const fields = { messaging_product: 'whatsapp', type: mimeType };
    const { contentType, body } = multipart(fields, [{ field: 'file', name, mimeType, bytes }]);
    const headers = { 'content-type': contentType };
    const request = {
      method: 'POST',
      path: `${this.#number}/media`,
      body,
      headers,
      timeoutMs: uploadTimeoutMs,
    } as const;
    return this.#call(request, signal);
  }

  /** Where the bytes of a received file are: an address that wants our token, good for five minutes. */
  media(id: string, signal: AbortSignal): Promise<ApiOutcome> {
    const path = `${encodeURIComponent(id)}?phone_number_id=${this.#number}`;
    return this.#call({ method: 'GET', path }, signal);
  }

  /** Null when the address is none of Meta's: our token is shown to nobody else. */
  download(address: string, signal: AbortSignal): Promise<HttpResponse> | null {
    const url = URL.parse(address);
    if (url === null || !this.#mayHaveToken(url)) return null;
    return this.#http.request({ method: 'GET', url: address, headers: this.#authorization(), signal });
  }

  #mayHaveToken(url: URL): boolean {
    const metas = /(^|\.)(fbsbx\.com|facebook\.com|whatsapp\.net|fbcdn\.net)$/.test(url.hostname);
    return (url.protocol === 'https:' && metas) || url.origin === new URL(this.#root).origin;
  }

  #authorization(): Record<string, string> {
    return { authorization: `Bearer ${this.#token.reveal()}` };
  }

  async #call(
    { path, headers = {}, ...request }: Partial<JsonRequest> & { method: 'GET' | 'POST'; path: string },
    signal: AbortSignal,
  ): Promise<ApiOutcome> {
    const answer = await askJson(
      this.#http,
      {
        timeoutMs: callTimeoutMs,
        maxBytes: maxAnswerBytes,
        ...request,
        url: `${this.#root}/${path}`,
        headers: { ...headers, ...this.#authorization() },
      },
      signal,
    );
    const { status, json } = answer;
    if (status >= 200 && status < 300 && json !== undefined) return { ok: true, json };
    return this.#failure(answer);
  }

  #failure({ status, headers, json, failure, accepted }: JsonAnswer): ApiFailure {
    const error = field(json, 'error');
    const code = countField(error, 'code') ?? null;
    const said = [textField(error, 'message'), textField(field(error, 'error_data'), 'details')];
    const words = said.filter((each) => each !== undefined).join(': ');
    const description = words !== '' ? words : status === 0 ? `no answer: ${failure}` : `HTTP ${status}`;
    return {
      ok: false,
      status,
      code,
      description: description.replaceAll(this.#token.reveal(), '[token]').slice(0, maxDescription),
      accepted: status === 0 ? accepted : status >= 400 && status < 500 ? 'no' : 'maybe',
      retryAfterMs: retryAfterMs(headers, Date.now()),
    };
  }
}
