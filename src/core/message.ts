/** What people, models and channels say to each other: the words of the whole product. Plain serialisable data. */
import type { RichText } from './rich-text.ts';

/** A place on a channel where messages flow; minted only by its channel. `account` is one bot identity (`main`). */
export interface ConversationRef {
  channel: string;
  account: string;
  /** The platform's own id of the chat. */
  native: string;
  /** The platform's own id of the topic or thread inside the chat. */
  thread?: string;
}

/** One native message on a platform. */
export interface MessageRef {
  conversation: ConversationRef;
  native: string;
}

/** A file a person attached: `id` is ours once it is stored, `native` the platform's handle before that. */
export interface Attachment {
  id?: string;
  native?: string;
  mimeType: string;
  size?: number;
  name?: string;
  /** Why it could not be fetched, in words. */
  problem?: string;
  /** It is no file but words of others that came along, such as a page; `outside`: where they come from. */
  quoted?: { text: string; outside: string };
}

/** Pressing it is the same as sending its command: `/name argument`, at most 64 bytes. */
export interface Button {
  label: string;
  command: string;
}

/** A stored file that is sent as a message of its own; the text is its caption. */
export interface OutboundFile {
  /** Our id. */
  id: string;
  mimeType: string;
  size: number;
  name?: string;
}

/** What one message of ours says. */
export interface OutboundBody extends RichText {
  buttons?: Button[];
  file?: OutboundFile;
  /** Holds a secret such as a one-time code: the store forgets the text once its delivery has ended. */
  sensitive?: true;
}

export type Role = 'user' | 'assistant' | 'tool' | 'system';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

export type Part =
  /**
   * `by`: in a group who wrote it, `channel:account:native`. `outside`: somebody else than who sent it wrote it, and
   * where it came from (`forwarded`, `web page`); models are shown it fenced.
   */
  | { type: 'text'; text: string; by?: string; outside?: string }
  | { type: 'file'; file: string; mimeType: string; name?: string }
  /** Thinking of a model. `replay` is the dialect's own opaque form (signatures, encrypted items), sent back verbatim. */
  | { type: 'reasoning'; text: string; dialect?: string; replay?: JsonValue }
  | { type: 'tool_call'; id: string; name: string; args: JsonObject }
  /** `file`: where the whole of a result is kept whose text was cut. `outside` as of a text. */
  | {
      type: 'tool_result';
      callId: string;
      name: string;
      text: string;
      isError: boolean;
      outside?: string;
      file?: string;
    };

/** One entry of a session. Sessions are append-only: `seq` counts from 1 without holes. */
export interface Message {
  id: string;
  sessionKey: string;
  seq: number;
  role: Role;
  parts: Part[];
  /** Display name of who wrote it, or the model as `provider/model`. */
  author: string | null;
  runId: string | null;
  /** Milliseconds since the epoch; order is `seq`, never time. */
  time: number;
}

/** An inbound message, as far as the history keeps it. */
interface Said {
  text: string;
  attachments: readonly Attachment[];
  channel: string;
  account: string;
  sender: { native: string };
  chatType: 'direct' | 'group';
  outside: string | null;
}

/** What a message of a person looks like in the history; a file that could not be fetched leaves words. */
export const partsOf = ({ text, attachments, outside, ...row }: Said): Part[] => [
  {
    type: 'text',
    text,
    ...(row.chatType === 'group' ? { by: `${row.channel}:${row.account}:${row.sender.native}` } : {}),
    ...(outside === null ? {} : { outside }),
  },
  ...attachments.flatMap(({ id, mimeType, name, problem, quoted }): Part[] => {
    if (quoted !== undefined) return [{ type: 'text', text: `\n\n${quoted.text}`, outside: quoted.outside }];
    if (id !== undefined) return [{ type: 'file', file: id, mimeType, ...(name === undefined ? {} : { name }) }];
    return problem === undefined ? [] : [{ type: 'text', text: `\n[attached file ${name ?? mimeType}: ${problem}]` }];
  }),
];

/** The text of a message: its text parts joined by nothing. */
export function textOf(parts: readonly Part[]): string {
  let text = '';
  for (const part of parts) if (part.type === 'text') text += part.text;
  return text;
}
