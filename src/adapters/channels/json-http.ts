/** One request to a JSON API and what came back, as a value. No retry; a request ends by itself. */
import { HttpFailure, readBody } from '../../core/ports/http-client.ts';
import type { HttpClient, HttpRequest } from '../../core/ports/http-client.ts';
import { withDeadline } from './deadline.ts';

export interface JsonRequest extends Omit<HttpRequest, 'signal' | 'body'> {
  /** Sent as JSON; bytes go as they are, their type is then the caller's to name. */
  body?: object;
  /** Milliseconds, the answer's body included. */
  timeoutMs: number;
  /** Of the answer. */
  maxBytes: number;
}

export interface JsonAnswer {
  /** 0 when no answer came, or not the whole of it. */
  status: number;
  headers: Record<string, string>;
  /** Undefined when the body is no JSON. */
  json: unknown;
  /** When `status` is 0: the system's code of the failure, such as ECONNREFUSED, `aborted` or `too_large`. */
  failure: string;
  /** Whether the other side may have carried the request out. */
  accepted: 'no' | 'maybe';
}

export async function askJson(http: HttpClient, request: JsonRequest, signal: AbortSignal): Promise<JsonAnswer> {
  const { body, timeoutMs, maxBytes, ...rest } = request;
  const isBytes = body instanceof Uint8Array;
  try {
    return await withDeadline(signal, timeoutMs, async (ending) => {
      const response = await http.request({
        ...rest,
        headers: { ...(body === undefined || isBytes ? {} : { 'content-type': 'application/json' }), ...rest.headers },
        ...(body === undefined ? {} : { body: isBytes ? body : JSON.stringify(body) }),
        signal: ending,
      });
      const bytes = await readBody(response, maxBytes);
      const { status, headers } = response;
      return { status, headers, json: parsed(bytes), failure: '', accepted: 'maybe' as const };
    });
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
    return { status: 0, headers: {}, json: undefined, failure: error.code, accepted: error.accepted };
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch {
    return undefined;
  }
}

/** A field of something that came from outside; undefined when it is not an object or has none. */
export const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;

/** The same as a text. */
export function textField(value: unknown, name: string): string | undefined {
  const found = field(value, name);
  return typeof found === 'string' ? found : undefined;
}

/** The same as a whole number that is no less than 0. */
export function countField(value: unknown, name: string): number | undefined {
  const found = field(value, name);
  return typeof found === 'number' && Number.isSafeInteger(found) && found >= 0 ? found : undefined;
}
