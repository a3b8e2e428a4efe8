/** The gateway's HTTP API as commands use it. Every failure is a CliError of one line. */
import type { ErrorData } from '../core/errors.ts';
import type { ChatAnswer, Readiness } from '../core/ports/gateway.ts';
import { CliError, type Invocation } from './command.ts';
import { findGateway, type Found } from './find-gateway.ts';
import { exchange, failureCode, type HttpAnswer, isCertificateFailure, open } from './http.ts';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.ts';

const maxAnswerBytes = 32 * 1024 * 1024;
const silenceMs = 30_000;
/** The gateway sends a comment every 15 s while a run is quiet. */
const streamSilenceMs = 60_000;
/** `send` waits for the platform, whose own retries may take a while. */
const deliverySilenceMs = 10 * 60_000;

export type ChatEvent =
  | { type: 'started'; runId: string }
  | { type: 'delta'; text: string }
  /** What was said so far is void: the model is asked again. */
  | { type: 'retrying'; reason: string }
  | { type: 'tool'; tool: string; state: string }
  | { type: 'finished'; answer: ChatAnswer }
  | { type: 'failed'; error: Pick<ErrorData, 'code' | 'message'> };

interface ErrorBody {
  error?: { code?: string; message?: string } | string;
}

export class GatewayClient {
  readonly #found: Found;

  constructor(found: Found) {
    this.#found = found;
  }

  static async of(invocation: Invocation): Promise<GatewayClient> {
    return new GatewayClient(await findGateway(invocation));
  }

  get url(): string {
    return this.#found.url;
  }

  async get<T>(path: string): Promise<T> {
    return this.#parse(await this.#exchange('GET', path)) as T;
  }

  async post<T>(path: string, body?: unknown): Promise<T> {
    return this.#parse(await this.#exchange('POST', path, body)) as T;
  }

  async patch<T>(path: string, body: unknown): Promise<T> {
    return this.#parse(await this.#exchange('PATCH', path, body)) as T;
  }

  async delete<T>(path: string): Promise<T> {
    return this.#parse(await this.#exchange('DELETE', path)) as T;
  }

  /** Says something useful with a 503 too. */
  async readiness(): Promise<Readiness> {
    const answer = await this.#exchange('GET', '/ready');
    if (answer.status !== 200 && answer.status !== 503) throw this.#refusal(answer);
    return this.#json(answer) as Readiness;
  }

  /** Talks and listens; ends after `finished` or `failed`. Aborting the signal leaves, which aborts the run. */
  async *chat(request: { text: string; session: string }, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const response = await this.#reach(
      open({
        method: 'POST',
        url: `${this.#found.url}/api/v1/chat`,
        headers: { ...this.#headers(), accept: 'text/event-stream' },
        body: JSON.stringify({ ...request, stream: true }),
        silenceMs: streamSilenceMs,
        signal,
      }),
    );
    response.setEncoding('utf8');
    if (response.statusCode !== 200) {
      let text = '';
      for await (const piece of response as AsyncIterable<string>) text = (text + piece).slice(0, 65_536);
      throw this.#refusal({ status: response.statusCode ?? 0, headers: response.headers, text });
    }
    try {
      for await (const { event, data } of serverSentEvents(response as AsyncIterable<string>)) {
        const known = chatEvent(event, data);
        if (known !== null) yield known;
        if (known?.type === 'finished' || known?.type === 'failed') return;
      }
    } catch (error) {
      if (signal.aborted) throw error;
      throw new CliError(`The connection to the gateway broke (${failureCode(error)}); ask again.`);
    }
    throw new CliError('The gateway ended the answer early; "open-clanker status" shows whether it runs.');
  }

  async abortRun(runId: string): Promise<void> {
    await this.#exchange('POST', `/api/v1/runs/${encodeURIComponent(runId)}/abort`);
  }

  async deliver<T>(body: unknown): Promise<T> {
    return this.#parse(await this.#exchange('POST', '/api/v1/message?wait=delivered', body, deliverySilenceMs)) as T;
  }

  /** Resolves with the id of the stored file. */
  async upload(bytes: Uint8Array, mimeType: string): Promise<string> {
    const { id } = await this.postBytes<{ id: string }>('/api/v1/files', bytes, mimeType);
    return id;
  }

  async postBytes<T>(path: string, bytes: Uint8Array, mimeType: string): Promise<T> {
    const call = {
      method: 'POST' as const,
      url: this.#found.url + path,
      headers: { ...this.#headers(), 'content-type': mimeType },
      body: bytes,
      silenceMs: deliverySilenceMs,
    };
    return this.#parse(await this.#reach(exchange(call, maxAnswerBytes))) as T;
  }

  /** Waits as long as it takes: what is asked for may be much work. */
  async postPatiently<T>(path: string, body?: unknown): Promise<T> {
    return this.#parse(await this.#exchange('POST', path, body, deliverySilenceMs)) as T;
  }

  /** Events as they come, until the gateway ends them or is gone; `lastId` as in Last-Event-ID. */
  async *events(path: string, lastId: string | null, signal: AbortSignal): AsyncGenerator<ServerSentEvent> {
    const response = await this.#reach(
      open({
        method: 'GET',
        url: this.#found.url + path,
        headers: { ...this.#headers(), ...(lastId === null ? {} : { 'last-event-id': lastId }) },
        silenceMs: streamSilenceMs,
        signal,
      }),
    );
    response.setEncoding('utf8');
    const pieces = response as AsyncIterable<string>;
    if (response.statusCode !== 200) {
      let text = '';
      for await (const piece of pieces) text = (text + piece).slice(0, 65_536);
      throw this.#refusal({ status: response.statusCode ?? 0, headers: response.headers, text });
    }
    try {
      yield* serverSentEvents(pieces);
    } catch (error) {
      if (signal.aborted) throw error;
    }
  }

  /** The lines of an answer, one at a time. */
  async *lines(path: string): AsyncGenerator<string> {
    const url = this.#found.url + path;
    const call = { method: 'GET' as const, url, headers: this.#headers(), silenceMs: deliverySilenceMs };
    const response = await this.#reach(open(call));
    response.setEncoding('utf8');
    const pieces = response as AsyncIterable<string>;
    if (response.statusCode !== 200) {
      let text = '';
      for await (const piece of pieces) text = (text + piece).slice(0, 65_536);
      throw this.#refusal({ status: response.statusCode ?? 0, headers: response.headers, text });
    }
    let rest = '';
    try {
      for await (const piece of pieces) {
        const found = (rest + piece).split('\n');
        rest = found.pop() ?? '';
        yield* found;
      }
    } catch (error) {
      throw new CliError(`The connection to the gateway broke (${failureCode(error)}); try again.`);
    }
  }

  #headers(): Record<string, string> {
    return this.#found.token === null ? {} : { authorization: `Bearer ${this.#found.token}` };
  }

  async #exchange(
    method: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    path: string,
    body?: unknown,
    wait = silenceMs,
  ): Promise<HttpAnswer> {
    const call = {
      method,
      url: this.#found.url + path,
      headers: this.#headers(),
      silenceMs: wait,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    };
    return this.#reach(exchange(call, maxAnswerBytes));
  }

  #parse(answer: HttpAnswer): unknown {
    if (answer.status < 200 || answer.status > 299) throw this.#refusal(answer);
    return answer.text === '' ? {} : this.#json(answer);
  }

  #json({ text }: HttpAnswer): unknown {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      throw new CliError(`What answers at ${this.#found.url} is no Open Clanker gateway; check the address.`);
    }
  }

  #refusal({ status, text }: HttpAnswer): CliError {
    let said = '';
    try {
      const { error } = JSON.parse(text) as ErrorBody;
      said = (typeof error === 'string' ? error : error?.message) ?? '';
    } catch {
      // Not JSON: the status must do.
    }
    if (status === 401) {
      const { token, url } = this.#found;
      const why = token === null ? 'No token was found for' : 'The token was refused by';
      return new CliError(
        `${why} the gateway at ${url}. ` +
          'Give one with --token-file or OPEN_CLANKER_TOKEN, or run the command as the user who runs the gateway.',
      );
    }
    // What the gateway calls wrong input is wrong use here, as it is for what is found wrong without asking it.
    return new CliError(
      said === '' ? `The gateway at ${this.#found.url} answered ${status}.` : said,
      status === 400 ? 2 : 1,
    );
  }

  async #reach<T>(request: Promise<T>): Promise<T> {
    try {
      return await request;
    } catch (error) {
      const code = failureCode(error);
      if (code === 'ABORT_ERR') throw error;
      if (code === 'ECONNREFUSED' && !this.#found.named) throw new NoGateway();
      if (code === 'TOO_LARGE') throw new CliError('The answer is too large; ask for less with --limit.');
      if (isCertificateFailure(code)) {
        throw new CliError(
          `The certificate of ${this.#found.url} is not trusted (${code}); ` +
            'name its authority with NODE_EXTRA_CA_CERTS=FILE.',
        );
      }
      throw new Unreachable(`No gateway answers at ${this.#found.url} (${code}); check the address and that it runs.`);
    }
  }
}

/** Nobody answers there, now. */
export class Unreachable extends CliError {}

export class NoGateway extends Unreachable {
  constructor() {
    super('No gateway is running: start it with `open-clanker gateway`.');
  }
}

/** Unknown events are skipped: a newer gateway may send more. */
function chatEvent(event: string, data: string): ChatEvent | null {
  const body = JSON.parse(data) as Record<string, unknown>;
  switch (event) {
    case 'run.started':
      return { type: 'started', runId: String(body['run_id']) };
    case 'run.delta':
      return { type: 'delta', text: String(body['text']) };
    case 'run.retrying':
      return { type: 'retrying', reason: String(body['reason']) };
    case 'run.tool':
      return { type: 'tool', tool: String(body['tool']), state: String(body['state']) };
    case 'run.finished':
      return { type: 'finished', answer: body as unknown as ChatAnswer };
    case 'run.failed':
      return { type: 'failed', error: body['error'] as Pick<ErrorData, 'code' | 'message'> };
    default:
      return null;
  }
}
