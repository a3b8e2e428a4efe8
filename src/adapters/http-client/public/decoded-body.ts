import type { IncomingMessage } from 'node:http';
import { pipeline, Readable } from 'node:stream';
import type { Transform } from 'node:stream';
import zlib from 'node:zlib';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import { bodyFailure } from '../failure.ts';
import { ResponseBody } from '../response-body.ts';

/** What is asked for; `deflate` and `zstd` are understood too when they come unasked. */
export const acceptedEncodings = 'gzip, br';

/** A window of 8 MB, the most that a zstd decoder must support (RFC 8878, 3.1.1.1.2): the sender chooses what we hold. */
const zstdWindowLog = 23;

const decoders: Readonly<Record<string, () => Transform>> = {
  gzip: () => zlib.createGunzip(),
  'x-gzip': () => zlib.createGunzip(),
  deflate: () => zlib.createInflate(),
  br: () => zlib.createBrotliDecompress(),
  zstd: () => zlib.createZstdDecompress({ params: { [zlib.constants.ZSTD_d_windowLogMax]: zstdWindowLog } }),
};

const tooLarge = (maxBytes: number): HttpFailure =>
  new HttpFailure('body', 'maybe', 'too_large', `The answer is larger than ${maxBytes} bytes.`);

/**
 * The body as it was before its encoding, piece by piece. What is counted are the bytes that come out, so that little
 * which unpacks to much ends at `maxBytes`, and those that come in, as much may unpack to nothing. Throws HttpFailure:
 * `too_large`, `bad_encoding`, or what ended the connection.
 */
export function decodedBody(message: IncomingMessage, maxBytes: number): AsyncGenerator<Uint8Array, void> {
  const raw = atMost(bodyOf(message), maxBytes);
  const encoding = (message.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding === 'identity' || encoding === '') return raw;
  const decoder = Object.hasOwn(decoders, encoding) ? decoders[encoding] : undefined;
  if (decoder === undefined) {
    message.destroy();
    throw new HttpFailure('headers', 'maybe', 'bad_encoding', 'The answer is compressed in a way that is not known.');
  }
  return atMost(unpacked(raw, decoder()), maxBytes);
}

function bodyOf(message: IncomingMessage): ResponseBody {
  const body = new ResponseBody({
    pause: () => void message.pause(),
    resume: () => void message.resume(),
    leave: () => void message.destroy(),
  });
  message.on('data', (chunk: Buffer) => body.push(chunk));
  message.on('end', () => body.end());
  message.on('error', (error) => body.fail(bodyFailure(error)));
  message.on('close', () => body.fail(new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.')));
  return body;
}

async function* unpacked(raw: AsyncIterable<Uint8Array>, decoder: Transform): AsyncGenerator<Uint8Array, void> {
  pipeline(Readable.from(raw), decoder, () => undefined);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } catch (error) {
    if (error instanceof HttpFailure) throw error;
    throw new HttpFailure('body', 'maybe', 'bad_encoding', 'The answer is compressed, and damaged.');
  }
}

async function* atMost(chunks: AsyncIterable<Uint8Array>, maxBytes: number): AsyncGenerator<Uint8Array, void> {
  let size = 0;
  for await (const chunk of chunks) {
    size += chunk.length;
    if (size > maxBytes) throw tooLarge(maxBytes);
    yield chunk;
  }
}
