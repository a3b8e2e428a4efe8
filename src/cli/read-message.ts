import type { Readable } from 'node:stream';
import { CliError } from './command.ts';

/** Bytes read from standard input; the gateway takes 32,768 characters. */
const maxInputBytes = 256 * 1024;

/** The text after `-m`; `-` reads standard input to its end, without the last line break. */
export async function readMessage(value: string, input: Readable): Promise<string> {
  if (value !== '-') return value;
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxInputBytes) throw new CliError(`The text on standard input is longer than ${maxInputBytes} bytes.`);
    chunks.push(Buffer.from(chunk));
  }
  const text = Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (text.trim() === '') throw new CliError('There is no text on standard input.', 2);
  return text;
}
