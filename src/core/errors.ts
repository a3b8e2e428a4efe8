/** The small taxonomy every failure of the product belongs to. Adapters translate foreign errors at their edge. */
export type ErrorKind =
  | 'config'
  | 'channel'
  | 'provider'
  | 'network'
  | 'storage'
  | 'auth'
  | 'rate_limited'
  | 'invalid_input'
  | 'not_found'
  | 'conflict';

export interface ErrorOptions {
  /** Default false. True only when the same call may succeed later without a change by the caller. */
  retryable?: boolean;
  /** Milliseconds the caller should wait; never shortened on the way. */
  retryAfterMs?: number;
  cause?: unknown;
}

/**
 * An expected failure. `code` is stable snake_case for programs, `message` is one sentence for a person that says what
 * to do. It never carries a secret, a path of the host, SQL or a stack.
 */
export class ClankerError extends Error {
  override readonly name = 'ClankerError';
  readonly kind: ErrorKind;
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The plain form of an error that crosses a thread, a row or a socket. */
export interface ErrorData {
  kind: ErrorKind;
  code: string;
  message: string;
  retryable: boolean;
  retryAfterMs?: number;
}

export function errorData(error: unknown): ErrorData {
  if (error instanceof ClankerError) {
    const { kind, code, message, retryable, retryAfterMs } = error;
    return { kind, code, message, retryable, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) };
  }
  return {
    kind: 'storage',
    code: 'internal',
    message: 'Something went wrong inside the gateway; the log has the details.',
    retryable: false,
  };
}

/** Any failure as one of ours; what nobody expected is told as internal. */
export function asClankerError(error: unknown): ClankerError {
  if (error instanceof ClankerError) return error;
  return new ClankerError('provider', 'internal', errorData(error).message, { cause: error });
}

export function errorFrom(data: ErrorData): ClankerError {
  const { kind, code, message, ...options } = data;
  return new ClankerError(kind, code, message, options);
}

export const invalidInput = (code: string, message: string): ClankerError =>
  new ClankerError('invalid_input', code, message);
export const notFound = (what: string): ClankerError =>
  new ClankerError('not_found', 'not_found', `There is no such ${what}.`);
