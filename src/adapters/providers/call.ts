/**
 * One model call, the part that is the same for every dialect: send, read, translate, and end with exactly one
 * terminal event. A dialect brings the request, a translator of its frames and the reading of its errors.
 */
import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpBody, HttpClient, HttpResponse } from '../../core/ports/http-client.ts';
import type { JsonObject } from '../../core/message.ts';
import type { ModelEvent, ProviderConfig } from '../../core/ports/provider.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { failureOf, refusalOf } from './failure.ts';
import type { ErrorDialect, Progress } from './failure.ts';
import { FaultError, badResponse } from './fault.ts';
import { frameReader } from './frame-reader.ts';
import type { FrameReader, Framing, Translator } from './frame-reader.ts';
import { readEnd } from './read-end.ts';

/** UTF-16 units of text, thinking and calls in one answer: several times the longest that any model writes. */
const maxOutputLength = 4 * 1024 * 1024;
/**
 * What may follow the end of an answer follows at once, and some servers then neither say so nor hang up. Silence counts:
 * others give the reason of the end with the first of several calls.
 */
const endingMs = 800;

export interface ProviderDeps {
  http: HttpClient;
  clock: Clock;
  log: Log;
}

export interface Call {
  url: string;
  headers: Record<string, string>;
  body: JsonObject;
  framing: Framing;
  translator: Translator;
}

/** One configured provider as the shared code needs it. */
export interface CallContext {
  config: ProviderConfig;
  deps: ProviderDeps;
  errors: ErrorDialect;
}

/**
 * Emits what the one call gives, its terminal event last; see the port for what is promised. Not an async function: what
 * `prepare` holds, the request, is the largest thing of a call and is let go when it is sent.
 */
export function runCall(
  context: CallContext,
  prepare: () => Call,
  signal: AbortSignal,
  emit: (event: ModelEvent) => void,
): Promise<void> {
  let asked: Promise<Asked>;
  try {
    asked = ask(prepare(), context, signal);
  } catch (error) {
    asked = Promise.reject(error);
  }
  return hearOut(asked, context, signal, emit);
}

interface Asked {
  translator: Translator;
  framing: Framing;
  response: HttpResponse;
}

function ask(
  { url, headers, body, framing, translator }: Call,
  { config, deps }: CallContext,
  signal: AbortSignal,
): Promise<Asked> {
  const answered = deps.http.request({
    method: 'POST',
    url,
    headers: { ...headers, ...config.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  return answered.then((response) => ({ translator, framing, response }));
}

async function hearOut(
  asking: Promise<Asked>,
  context: CallContext,
  signal: AbortSignal,
  emit: (event: ModelEvent) => void,
): Promise<void> {
  const progress: Progress = { answered: false, output: null, requestId: undefined };
  let translator: Translator | null = null;
  let body: HttpBody | null = null;
  let finished = false;
  const tellUsage = (): void => {
    const usage = translator?.usage ?? null;
    if (usage !== null) emit({ type: 'usage', usage });
  };
  const deliver = (event: ModelEvent): void => {
    if (finished) return;
    if (signal.aborted) throw new HttpFailure('body', 'maybe', 'aborted', 'The request was aborted.');
    if (event.type === 'finish') {
      finished = true;
      tellUsage();
    } else {
      progress.output = outputAfter(event, progress.output);
      if ((progress.output ?? 0) > maxOutputLength)
        throw badResponse(`The answer is longer than ${maxOutputLength} characters.`);
    }
    emit(event);
  };
  try {
    const asked = await asking;
    const { response } = asked;
    translator = asked.translator;
    progress.requestId = response.headers['x-request-id'] ?? response.headers['request-id'];
    if (response.status < 200 || response.status > 299) {
      emit({ type: 'error', error: await refusalOf(response, progress, context) });
      return;
    }
    progress.answered = true;
    body = response.body;
    emit({ type: 'start', ...(progress.requestId === undefined ? {} : { requestId: progress.requestId }) });
    await readUntil(() => finished, body, frameReader(asked.framing, translator, deliver), context.deps.clock);
    if (!finished)
      throw new FaultError({ kind: 'stream_incomplete', message: 'The answer ended before it was finished.' });
  } catch (error) {
    // What is broken behind the end of the answer changes nothing.
    if (!finished) {
      if (progress.output !== null) tellUsage();
      emit({ type: 'error', error: failureOf(error, progress, context) });
    }
  } finally {
    if (body !== null) {
      if (finished) void readEnd(body, context.deps.clock);
      else body.close();
    }
  }
}

async function readUntil(over: () => boolean, body: HttpBody, reader: FrameReader, clock: Clock): Promise<void> {
  let callOff = null as (() => void) | null;
  const take = (chunk: Uint8Array): boolean => {
    reader.push(chunk);
    if (reader.ending && !over()) {
      callOff?.();
      callOff = clock.after(endingMs, () => body.close());
    }
    return !over();
  };
  try {
    await body.read(take);
    if (!over()) reader.end(false);
  } catch (error) {
    // The terminal evidence may have come before the connection broke.
    if (error instanceof HttpFailure && error.code !== 'aborted') reader.end(true);
    throw error;
  } finally {
    callOff?.();
  }
}

function outputAfter(event: ModelEvent, before: number | null): number | null {
  switch (event.type) {
    case 'text':
    case 'reasoning':
    case 'tool_delta':
      return (before ?? 0) + event.text.length;
    case 'tool_call':
    case 'tool_invalid':
      return before ?? 0;
    default:
      return before;
  }
}
