/** What the conformance suite needs of a platform: an emulator, a server of ours, or the scripted one in memory. */
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel } from '../../src/core/ports/channel.ts';

/** Where somebody speaks. Default: person `one` in a direct chat. */
export interface Place {
  sender?: 'one' | 'two';
  chat?: 'direct' | 'group';
  /** In a group: the bot is mentioned. Default true. */
  addressed?: boolean;
}

/**
 * How the platform's next answer to a send goes wrong. `answer_lost`: it takes the message and the connection is cut
 * before its answer; `rate_limited`: it asks for a pause of one second.
 */
export type Fault = 'rate_limited' | 'server_error' | 'answer_lost' | 'forbidden' | 'bad_token';

/** One message of the bot as its reader sees it. */
export interface Shown {
  ref: string;
  /** Without markup: what is read. */
  text: string;
  /** Bytes of the file it carries. */
  file?: Uint8Array;
}

export interface Counterpart {
  /** False for platforms that know no groups. */
  readonly groups: boolean;
  /** The product's channel against this platform, built as compose does. A further one is the same account again. */
  channel(): Promise<Channel>;
  conversation(place?: Place): ConversationRef;
  /** A person writes, with a file when `file` is given. Resolves with the platform's id of the message. */
  say(text: string, place?: Place, file?: Uint8Array): Promise<string>;
  /** What stands in a conversation from the bot now, oldest first. */
  shown(place?: Place): Promise<Shown[]>;
  /** The platform tells the last event once more, as platforms do. */
  repeatLast(): Promise<void>;
  /** The next send or edit goes wrong in this way; false when this platform never does. */
  fault(kind: Fault): boolean;
  /** Sends and edits that reached the platform so far. */
  sends(): number;
  /** Every open connection of the receive side is cut, half of them without a goodbye. Nothing to cut: no-op. */
  dropConnections(): Promise<void>;
  /** Receive connections that are open now (a poll under way, a socket); 0 for platforms that call us. */
  connections(): number;
  /** Secrets that must never show in logs, outcomes or health. */
  secrets: string[];
  close(): Promise<void>;
}
