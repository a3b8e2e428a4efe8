/** What a mailbox holds, translated once. Every word of a mail was written by somebody we may not know. */
import PostalMime from 'postal-mime';
import type { Attachment } from '../../../core/message.ts';
import type { InboundEvent } from '../../../core/ports/channel.ts';
import { authenticity } from './authentication.ts';
import { automaticReason } from './automatic.ts';
import { messageIds, words, writerOf } from './headers.ts';
import type { Headers } from './headers.ts';
import { htmlText } from './html-text.ts';
import { newWords } from './reply-text.ts';
import { digest, threadingOf } from './threads.ts';
import type { Threading } from './threads.ts';
import type { FilePart, TextPart } from './structure.ts';

/** Of each part of text so much is fetched, as it is encoded; more than any model is asked at once. */
export const maxTextBytes = 262_144;
const maxText = 100_000;

export interface Mailbox {
  account: string;
  /** Ours, plain. */
  address: string;
  uidValidity: string;
}

export interface MailFacts {
  uid: number;
  /** When the server received it, milliseconds since the epoch. */
  receivedAt: number;
  headers: Headers;
}

export interface SenderRules {
  /** Whether a sender the server calls doubtful is believed all the same. */
  believeAll: boolean;
  /** The name of the server whose verdict counts; null: whoever wrote the topmost one. */
  trusted: string | null;
}

/** Who wrote, in which thread, and whether it is for us at all; nothing but the header is needed for that. */
export type Opened =
  | { take: true; sender: InboundEvent['sender']; threading: Threading; checked: boolean }
  /** Our own, or nothing that can be answered. `detail` is null when that is no news to anybody. */
  | { take: false; detail: string | null };

export function open({ uid, headers }: MailFacts, mailbox: Mailbox, rules: SenderRules): Opened {
  const writer = writerOf(headers);
  if (writer === null) return { take: false, detail: `mail ${uid} has not exactly one sender` };
  const { address, display } = writer;
  if (address === mailbox.address) return { take: false, detail: null };
  const automatic = automaticReason(headers, address) !== null;
  const proof = authenticity({ headers: headers.all('authentication-results'), from: address, trusted: rules.trusted });
  if (proof.verdict === 'doubtful' && !rules.believeAll) {
    // Programs often prove nothing, which is no news; but whom they name must not be taken for who writes so much.
    if (automatic) return { take: false, detail: null };
    const detail = `mail ${uid} is not answered, as it is not proved that ${address} wrote it (${proof.detail})`;
    return { take: false, detail };
  }
  const domain = mailbox.address.slice(mailbox.address.lastIndexOf('@') + 1);
  const threading = threadingOf(headers, domain, fallbackId(mailbox, uid), words(headers.first('subject')));
  const sender = { native: address, display, isBot: automatic };
  return { take: true, sender, threading, checked: proof.verdict !== 'unknown' };
}

/** The event of a mail that was opened, with its words and the files it carries. */
export function eventOf(
  { uid, receivedAt, headers }: MailFacts,
  { sender, threading }: Extract<Opened, { take: true }>,
  mailbox: Mailbox,
  content: { text: string; files: readonly FilePart[] },
): InboundEvent {
  const { thread, messageId, references, subject } = threading;
  const text = newWords(content.text).slice(0, maxText);
  // The subject of a first mail is often half of the question; a command stays one.
  const opening = references.length === 0 && subject !== '' && !/^\s*\//.test(text) && !text.includes(subject);
  return {
    dedupe: dedupeOf(sender.native, messageIds(headers.first('message-id'))[0] ?? null, mailbox, uid),
    kind: 'message',
    conversation: {
      channel: 'email',
      account: mailbox.account,
      native: sender.native,
      ...(thread === undefined ? {} : { thread }),
    },
    native: messageId,
    sender,
    chat: { type: 'direct', addressed: true },
    text: (opening ? `${subject}\n\n${text}` : text).trim().toWellFormed(),
    attachments: content.files.map((file) => attachmentOf(file, mailbox, uid)),
    occurredAt: receivedAt,
  };
}

/**
 * Message-IDs survive when a server numbers its mails anew. The sender is part of the key, so that nobody can keep the
 * mail of another away by writing first under its id.
 */
const dedupeOf = (sender: string, messageId: string | null, mailbox: Mailbox, uid: number): string =>
  messageId === null ? `uid:${mailbox.uidValidity}:${uid}` : `mid:${digest(`${sender}\n${messageId}`)}`;

const fallbackId = ({ uidValidity, address }: Mailbox, uid: number): string => `<${uidValidity}.${uid}.${address}>`;

const attachmentOf = ({ part, mimeType, size, name }: FilePart, { uidValidity }: Mailbox, uid: number): Attachment => ({
  native: `${uidValidity}:${uid}:${part}`,
  mimeType,
  ...(size === null ? {} : { size }),
  ...(name === null ? {} : { name }),
});

/** Where an attachment lies, or null for what is no handle of this channel. */
export function attachmentPlace(native: string | undefined): { uidValidity: string; uid: number; part: string } | null {
  const [, uidValidity, uid, part] = /^(\d{1,20}):(\d{1,10}):(\d{1,4}(?:\.\d{1,4}){0,19})$/.exec(native ?? '') ?? [];
  return uidValidity === undefined || part === undefined ? null : { uidValidity, uid: Number(uid), part };
}

/** The text of one part; bytes that its charset does not know are replaced, never refused. */
export async function decodeText(part: TextPart, bytes: Uint8Array): Promise<string> {
  const flowed = part.flowed ? `; format=flowed${part.delSp ? '; delsp=yes' : ''}` : '';
  const head = `Content-Type: text/plain; charset=${part.charset}${flowed}\r\nContent-Transfer-Encoding: ${part.encoding}\r\n\r\n`;
  const mail = Buffer.concat([Buffer.from(head, 'latin1'), bytes.subarray(0, maxTextBytes)]);
  const { text = '' } = await PostalMime.parse(mail, { maxNestingDepth: 1 });
  return part.kind === 'html' ? htmlText(text) : text;
}
