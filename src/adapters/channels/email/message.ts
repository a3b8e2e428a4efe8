/** A part as a mail. Everything in its header is ours, or was made harmless: no word of anybody can add a line to it. */
import MailComposer from 'nodemailer/lib/mail-composer';
import type { OutboundPart } from '../../../core/ports/channel.ts';
import { renderHtml, renderPlain } from './render.ts';
import { chainTo } from './threads.ts';
import type { Answered } from './threads.ts';

const maxSubject = 200;
const maxOpening = 70;
const maxName = 128;

export interface Frame {
  from: string;
  messageId: string;
  /** The mail that is answered; null for one of our own accord. */
  answered: Answered | null;
  /** Milliseconds since the epoch. */
  now: number;
}

export async function composeMail(part: OutboundPart, { from, messageId, answered, now }: Frame): Promise<Uint8Array> {
  const { body, file, conversation } = part;
  const described = body.file;
  const mail = new MailComposer({
    from: { name: '', address: from },
    to: { name: '', address: conversation.native },
    subject: subjectOf(body.text, answered),
    messageId,
    date: new Date(now),
    ...(answered === null ? {} : { inReplyTo: answered.messageId, references: chainTo(answered) }),
    headers: {
      // RFC 3834; the second one keeps Exchange from answering with an absence note.
      'Auto-Submitted': answered === null ? 'auto-generated' : 'auto-replied',
      'X-Auto-Response-Suppress': 'All',
    },
    text: renderPlain(body),
    html: renderHtml(body),
    ...(file === undefined || described === undefined
      ? {}
      : {
          attachments: [
            {
              filename: fileName(described.name),
              content: Buffer.from(file.buffer, file.byteOffset, file.byteLength),
              contentType: mediaType(described.mimeType),
            },
          ],
        }),
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  return mail.compile().build();
}

/** `Re: …` as a person would write it; without a subject to answer, the first words of the text. */
function subjectOf(text: string, answered: Answered | null): string {
  const asked = oneLine(answered?.subject ?? '', maxSubject).replace(/^((re|aw|sv|antw|rif)\s*:\s*)+/i, '');
  if (asked !== '') return `Re: ${asked}`;
  const first = oneLine(text.trim().split('\n')[0] ?? '', 2 * maxOpening);
  if (first.length <= maxOpening) return first;
  return `${first.slice(0, maxOpening).replace(/\s+\S*$/, '')}…`.toWellFormed();
}

const fileName = (name: string | undefined): string =>
  oneLine(name ?? '', maxName).replaceAll(/[/\\"]/g, '_') || 'file';

const mediaType = (type: string): string =>
  /^[a-z0-9!#$&^_.+-]{1,60}\/[a-z0-9!#$&^_.+-]{1,80}$/i.test(type) ? type : 'application/octet-stream';

const oneLine = (text: string, max: number): string =>
  text
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim()
    .slice(0, max)
    .toWellFormed();
