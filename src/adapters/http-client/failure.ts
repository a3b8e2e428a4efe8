import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpPhase } from '../../core/ports/http-client.ts';

/** What Node's and OpenSSL's codes mean to the person who has to mend it. */
const reasons: Record<string, string> = {
  ENOTFOUND: 'the name cannot be resolved',
  EAI_AGAIN: 'the name server does not answer',
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was closed while the request was being sent',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'the network cannot be reached',
  CERT_HAS_EXPIRED: 'its TLS certificate has expired',
  CERT_NOT_YET_VALID: 'its TLS certificate is not valid yet; is the clock right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its TLS certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its TLS certificate is self-signed; NODE_EXTRA_CA_CERTS can add a private authority',
  SELF_SIGNED_CERT_IN_CHAIN:
    'its TLS certificate comes from an unknown authority; NODE_EXTRA_CA_CERTS can add a private authority',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'its TLS certificate comes from an unknown authority; NODE_EXTRA_CA_CERTS can add a private authority',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    'its TLS certificate comes from an unknown authority; NODE_EXTRA_CA_CERTS can add a private authority',
  EPROTO: 'it does not speak TLS on that port',
  ERR_SSL_WRONG_VERSION_NUMBER: 'it does not speak TLS on that port',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'it does not speak TLS on that port',
  HPE_HEADER_OVERFLOW: 'the headers of its answer are too large',
};

/** The first code found in an error, its causes, or the attempts it sums up (one per address of a name). */
function codeOf(error: Error): string {
  const { code, errors } = error as Error & { code?: unknown; errors?: unknown };
  if (typeof code === 'string') return code;
  const first: unknown = Array.isArray(errors) ? errors[0] : error.cause;
  return first instanceof Error ? codeOf(first) : 'unknown';
}

function reasonOf(code: string): string {
  return (
    reasons[code] ?? (code.startsWith('HPE_') ? 'its answer is not valid HTTP' : `the connection failed (${code})`)
  );
}

/** Before the headers of the answer. Once connected, Node has begun to write: the peer may have seen the request. */
export function requestFailure(error: Error, phase: HttpPhase, origin: string): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const code = codeOf(error);
  const accepted = phase === 'connect' ? 'no' : 'maybe';
  return new HttpFailure(phase, accepted, code, `No answer from ${origin}: ${reasonOf(code)}.`);
}

export function bodyFailure(error: Error): HttpFailure {
  if (error instanceof HttpFailure) return error;
  const code = codeOf(error);
  return new HttpFailure('body', 'maybe', code, `The answer was cut off: ${reasonOf(code)}.`);
}

export function aborted(phase: HttpPhase): HttpFailure {
  return new HttpFailure(phase, phase === 'connect' ? 'no' : 'maybe', 'aborted', 'The request was aborted.');
}
