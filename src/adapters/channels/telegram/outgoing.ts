/** What a part of ours is on the wire: a method of the Bot API, its parameters, and the file it uploads. Pure. */
import { createHash } from 'node:crypto';
import type { InlineKeyboardMarkup } from '@grammyjs/types';
import type { Button, ConversationRef, MessageRef, OutboundBody, OutboundFile } from '../../../core/message.ts';
import type { OutboundPart } from '../../../core/ports/channel.ts';
import type { FormFile } from '../multipart.ts';
import { render } from './render.ts';

/** Of a document, a voice note, anything but a photo. https://core.telegram.org/bots/api#sending-files */
export const maxFileBytes = 50_000_000;
export const maxPhotoBytes = 10_000_000;
/** Characters of a caption after entities are parsed. */
export const maxCaption = 1024;
/** Bytes that a button may send back. */
const maxCallbackBytes = 64;
const buttonsPerRow = 3;
const maxFileName = 128;

export interface BotRequest {
  method: string;
  params: Record<string, unknown>;
  upload?: FormFile;
}

export function sendRequest(part: OutboundPart): BotRequest {
  const { conversation, replyTo, body, file } = part;
  const params = {
    ...placeOf(conversation),
    ...keyboard(body.buttons),
    ...(replyTo === undefined
      ? {}
      : { reply_parameters: { message_id: Number(replyTo), allow_sending_without_reply: true } }),
  };
  if (body.file === undefined || file === undefined) {
    return { method: 'sendMessage', params: { ...params, ...said(body) } };
  }
  const [method, field] = kindOf(body.file, file.length);
  const { mimeType } = body.file;
  const upload = { field, name: nameOf(body.file), mimeType, bytes: file };
  return { method, params: { ...params, ...caption(body) }, upload };
}

/** Of a photo that Telegram does not take for its shape: the same bytes as a document. */
export function asDocument({ params, upload }: BotRequest): BotRequest {
  return {
    method: 'sendDocument',
    params,
    ...(upload === undefined ? {} : { upload: { ...upload, field: 'document' } }),
  };
}

/** Without buttons the message loses those it had. */
export function editRequest({ conversation, native }: MessageRef, body: OutboundBody): BotRequest {
  const params = { chat_id: chatId(conversation.native), message_id: Number(native), ...keyboard(body.buttons) };
  if (body.file !== undefined) return { method: 'editMessageCaption', params: { ...params, ...caption(body) } };
  return { method: 'editMessageText', params: { ...params, ...said(body) } };
}

/** The draft of a part is the same one at every change. */
export function draftRequest({ conversation, idempotencyKey, body }: OutboundPart): BotRequest {
  const hash = createHash('sha256').update(idempotencyKey).digest();
  // Any number but 0.
  const id = hash.readUInt32BE(0) & 0x7fff_ffff || 1;
  return { method: 'sendMessageDraft', params: { ...placeOf(conversation), draft_id: id, ...render(body) } };
}

/** The topic "General" of a forum is where messages without a topic stand, and no other way of naming it is taken. */
export const generalTopic = '1';

export const placeOf = ({ native, thread }: ConversationRef): Record<string, unknown> => ({
  chat_id: chatId(native),
  ...(thread === undefined || thread === generalTopic ? {} : { message_thread_id: Number(thread) }),
});

const chatId = (native: string): number | string => (native.startsWith('@') ? native : Number(native));

const said = (body: OutboundBody): object => ({ ...render(body), link_preview_options: { is_disabled: true } });

function caption(body: OutboundBody): object {
  const { text, entities } = render(body);
  return text === '' ? {} : { caption: text, caption_entities: entities };
}

function keyboard(buttons: readonly Button[] = []): { reply_markup?: InlineKeyboardMarkup } {
  // One that says too much would cost the whole message.
  const fitting = buttons.filter(({ command }) => Buffer.byteLength(command) <= maxCallbackBytes);
  if (fitting.length === 0) return {};
  const rows = Array.from({ length: Math.ceil(fitting.length / buttonsPerRow) }, (_, row) =>
    fitting
      .slice(row * buttonsPerRow, (row + 1) * buttonsPerRow)
      .map(({ label, command }) => ({ text: label.toWellFormed(), callback_data: command })),
  );
  return { reply_markup: { inline_keyboard: rows } };
}

const photoTypes = new Set(['image/jpeg', 'image/png', 'image/webp']);
const voiceTypes = new Set(['audio/ogg', 'audio/opus']);

/** What people can look at or listen to in the chat is sent as that. Names of the method and its field. */
function kindOf({ mimeType }: OutboundFile, bytes: number): [method: string, field: string] {
  if (photoTypes.has(mimeType) && bytes <= maxPhotoBytes) return ['sendPhoto', 'photo'];
  if (voiceTypes.has(mimeType)) return ['sendVoice', 'voice'];
  return ['sendDocument', 'document'];
}

const nameOf = ({ name, mimeType }: OutboundFile): string =>
  name?.slice(0, maxFileName) ?? `file.${/\/([a-z0-9]{1,8})$/.exec(mimeType)?.[1] ?? 'bin'}`;
