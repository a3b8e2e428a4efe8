/** A small client of the Telegram Bot API: one request, one typed outcome, no retry. https://core.telegram.org/bots/api */
import { HttpFailure, readBody } from '../../../core/ports/http-client.ts';
import type { HttpClient, HttpResponse } from '../../../core/ports/http-client.ts';
import type { Secret } from '../../../core/secret.ts';
import { multipart } from '../multipart.ts';
import type { FormFile } from '../multipart.ts';

/** An answer is cut off here; a full batch of 100 updates stays far below. */
const maxAnswerBytes = 16_000_000;
/** Words of the platform that may reach a person or a log. */
const maxDescription = 300;

/** Why a call did not succeed. */
export interface ApiFailure {
  ok: false;
  /** Telegram's error code, or the HTTP status of an answer that is not Telegram's; 0 when there was no answer. */
  code: number;
  /** In the platform's or the system's words; never holds the token. */
  description: string;
  /** Whether Telegram may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
  retryAfterMs: number | null;
  /** The id that a group has since it became a supergroup. */
  migratedTo: string | null;
  /** Something between us and Telegram answered, such as a proxy whose server is away. */
  foreign: boolean;
  /** The answer was larger than we take. */
  tooLarge: boolean;
}

export type ApiOutcome<T> = { ok: true; result: T } | ApiFailure;

/** The body of every answer; anything else is not from Telegram. */
interface Answer {
  ok?: unknown;
  result?: unknown;
  error_code?: unknown;
  description?: unknown;
  parameters?: { retry_after?: unknown; migrate_to_chat_id?: unknown } | null;
}

export class TelegramApi {
  readonly #http: HttpClient;
  readonly #root: string;
  readonly #token: Secret;

  /** `root`: `https://api.telegram.org` or a server of one's own. */
  constructor(http: HttpClient, root: string, token: Secret) {
    this.#http = http;
    this.#root = root.replace(/\/+$/, '');
    this.#token = token;
  }

  /** One attempt; expected failures are values. The result has the shape the caller names, unchecked. */
  call<T>(method: string, params: object, signal: AbortSignal): Promise<ApiOutcome<T>> {
    return this.#post<T>(method, 'application/json', JSON.stringify(params), signal);
  }

  /** The same with a file: https://core.telegram.org/bots/api#making-requests */
  upload<T>(
    method: string,
    params: Record<string, unknown>,
    file: FormFile,
    signal: AbortSignal,
  ): Promise<ApiOutcome<T>> {
    const fields = Object.entries(params).map(([name, value]): [string, string] => [
      name,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]);
    const { contentType, body } = multipart(Object.fromEntries(fields), [file]);
    return this.#post<T>(method, contentType, body, signal);
  }

  async #post<T>(
    method: string,
    contentType: string,
    body: string | Uint8Array,
    signal: AbortSignal,
  ): Promise<ApiOutcome<T>> {
    let status = 0;
    try {
      const response = await this.#http.request({
        method: 'POST',
        url: `${this.#root}/bot${this.#token.reveal()}/${method}`,
        headers: { 'content-type': contentType },
        body,
        signal,
      });
      status = response.status;
      return this.#read<T>(status, await readBody(response, maxAnswerBytes));
    } catch (error) {
      if (!(error instanceof HttpFailure)) throw error;
      const description = this.#clean(`${method} failed: ${error.code}`);
      return { ...failure(status, description, error.accepted), tooLarge: error.code === 'too_large' };
    }
  }

  /** The bytes of a file that `getFile` named. Its address holds the token and is shown to nobody. */
  file(path: string, signal: AbortSignal): Promise<HttpResponse> {
    const names = path.split('/').filter((name) => name !== '.' && name !== '..');
    const safePath = names.map(encodeURIComponent).join('/');
    return this.#http.request({
      method: 'GET',
      url: `${this.#root}/file/bot${this.#token.reveal()}/${safePath}`,
      signal,
    });
  }

  #read<T>(status: number, body: Uint8Array): ApiOutcome<T> {
    let answer: Answer | null = null;
    try {
      answer = JSON.parse(new TextDecoder().decode(body)) as Answer | null;
    } catch {
      // Not Telegram's: an answer of something between, or one that was cut short.
    }
    if (answer?.ok === true) return { ok: true, result: answer.result as T };
    if (answer?.ok !== false) {
      const accepted = status >= 400 && status < 500 ? 'no' : 'maybe';
      return { ...failure(status, `HTTP ${status} without an answer of Telegram`, accepted), foreign: true };
    }
    const code = typeof answer.error_code === 'number' ? answer.error_code : status;
    const description = typeof answer.description === 'string' ? answer.description : `error ${code}`;
    // Said in both places by Telegram itself, by servers of others perhaps in the words alone.
    const retryAfter = answer.parameters?.retry_after ?? secondsIn(description);
    const migratedTo = answer.parameters?.migrate_to_chat_id;
    return {
      ...failure(code, this.#clean(description), code >= 500 ? 'maybe' : 'no'),
      retryAfterMs: typeof retryAfter === 'number' && retryAfter >= 0 ? Math.ceil(retryAfter * 1000) : null,
      migratedTo: Number.isSafeInteger(migratedTo) ? String(migratedTo) : null,
    };
  }

  #clean(words: string): string {
    return words.replaceAll(this.#token.reveal(), '[token]').slice(0, maxDescription);
  }
}

function secondsIn(description: string): number | null {
  const said = /\bretry after (\d{1,6})\b/i.exec(description)?.[1];
  return said === undefined ? null : Number(said);
}

const failure = (code: number, description: string, accepted: 'no' | 'maybe'): ApiFailure => ({
  ok: false,
  code,
  description,
  accepted,
  retryAfterMs: null,
  migratedTo: null,
  foreign: false,
  tooLarge: false,
});
