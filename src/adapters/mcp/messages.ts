import type { JSONRPCMessage } from '@modelcontextprotocol/client';
import { isObject } from './schema.ts';
import type { Line } from './lines.ts';

/** The largest message that is read: a picture of a page fits, and parsing it holds the process up for milliseconds. */
export const maxMessageBytes = 4 * 1024 * 1024;

/** JSON-RPC's range for errors of an implementation. */
const failed = -32_000;

/** Answers a request in place of a server, so that who waits for it hears why nothing came. */
export const failure = (id: string | number, message: string): JSONRPCMessage => ({
  jsonrpc: '2.0',
  id,
  error: { code: failed, message },
});

const tooLarge = `Its answer is larger than ${maxMessageBytes / 1024 / 1024} MB.`;

/** The messages in a text, several when it is a batch; null when it is none. */
export function messagesOf(text: string): JSONRPCMessage[] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const list: unknown[] = Array.isArray(value) ? value : [value];
  return list.every((message) => isObject(message) && message['jsonrpc'] === '2.0') ? (list as JSONRPCMessage[]) : null;
}

/** The same of a line. One that is too long is told to whoever waits for it, when its ends still say who that is. */
export function messagesOfLine(line: Line): JSONRPCMessage[] | null {
  if ('text' in line) return messagesOf(line.text);
  const { head, tail } = line.tooLong;
  const id =
    /^\{"jsonrpc":"2\.0","id":(\d{1,15}),"result"/.exec(head)?.[1] ??
    /,"id":(\d{1,15})(?:,"jsonrpc":"2\.0")?\}$/.exec(tail)?.[1];
  return id === undefined ? null : [failure(Number(id), tooLarge)];
}
