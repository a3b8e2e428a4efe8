/**
 * One model call, the part that is the same for every dialect: send, read, translate, and end with exactly one
 * terminal event. A dialect brings the request, a translator of its frames and the reading of its errors.
 */
import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpBody, HttpClient, HttpResponse } from '../../core/ports/http-client.ts';
import type { JsonObject } from '../../core/message.ts';
import type { ModelEvent, ModelRequest, ProviderConfig, Usage } from '../../core/ports/provider.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { failureOf, refusalOf } from './failure.ts';
import type { ErrorDialect, Progress } from './failure.ts';
import { FaultError, badResponse } from './fault.ts';
import { frameReader } from './frame-reader.ts';
import type { FrameReader, Framing, Translator } from './frame-reader.ts';
import { readEnd } from './read-end.ts';
import { estimateUsage } from './usage.ts';

export interface ProviderDeps {
  http: HttpClient;
  clock: Clock;
  log: Log;
}

export interface Call {
  url: string;
  headers: Record<string, string>;
  body: JsonObject;
  framing: 'sse' | 'ndjson';
  translator: Translator;
}

/** One configured provider as the shared code needs it. */
export interface CallContext {
  config: ProviderConfig;
  deps: ProviderDeps;
  errors: ErrorDialect;
}

/** Emits what the one call gives, its terminal event last; see the port for what is promised. */
export async function runCall(
  context: CallContext,
  request: ModelRequest,
  prepare: () => Call,
  signal: AbortSignal,
  emit: (event: ModelEvent) => void,
): Promise<void> {
  const progress: Progress = { answered: false, output: null, requestId: undefined };
  let translator: Translator | null = null;
  let body: HttpBody | null = null;
  let finished = false;
  const deliver = (event: ModelEvent): void => {
    if (finished) return;
    if (signal.aborted) throw new HttpFailure('body', 'maybe', 'aborted', 'The request was aborted.');
    if (event.type === 'finish') {
      finished = true;
      emit({ type: 'usage', usage: translator?.usage ?? estimateUsage(request, progress.output ?? 0) });
    } else progress.output = outputAfter(event, progress.output);
    emit(event);
  };
  try {
    const asked = await ask(prepare, context, signal);
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
    await readUntil(() => finished, body, frameReader(framingOf(response, asked.framing), translator, deliver));
    if (!finished)
      throw new FaultError({ kind: 'stream_incomplete', message: 'The answer ended before it was finished.' });
  } catch (error) {
    // What is broken behind the end of the answer changes nothing.
    if (!finished) {
      if (progress.output !== null) emit({ type: 'usage', usage: brokenUsage(request, progress.output, translator) });
      emit({ type: 'error', error: failureOf(error, progress, context) });
    }
  } finally {
    if (body !== null) {
      if (finished) void readEnd(body, context.deps.clock);
      else body.close();
    }
  }
}

function readUntil(over: () => boolean, body: HttpBody, reader: FrameReader): Promise<void> {
  const take = (chunk: Uint8Array): boolean => {
    reader.push(chunk);
    return !over();
  };
  const end = (): void => {
    if (!over()) reader.end(false);
  };
  return body.read(take).then(end, (error: unknown) => {
    // The terminal evidence may have come before the connection broke.
    if (error instanceof HttpFailure && error.code !== 'aborted') reader.end(true);
    throw error;
  });
}

interface Asked {
  translator: Translator;
  framing: Call['framing'];
  response: HttpResponse;
}

/** Of the request only this is kept while it is answered: its body is the largest thing of a call. */
function ask(prepare: () => Call, { config, deps }: CallContext, signal: AbortSignal): Promise<Asked> {
  const { url, headers, body, framing, translator } = prepare();
  const answered = deps.http.request({
    method: 'POST',
    url,
    headers: { ...headers, ...config.headers, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal,
  });
  return answered.then((response) => ({ translator, framing, response }));
}

function framingOf(response: HttpResponse, framing: Call['framing']): Framing {
  const type = response.headers['content-type'] ?? '';
  if (type.startsWith('text/html')) throw badResponse('The answer is a web page; is base_url right?');
  return framing === 'sse' && type.startsWith('application/json') ? 'whole' : framing;
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

/** What an answer that broke off has cost: reported where it was, counted by us for the rest. */
function brokenUsage(request: ModelRequest, output: number, translator: Translator | null): Usage {
  const estimate = estimateUsage(request, output);
  const reported = translator?.usage;
  if (!reported) return estimate;
  return { ...reported, output: Math.max(reported.output, estimate.output), estimated: true };
}
