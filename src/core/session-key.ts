import { invalidInput, notFound } from './errors.ts';
import type { ConversationRef } from './message.ts';

const keyPattern = /^[A-Za-z0-9][A-Za-z0-9._:@+-]{0,127}$/;
const maxLength = 128;
const apiPrefix = 'api:';
/** The channel of what jobs and tasks ask the agent. */
export const jobChannel = 'job';
const jobPrefix = `${jobChannel}:` as const;
export const defaultSession = 'main';

/** Checks the form of a session key that came from outside. */
export function parseSessionKey(text: string): string {
  if (!keyPattern.test(text)) {
    throw invalidInput(
      'bad_session',
      'A session key begins with a letter or digit and has at most 128 of A-Z a-z 0-9 . _ : @ + -',
    );
  }
  return text;
}

/**
 * The full key a client of `person` means: `x` and `api:<person>:x` are the same session, another person's key is
 * not found (never "forbidden": no existence oracle). A key of a channel session comes back as it is; whether it
 * exists and is theirs is for the store to say.
 */
export function clientSessionKey(text: string, person: string, channels: ReadonlySet<string>): string {
  const key = parseSessionKey(text);
  if (key.startsWith(`${apiPrefix}${person}:`)) return key;
  if (key.startsWith(apiPrefix)) throw notFound('session');
  if (channels.has(key.split(':', 1)[0] ?? '')) return key;
  return parseSessionKey(`${apiPrefix}${person}:${key}`);
}

/** Whether a full key is that of a session of API clients. */
export const isApiSessionKey = (key: string): boolean => key.startsWith(apiPrefix);

/** Where the questions of a job stand one after the other, or of a task of no job those of its steps. */
export const jobSessionKey = (owner: string, id: string): string => parseSessionKey(`${jobPrefix}${owner}:${id}`);

export const isJobSessionKey = (key: string): key is `${typeof jobPrefix}${string}` => key.startsWith(jobPrefix);

/**
 * The session of a conversation on a channel: `telegram:main:-100123:42`. Characters a key cannot hold become `_xx`,
 * those that need more digits `__xxxx_`, so that no two ids become the same.
 */
export function conversationSessionKey(conversation: ConversationRef): string {
  const { channel, account, native, thread } = conversation;
  const safe = (part: string): string =>
    part.replaceAll(/[^A-Za-z0-9.@+-]/g, (sign) => {
      const code = sign.charCodeAt(0).toString(16).padStart(2, '0');
      return code.length === 2 ? `_${code}` : `__${code}_`;
    });
  const key = [channel, account, native, ...(thread === undefined ? [] : [thread])].map(safe).join(':');
  return parseSessionKey(key.length <= maxLength ? key : `${key.slice(0, maxLength - 17)}.${digest(key)}`);
}

/** 64 bits of FNV-1a as hex: tells apart the few ids (of e-mail threads, of federated rooms) that are too long for a key. */
function digest(text: string): string {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) hash = ((hash ^ BigInt(byte)) * 0x100000001b3n) & (2n ** 64n - 1n);
  return hash.toString(16).padStart(16, '0');
}
