import type { IncomingMessage, ServerResponse } from 'node:http';
import { HttpError } from './errors.ts';
import { parseJson } from './json.ts';

const untyped = 'application/octet-stream';
const mediaType = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}$/;

/** JSON in UTF-8, whatever else its parameters say: they mean nothing to it (RFC 8259, section 11). */
function isJson(contentType: string): boolean {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  if (type.trim() !== 'application/json') return false;
  return parameters.every((parameter) => {
    const [name = '', value = ''] = parameter.split('=', 2);
    return name.trim() !== 'charset' || /^"?utf-?8"?$/.test(value.trim());
  });
}

const tooLarge = (maxBytes: number): HttpError =>
  new HttpError(413, 'too_large', `The body may have at most ${maxBytes} bytes.`, { close: true });

export function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** What can be said of a body from its headers, before a byte of it is read. */
function checkHead(request: IncomingMessage, maxBytes: number): void {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpError(415, 'unsupported_encoding', 'Send the body without Content-Encoding.');
  }
  if (Number(request.headers['content-length'] ?? 0) > maxBytes) throw tooLarge(maxBytes);
}

function invite(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined) response.writeContinue();
}

/** Reads and parses a JSON body; 415, 413, 408 or 400 as `HttpError`. */
export async function readJson(
  request: IncomingMessage,
  response: ServerResponse,
  limits: { maxBytes: number; timeoutMs: number },
): Promise<unknown> {
  if (!isJson(request.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'unsupported_media_type', 'Send the body as "Content-Type: application/json" in UTF-8.');
  }
  checkHead(request, limits.maxBytes);
  invite(request, response);
  return parseJson(await collect(request, limits));
}

/** Reads a body of any type as its bytes; 415 (compressed), 413, 408 or 400 as `HttpError`. */
export async function readRaw(
  request: IncomingMessage,
  response: ServerResponse,
  limits: { maxBytes: number; timeoutMs: number },
): Promise<Uint8Array> {
  checkHead(request, limits.maxBytes);
  invite(request, response);
  return collect(request, limits);
}

/** Plain events instead of an async iterator: one body is read per turn of the hot path. */
function collect(request: IncomingMessage, limits: { maxBytes: number; timeoutMs: number }): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const finish = (error: HttpError | null): void => {
      clearTimeout(timer);
      request.removeListener('data', onData).removeListener('end', onEnd).removeListener('close', onClose);
      request.pause();
      if (error === null) resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks, size));
      else reject(error);
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.maxBytes) finish(tooLarge(limits.maxBytes));
      else chunks.push(chunk);
    };
    const onEnd = (): void => finish(null);
    const onClose = (): void => finish(new HttpError(400, 'cut_off', 'The body ended early.', { close: true }));
    const timer = setTimeout(
      () => finish(new HttpError(408, 'timeout', 'The body took too long.', { close: true })),
      limits.timeoutMs,
    );
    request.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

/**
 * The type of an upload without its parameters; `application/octet-stream` when it names none, as curl does that calls
 * every body a form. A form with files in it (`curl -F`) is refused: it would be kept as it is, parts, boundaries and all.
 */
export function uploadType(request: IncomingMessage): string {
  const type = (request.headers['content-type'] ?? untyped).split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!mediaType.test(type))
    throw new HttpError(415, 'unsupported_media_type', 'The Content-Type is not a media type.');
  if (type.startsWith('multipart/'))
    throw new HttpError(
      415,
      'unsupported_media_type',
      'Send the bytes of one file as the body, with its own Content-Type, not a form.',
    );
  return type === 'application/x-www-form-urlencoded' ? untyped : type;
}

/** A raw body as it comes, cut off at `maxBytes` and after `idleMs` of silence. Throws at once when its head is wrong. */
export function readUpload(
  request: IncomingMessage,
  response: ServerResponse,
  limits: { maxBytes: number; idleMs: number },
): AsyncIterable<Uint8Array> {
  checkHead(request, limits.maxBytes);
  invite(request, response);
  return upload(request, limits);
}

async function* upload(
  request: IncomingMessage,
  limits: { maxBytes: number; idleMs: number },
): AsyncGenerator<Uint8Array> {
  // Leaving it must not destroy the socket: a refusal still has to go out on it.
  const chunks = request.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>;
  let size = 0;
  for (let next = await within(chunks, limits.idleMs); !next.done; next = await within(chunks, limits.idleMs)) {
    size += next.value.length;
    if (size > limits.maxBytes) throw tooLarge(limits.maxBytes);
    yield next.value;
  }
  if (!request.complete) throw new HttpError(400, 'cut_off', 'The body ended early.', { close: true });
}

async function within(chunks: AsyncIterator<Buffer>, idleMs: number): Promise<IteratorResult<Buffer>> {
  const { promise: stalled, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new HttpError(408, 'timeout', 'The upload stalled.', { close: true })), idleMs);
  try {
    return await Promise.race([chunks.next(), stalled]);
  } finally {
    clearTimeout(timer);
  }
}
