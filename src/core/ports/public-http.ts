/** The way out to addresses that somebody else chose: a model, a chat user, a page. */
export type PublicMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';

export interface PublicRequest {
  method: PublicMethod;
  /** As it was written: what stands in it is judged before anything is resolved or sent. */
  url: string;
  /** Sent to the first origin only; names in any case. */
  headers?: Record<string, string>;
  body?: string | Uint8Array;
  /** Milliseconds for everything: names, redirects, the whole body. */
  timeoutMs: number;
  /** The most of the body once it is decompressed, in bytes. */
  maxBytes: number;
  /** Whether the addresses that the operator listed by host and port may be asked although they are private. */
  mayReachPrivate: boolean;
  signal: AbortSignal;
}

export interface PublicResponse {
  status: number;
  /** Where the answer came from, after redirects. */
  url: string;
  /** Lower-case names; those of the transfer and cookies are left out. */
  headers: Record<string, string>;
  /** Decompressed, read once, at most `maxBytes`; throws HttpFailure. Leaving the loop early frees the socket. */
  body: AsyncIterable<Uint8Array>;
}

/**
 * Never reaches anything but the public internet, however an address is spelled, resolved or redirected to. Throws
 * HttpFailure; its codes beside those of the network, each with a sentence for the model: `invalid_url`,
 * `blocked_port`, `blocked_host`, `not_public`, `not_allowed`, `too_many_redirects`, `refused_redirect`, `too_large`,
 * `timed_out`, `bad_encoding`, `busy`.
 */
export interface PublicHttpClient {
  request(request: PublicRequest): Promise<PublicResponse>;
}
