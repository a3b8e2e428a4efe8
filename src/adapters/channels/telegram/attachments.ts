/** What a message of Telegram carries besides words: files with a handle to fetch them, and things named in brackets. */
import type { Message, PhotoSize, Sticker } from '@grammyjs/types';
import type { Attachment } from '../../../core/message.ts';

const maxName = 128;

interface File {
  file_id: string;
  file_size?: number;
  mime_type?: string;
  file_name?: string;
}

/** In the order of how much they say. An animation comes as a document as well, which is taken once. */
export function attachmentsOf(message: Message): Attachment[] {
  const kinds: [File | undefined, string][] = [
    [largest(message.photo), 'image/jpeg'],
    [message.document, 'application/octet-stream'],
    [message.voice, 'audio/ogg'],
    [message.audio, 'audio/mpeg'],
    [message.video, 'video/mp4'],
    [message.video_note, 'video/mp4'],
    [message.sticker, stickerType(message.sticker)],
  ];
  return kinds.flatMap(([file, mimeType]) =>
    file === undefined
      ? []
      : {
          native: file.file_id,
          mimeType: typeof file.mime_type === 'string' ? file.mime_type : mimeType,
          ...(Number.isSafeInteger(file.file_size) ? { size: Number(file.file_size) } : {}),
          ...(typeof file.file_name === 'string' ? { name: file.file_name.slice(0, maxName) } : {}),
        },
  );
}

/** Telegram lists every size it made of a photo. */
function largest(sizes: PhotoSize[] | undefined): PhotoSize | undefined {
  return sizes?.reduce((a, b) => (b.width * b.height >= a.width * a.height ? b : a));
}

/** https://core.telegram.org/stickers: a picture, a vector animation (gzipped Lottie), or a video. */
function stickerType(sticker: Sticker | undefined): string {
  if (sticker?.is_animated === true) return 'application/x-tgsticker';
  return sticker?.is_video === true ? 'video/webm' : 'image/webp';
}

const contentKinds = (
  'animation photo document voice audio video video_note sticker live_photo paid_media location contact poll dice ' +
  'game story checklist rich_message invoice giveaway'
).split(' ');

/** `[photo]` in place of a text, so that what came is never silence; null for a service message. */
export function placeholderOf(message: Message, attachments: readonly Attachment[]): string | null {
  const fields = message as unknown as Record<string, unknown>;
  const kind = contentKinds.find((name) => fields[name] !== undefined);
  if (message.location) {
    return `[location ${message.location.latitude}, ${message.location.longitude}]`;
  }
  if (message.contact) return `[contact ${message.contact.first_name} ${message.contact.phone_number}]`;
  if (message.poll) return `[poll ${message.poll.question}]`;
  if (message.sticker?.emoji) return `[sticker ${message.sticker.emoji}]`;
  if (kind === undefined) return attachments.length > 0 ? '[file]' : null;
  return `[${kind.replace('_', ' ')}]`;
}
