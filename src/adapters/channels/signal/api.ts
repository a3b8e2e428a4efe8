/** A small client of signal-cli's HTTP daemon: JSON-RPC, one request, one typed outcome, no retry. https://github.com/AsamK/signal-cli/blob/master/man/signal-cli-jsonrpc.5.adoc */
import { excerpt } from '../../../core/redact.ts';
import type { HttpClient, HttpResponse } from '../../../core/ports/http-client.ts';
import { askJson, field, textField } from '../json-http.ts';

const maxWords = 300;
const maxAnswerBytes = 1_000_000;

/** Why a call did not succeed. */
export interface RpcFailure {
  ok: false;
  /** Of JSON-RPC or of signal-cli; 0 when there was no such answer. */
  code: number;
  /** Of HTTP; 0 when there was no answer. */
  status: number;
  words: string;
  /** What signal-cli adds, such as the result for each recipient. */
  data: unknown;
  /** Whether the daemon may have carried out the call all the same. */
  accepted: 'no' | 'maybe';
}

export type RpcOutcome = { ok: true; result: unknown } | RpcFailure;

export class SignalApi {
  readonly #http: HttpClient;
  readonly #root: string;
  readonly #account: string;
  #id = 0;

  /** `root`: `http://127.0.0.1:8080`; `account`: the registered number. */
  constructor(http: HttpClient, root: string, account: string) {
    this.#http = http;
    this.#root = root.replace(/\/+$/, '');
    this.#account = account;
  }

  async call(
    method: string,
    params: object,
    signal: AbortSignal,
    { timeoutMs, maxBytes = maxAnswerBytes }: { timeoutMs: number; maxBytes?: number },
  ): Promise<RpcOutcome> {
    const answer = await askJson(
      this.#http,
      {
        method: 'POST',
        url: `${this.#root}/api/v1/rpc`,
        body: { jsonrpc: '2.0', id: String(++this.#id), method, params: { account: this.#account, ...params } },
        timeoutMs,
        maxBytes,
      },
      signal,
    );
    const { status, json, failure, accepted } = answer;
    const result = field(json, 'result');
    if (status === 200 && result !== undefined) return { ok: true, result };
    const error = field(json, 'error');
    const code = field(error, 'code');
    const said = failure || textField(error, 'message') || `HTTP ${status} without an answer of signal-cli`;
    return {
      ok: false,
      code: typeof code === 'number' ? code : 0,
      status,
      words: excerpt(said, maxWords),
      data: field(error, 'data'),
      accepted: status >= 400 && status < 500 ? 'no' : accepted,
    };
  }

  /** What comes in, as server-sent events, after the one named if the daemon still has it. Ends with the signal. */
  events(after: string | null, signal: AbortSignal): Promise<HttpResponse> {
    return this.#http.request({
      method: 'GET',
      url: `${this.#root}/api/v1/events?account=${encodeURIComponent(this.#account)}`,
      headers: { accept: 'text/event-stream', ...(after === null ? {} : { 'last-event-id': after }) },
      signal,
    });
  }
}
