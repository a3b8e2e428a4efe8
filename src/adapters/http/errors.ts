import { ClankerError, errorData, type ErrorKind } from '../../core/errors.ts';

/** A request that is refused by the door itself. `close` ends the connection after the answer. */
export class HttpError extends Error {
  override readonly name = 'HttpError';
  readonly status: number;
  readonly code: string;
  readonly headers: Record<string, string>;
  readonly close: boolean;

  constructor(
    status: number,
    code: string,
    message: string,
    options: { headers?: Record<string, string>; close?: boolean } = {},
  ) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = options.headers ?? {};
    this.close = options.close ?? false;
  }
}

/** The shapes an error body has: ours, OpenAI's on `/v1`, and those of the two message routes. */
export type ErrorStyle = 'native' | 'openai' | 'message' | 'message-plain';

const statusOfKind: Record<ErrorKind, number> = {
  config: 422,
  channel: 502,
  provider: 502,
  network: 502,
  storage: 500,
  auth: 403,
  rate_limited: 429,
  invalid_input: 400,
  not_found: 404,
  conflict: 409,
};

/** Codes whose status is more exact than that of their kind. */
const statusOfCode: Record<string, number> = {
  unauthorized: 401,
  too_large: 413,
  type_mismatch: 415,
  timeout: 504,
  provider_unavailable: 503,
  restarting: 503,
  unavailable: 503,
  shutting_down: 503,
  storage_full: 503,
  storage_io: 503,
  storage_closed: 503,
  internal: 500,
};

const defaultRetryAfterMs = 1000;

/** Any failure as what the wire says. What is not a known failure says nothing but `internal`. */
export function httpErrorOf(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  const { kind, code, message, retryAfterMs } = errorData(error);
  const known = error instanceof ClankerError;
  const status = known ? (statusOfCode[code] ?? statusOfKind[kind]) : 500;
  const headers: Record<string, string> = {};
  if (status === 429 || status === 503) {
    headers['Retry-After'] = String(Math.max(1, Math.ceil((retryAfterMs ?? defaultRetryAfterMs) / 1000)));
  }
  if (status === 401) headers['WWW-Authenticate'] = 'Bearer';
  return new HttpError(status, code, message, { headers });
}

export function errorBody(error: HttpError, requestId: string, style: ErrorStyle): unknown {
  const { code, message, status } = error;
  switch (style) {
    case 'openai': {
      const type = status === 401 ? 'authentication_error' : status < 500 ? 'invalid_request_error' : 'server_error';
      return { error: { message, type, param: null, code } };
    }
    case 'message':
      return { success: false, error: { code, message, request_id: requestId } };
    case 'message-plain':
      return { success: false, error: message };
    default:
      return { error: { code, message, request_id: requestId } };
  }
}
