/** What is posted for one part of a reply: a text, a text with buttons, or a file with its words. Pure. */
import type { ConversationRef, OutboundBody, OutboundFile } from '../../../core/message.ts';
import type { OutboundPart } from '../../../core/ports/channel.ts';
import { maxCaption, render } from './render.ts';

/** Limits of reply buttons: https://developers.facebook.com/docs/whatsapp/cloud-api/messages/interactive-reply-buttons-messages */
const maxButtons = 3;
const maxButtonTitle = 20;

/** Who is written to: a number, or the id of somebody who shows none. */
export const recipient = ({ native }: ConversationRef): object =>
  /^\d+$/.test(native)
    ? { recipient_type: 'individual', to: native }
    : { recipient_type: 'individual', recipient: native };

/** `media`: the id of the uploaded file. `callback`: comes back with the status of the message. */
export function messageOf({ conversation, replyTo, body }: OutboundPart, callback: string, media?: string): object {
  return {
    ...recipient(conversation),
    ...(replyTo === undefined ? {} : { context: { message_id: replyTo } }),
    biz_opaque_callback_data: callback,
    ...(media === undefined || body.file === undefined ? wordsOf(body) : fileOf(body, body.file, media)),
  };
}

function wordsOf(body: OutboundBody): object {
  const { buttons = [] } = body;
  const text = render(body);
  if (buttons.length === 0) return textMessage(text);
  const fits = buttons.length <= maxButtons && text.length <= maxCaption;
  if (!fits) return textMessage([text, ...buttons.map(({ label, command }) => `${label}: ${command}`)].join('\n'));
  return {
    type: 'interactive',
    interactive: {
      type: 'button',
      body: { text },
      action: {
        buttons: buttons.map(({ label, command }) => ({
          type: 'reply',
          reply: { id: command, title: label.slice(0, maxButtonTitle).toWellFormed() },
        })),
      },
    },
  };
}

const textMessage = (text: string): object => ({ type: 'text', text: { body: text, preview_url: false } });

/** What WhatsApp shows in place and how large it may be; everything else is a document. */
const shownInPlace: [type: 'image' | 'video' | 'audio', mimeTypes: RegExp, maxBytes: number][] = [
  ['image', /^image\/(jpeg|png)$/, 5_000_000],
  ['video', /^video\/(mp4|3gpp)$/, 16_000_000],
  ['audio', /^audio\/(aac|amr|mpeg|mp4|ogg)$/, 16_000_000],
];

function fileOf(body: OutboundBody, { mimeType, size, name }: OutboundFile, id: string): object {
  const text = render(body);
  const caption = text === '' ? {} : { caption: text };
  const [type = 'document'] =
    shownInPlace.find(([, types, maxBytes]) => types.test(mimeType) && size <= maxBytes) ?? [];
  // Audio has no place for words; as a document nothing of them is lost.
  if (type === 'document' || (type === 'audio' && text !== '')) {
    return { type: 'document', document: { id, ...caption, filename: name ?? 'file' } };
  }
  return { type, [type]: { id, ...(type === 'audio' ? {} : caption) } };
}
