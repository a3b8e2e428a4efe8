/** What went wrong with one call, told in the port's terms. */
import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpResponse } from '../../core/ports/http-client.ts';
import type { JsonObject } from '../../core/message.ts';
import type { ProviderConfig, ProviderError, ProviderErrorKind } from '../../core/ports/provider.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { excerpt } from '../../core/redact.ts';
import { acceptedByKind, kindOfReport, kindOfStatus } from './errors.ts';
import type { ReportedError } from './errors.ts';
import { FaultError } from './fault.ts';
import type { Fault } from './fault.ts';
import { tryParseObject } from './json.ts';
import { retryAfterMs } from './retry-after.ts';

/** Of an error body only the beginning is read, and not for long: status and headers say enough without it. */
const maxErrorBytes = 16 * 1024;
const errorBodyMs = 500;
const maxDetailLength = 500;

/** How a dialect writes its errors. */
export interface ErrorDialect {
  /** The error in a body or frame, or null when it holds none. */
  read(body: JsonObject): ReportedError | null;
  /** Its own codes and types where neither status nor words tell the kind. */
  kinds: Readonly<Record<string, ProviderErrorKind>>;
}

/** Where a call stands; what a failure means depends on it. */
export interface Progress {
  /** The headers came, with a status of success. */
  answered: boolean;
  /** Characters of model output so far; null before the first. */
  output: number | null;
  requestId: string | undefined;
}

interface FailureContext {
  config: ProviderConfig;
  deps: { clock: Clock; log: Log };
  errors: ErrorDialect;
}

/** An error that the provider reported inside an answer which began as a success. */
export function reportedFault(errors: ErrorDialect, reported: ReportedError): FaultError {
  const { message, code } = reported;
  return new FaultError({
    kind: kindOfReport(errors.kinds, reported),
    message,
    ...(code === undefined ? {} : { code }),
  });
}

/** An answer whose status is not a success. */
export async function refusalOf(
  response: HttpResponse,
  progress: Progress,
  context: FailureContext,
): Promise<ProviderError> {
  const text = await beginningOf(response, context.deps.clock);
  const body = tryParseObject(text);
  const reported = (body === null ? null : context.errors.read(body)) ?? { message: text.trim() };
  const webPage = body === null && /^\s*<(?:!doctype|html)/i.test(text);
  const kind = webPage && response.status === 404 ? 'bad_response' : kindOfStatus(response.status, reported);
  const wait = retryAfterMs(response.headers, reported.message, context.deps.clock.now());
  return {
    kind,
    status: response.status,
    ...(reported.code === undefined ? {} : { code: reported.code }),
    ...(progress.requestId === undefined ? {} : { requestId: progress.requestId }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    phase: 'headers',
    accepted: acceptedByKind(kind),
    detail: detailOf(`HTTP ${response.status}: ${webPage ? 'a web page' : reported.message}`, context.config),
  };
}

async function beginningOf(response: HttpResponse, clock: Clock): Promise<string> {
  const { body } = response;
  const callOff = clock.after(errorBodyMs, () => body.close());
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  try {
    await body.read((chunk) => {
      chunks.push(chunk);
      bytes += chunk.length;
      return bytes < maxErrorBytes;
    });
    body.close();
  } catch {
    // What came is enough.
  }
  callOff();
  return Buffer.concat(chunks).toString('utf8');
}

/** Anything thrown while a call ran. */
export function failureOf(error: unknown, progress: Progress, context: FailureContext): ProviderError {
  const phase = phaseOf(error, progress);
  const fault = error instanceof HttpFailure ? faultOfHttp(error, progress) : faultOf(error, progress, context);
  const wait =
    fault.kind === 'rate_limited' || fault.kind === 'overloaded' ? retryAfterMs({}, fault.message, 0) : undefined;
  return {
    kind: fault.kind,
    ...(fault.code === undefined ? {} : { code: fault.code }),
    ...(progress.requestId === undefined ? {} : { requestId: progress.requestId }),
    ...(wait === undefined ? {} : { retryAfterMs: wait }),
    phase,
    accepted: acceptedOf(error, fault.kind, phase),
    detail: detailOf(fault.message, context.config),
  };
}

function phaseOf(error: unknown, progress: Progress): ProviderError['phase'] {
  if (progress.output !== null) return 'mid_output';
  if (progress.answered) return 'before_output';
  return error instanceof HttpFailure && error.phase !== 'connect' ? 'headers' : 'connect';
}

function acceptedOf(error: unknown, kind: ProviderErrorKind, phase: ProviderError['phase']): ProviderError['accepted'] {
  if (phase === 'mid_output') return 'yes';
  if (phase === 'connect') return 'no';
  if (error instanceof HttpFailure) return error.accepted;
  return kind === 'stream_incomplete' ? 'maybe' : acceptedByKind(kind);
}

function faultOfHttp(failure: HttpFailure, progress: Progress): Fault {
  const { code, message } = failure;
  const fault = (kind: ProviderErrorKind): Fault => ({ kind, code, message });
  if (code === 'aborted') return fault('aborted');
  if (code === 'bad_url' || code === 'unsendable') return fault('invalid_request');
  if (code === 'encoded' || code === 'bad_upgrade' || code.startsWith('HPE_')) return fault('bad_response');
  return fault(progress.answered ? 'stream_incomplete' : 'network');
}

function faultOf(error: unknown, progress: Progress, { config, deps }: FailureContext): Fault {
  if (error instanceof FaultError) return error.fault;
  deps.log.error('a provider adapter failed', { provider: config.id, error });
  const message = error instanceof Error ? error.message : 'unknown';
  return { kind: progress.answered ? 'bad_response' : 'invalid_request', message };
}

/** Providers echo parts of a key in their errors; neither it nor a whole page belongs into a log. */
function detailOf(text: string, { apiKey }: ProviderConfig): string {
  const key = apiKey?.reveal();
  return excerpt(key === undefined || key === '' ? text : text.replaceAll(key, '[secret]'), maxDetailLength - 1);
}
