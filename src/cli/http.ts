/** The one way a command speaks HTTP(S): one request, one connection, bounded, no redirects, no environment proxy. */
import { type IncomingMessage, request as httpRequest } from 'node:http';

export interface HttpCall {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  /** A text is JSON; bytes are what `headers` say. */
  body?: string | Uint8Array;
  /** The longest silence, before the headers and between two chunks. */
  silenceMs: number;
  signal?: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: IncomingMessage['headers'];
  text: string;
}

/** Resolves at the headers; rejects with the system's error (`code`) or one whose code is `TIMEOUT`. */
export async function open(call: HttpCall): Promise<IncomingMessage> {
  const { method, url, headers, body, silenceMs, signal } = call;
  // TLS is slow to load, and most commands talk to this machine without it.
  const send = url.startsWith('https:') ? (await import('node:https')).request : httpRequest;
  return await new Promise((resolve, reject) => {
    const request = send(
      url,
      {
        method,
        agent: false,
        timeout: silenceMs,
        headers: {
          ...headers,
          ...(body === undefined
            ? {}
            : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), ...headers }),
        },
        ...(signal === undefined ? {} : { signal }),
      },
      resolve,
    );
    request.on('timeout', () => request.destroy(Object.assign(new Error('no answer in time'), { code: 'TIMEOUT' })));
    request.on('error', reject);
    request.end(body);
  });
}

/** The whole answer as text; rejects with code `TOO_LARGE` past `maxBytes`. */
export async function exchange(call: HttpCall, maxBytes: number): Promise<HttpAnswer> {
  const response = await open(call);
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBytes) throw Object.assign(new Error(`more than ${maxBytes} bytes`), { code: 'TOO_LARGE' });
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, headers: response.headers, text: Buffer.concat(chunks).toString('utf8') };
}

/** True when the peer could not prove who it is. */
export const isCertificateFailure = (code: string): boolean => /CERT|SELF_SIGNED|ALTNAME/.test(code);

/** The system's code of a failed request (`ECONNREFUSED`), or its message. */
export function failureCode(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message;
}
