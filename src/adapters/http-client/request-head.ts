import { HttpFailure } from '../../core/ports/http-client.ts';
import type { HttpRequest } from '../../core/ports/http-client.ts';

const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const headerValue = /^[\t\x20-\x7e\x80-\xff]*$/;

/** Where a request goes; throws for what is no address, or names a password. */
export function targetOf(text: string): URL {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new HttpFailure('connect', 'no', 'bad_url', 'Only http:// and https:// addresses can be asked.');
  if (url.username !== '' || url.password !== '')
    throw new HttpFailure('connect', 'no', 'bad_url', 'An address to be asked has no user name and no password in it.');
  return url;
}

/**
 * All before the body, in Latin-1. Names are the same in any case, and the last of several counts: two hosts or two
 * lengths are refused everywhere. How the message is framed is not for others to say. Throws for a header that cannot be
 * written, such as one with a line break in it.
 */
export function headOf(url: URL, { method, headers, body }: HttpRequest): string {
  const named = new Map([['host', url.host]]);
  for (const name in headers) named.set(name.toLowerCase(), headers[name] as string);
  named.set('accept-encoding', 'identity');
  for (const framing of ['connection', 'content-length', 'transfer-encoding']) named.delete(framing);
  if (method !== 'GET' || body !== undefined) named.set('content-length', String(Buffer.byteLength(body ?? '')));
  named.set('connection', 'keep-alive');
  let head = `${method} ${url.pathname}${url.search} HTTP/1.1\r\n`;
  for (const [name, value] of named) {
    if (!headerName.test(name)) throw unsendable('a header has no proper name');
    if (!headerValue.test(value)) throw unsendable(`the header ${name} has a character in it that none may have`);
    head += `${name}: ${value}\r\n`;
  }
  return `${head}\r\n`;
}

const unsendable = (why: string): HttpFailure =>
  new HttpFailure('connect', 'no', 'unsendable', `The request cannot be sent: ${why}.`);
