/** The chats of the strict server: what people see in them, and what Telegram demands of who writes there. */
import type { Upload } from './telegram-form.ts';
import { entityFault, keyboardFault } from './telegram-rules.ts';

/** A message of the bot as a person sees it, with what it said before. */
export interface ShownMessage {
  chatId: string;
  messageId: number;
  threadId: number | null;
  replyTo: number | null;
  text: string;
  entities: { type: string; offset: number; length: number; url?: string; language?: string }[];
  /** Earlier texts, oldest first. */
  history: string[];
  /** What its buttons send back. */
  buttons: string[];
  /** How it is shown; the text is its caption. */
  file: (Upload & { kind: 'photo' | 'document' | 'voice' }) | null;
}

/** What a person sees of an answer while it is written. */
export interface ShownDraft {
  chatId: string;
  draftId: number;
  /** Oldest first. */
  texts: string[];
}

/** A call that was on its way when a 429 went out, such as the answer beside "typing…", cannot know of it. */
const inTheAirMs = 500;

interface Limit {
  retryAfterS: number;
  /** Null until a call met it: then when that was, what it said, and when the pause is over. */
  met: { at: number; call: string; until: number } | null;
}

/** Methods that are about one chat. */
export const chatMethods = [
  'sendChatAction',
  'sendMessage',
  'sendPhoto',
  'sendDocument',
  'sendVoice',
  'sendMessageDraft',
  'editMessageText',
  'editMessageCaption',
] as const;
export type ChatMethod = (typeof chatMethods)[number];

const maxBytes = { photo: 10_000_000, document: 50_000_000, voice: 50_000_000 };

export interface Answer {
  status: number;
  body: string;
}

export const ok = (result: unknown): Answer => ({ status: 200, body: JSON.stringify({ ok: true, result }) });
export const refuse = (code: number, description: string, parameters?: object): Answer => ({
  status: code,
  body: JSON.stringify({ ok: false, error_code: code, description, ...(parameters ? { parameters } : {}) }),
});
export const badRequest = (why: string, parameters?: object): Answer => refuse(400, `Bad Request: ${why}`, parameters);

export type Params = Record<string, unknown>;

export class TelegramChats {
  readonly #bot: { id: number; username: string };
  readonly #violations: string[];
  readonly #messages: ShownMessage[] = [];
  readonly drafts: ShownDraft[] = [];
  readonly #limits = new Map<string, Limit>();
  readonly #migrated = new Map<string, number>();
  readonly #forbidden = new Map<string, Answer>();
  #nextId = 1;
  /** Photos are refused for their shape from now on. */
  badPhotos = false;

  constructor(bot: { id: number; username: string }, violations: string[]) {
    this.#bot = bot;
    this.#violations = violations;
  }

  nextMessageId(): number {
    return this.#nextId++;
  }

  messages(chatId?: number | string): ShownMessage[] {
    return this.#messages.filter((message) => chatId === undefined || message.chatId === String(chatId));
  }

  /**
   * The next call there is answered 429, and so is every one before `retryAfterS` is over: a violation, unless it is
   * another one that may have been on its way already.
   */
  limit(where: number | 'groups' | 'all', retryAfterS: number): void {
    this.#limits.set(String(where), { retryAfterS, met: null });
  }

  /** Calls for the old id are refused with the new one. */
  move(chatId: number, newId: number): void {
    this.#migrated.set(String(chatId), newId);
  }

  /** Calls for a chat are refused from now on, as `403 Forbidden: bot was blocked by the user`. */
  forbid(chatId: number, code: number, description: string): void {
    this.#forbidden.set(String(chatId), refuse(code, description));
  }

  remove(chatId: number, messageId: number): void {
    const at = this.#messages.findIndex((m) => m.chatId === String(chatId) && m.messageId === messageId);
    if (at !== -1) this.#messages.splice(at, 1);
  }

  answer(method: ChatMethod, params: Params): Answer {
    const refusal = this.#refusal(params);
    if (refusal !== null) return refusal;
    switch (method) {
      case 'sendMessage':
        return this.#textRefusal(params) ?? this.#show(params, null);
      case 'sendPhoto':
        return this.#sendFile(params, 'photo');
      case 'sendDocument':
        return this.#sendFile(params, 'document');
      case 'sendVoice':
        return this.#sendFile(params, 'voice');
      case 'sendMessageDraft':
        return this.#sendDraft(params);
      case 'editMessageText':
      case 'editMessageCaption':
        return this.#edit(params, method);
      default:
        return params['action'] === 'typing' ? ok(true) : badRequest('wrong action');
    }
  }

  /** Limits, migrations and bans of the chat a call is for. */
  #refusal(params: Params): Answer | null {
    const chat = String(params['chat_id']);
    if (!/^(-?\d+|@\w+)$/.test(chat)) return badRequest('chat not found');
    for (const where of [chat, ...(chat.startsWith('-') ? ['groups'] : []), 'all']) {
      const limit = this.#limits.get(where);
      if (limit === undefined) continue;
      const now = performance.now();
      const call = JSON.stringify(params);
      const met = (limit.met ??= { at: now, call, until: now + limit.retryAfterS * 1000 });
      if (now >= met.until) {
        this.#limits.delete(where);
        continue;
      }
      const known = met.at !== now && (call === met.call || now - met.at > inTheAirMs);
      if (known) this.#violations.push(`${chat} was written to ${Math.ceil(met.until - now)} ms before retry_after`);
      const seconds = Math.ceil(Math.round(met.until - now) / 1000);
      return refuse(429, `Too Many Requests: retry after ${seconds}`, { retry_after: seconds });
    }
    const movedTo = this.#migrated.get(chat);
    if (movedTo !== undefined) {
      return badRequest('group chat was upgraded to a supergroup chat', { migrate_to_chat_id: movedTo });
    }
    return this.#forbidden.get(chat) ?? null;
  }

  /** The refusal of a text, or null when it may be shown. */
  #textRefusal({ text, entities, parse_mode: parseMode }: Params): Answer | null {
    if (typeof text !== 'string' || text.trim() === '') return badRequest('message text is empty');
    if (!text.isWellFormed()) return badRequest('strings must be encoded in UTF-8');
    if (text.length > 4096) return badRequest('message is too long');
    if (parseMode !== undefined) this.#violations.push('a parse_mode was used');
    const shifted = Array.isArray(entities) && entities.length > 0 && text !== text.trim();
    const fault = shifted ? 'the text is not trimmed, so its entities shift' : entityFault(text, entities);
    if (fault === null) return null;
    this.#violations.push(fault);
    return badRequest(`can't parse entities: ${fault}`);
  }

  /** As of a text, in the fields of a caption and with its limit. */
  #captionRefusal(params: Params): Answer | null {
    const { caption: text, caption_entities: entities } = params;
    if (text === undefined) return null;
    if (typeof text === 'string' && text.length > 1024) return badRequest('message caption is too long');
    return this.#textRefusal({ text, entities, parse_mode: params['parse_mode'] });
  }

  #sendFile(params: Params, kind: 'photo' | 'document' | 'voice'): Answer {
    const file = params[kind] as Upload | undefined;
    if (file === undefined || file.bytes.length === 0) return badRequest(`there is no ${kind} in the request`);
    if (file.bytes.length > maxBytes[kind]) return refuse(413, 'Request Entity Too Large');
    if (kind === 'photo' && this.badPhotos) return badRequest('PHOTO_INVALID_DIMENSIONS');
    return this.#captionRefusal(params) ?? this.#show(params, { ...file, kind });
  }

  #sendDraft(params: Params): Answer {
    const { chat_id: chat, draft_id: id, text } = params;
    if (typeof chat !== 'number' || chat < 0) return badRequest('drafts can be sent only to private chats');
    if (typeof id !== 'number' || !Number.isSafeInteger(id) || id === 0) return badRequest('draft_id must be non-zero');
    const refusal = this.#textRefusal(params);
    if (refusal !== null) return refusal;
    const known = this.drafts.find((draft) => draft.chatId === String(chat) && draft.draftId === id);
    if (known === undefined) this.drafts.push({ chatId: String(chat), draftId: id, texts: [String(text)] });
    else known.texts.push(String(text));
    return ok(true);
  }

  #show(params: Params, file: ShownMessage['file']): Answer {
    const reply = params['reply_parameters'] as
      | { message_id?: number; allow_sending_without_reply?: boolean }
      | undefined;
    const thread = params['message_thread_id'];
    // The topic General is nobody's to name: https://core.telegram.org/api/forum#forum-topics
    if (thread !== undefined && (typeof thread !== 'number' || thread === 1)) {
      return badRequest('message thread not found');
    }
    if (reply !== undefined && !Number.isSafeInteger(reply.message_id)) return badRequest('wrong reply_parameters');
    const fault = keyboardFault(params['reply_markup']);
    if (fault !== null) return badRequest(fault);
    const message: ShownMessage = {
      chatId: String(params['chat_id']),
      messageId: this.nextMessageId(),
      threadId: thread ?? null,
      replyTo: reply?.message_id ?? null,
      ...content(params, file),
      history: [],
      buttons: buttonsOf(params),
      file,
    };
    this.#messages.push(message);
    return ok(this.#asResult(message));
  }

  #edit(params: Params, method: 'editMessageText' | 'editMessageCaption'): Answer {
    const { message_id: id, chat_id: chat } = params;
    const message = this.#messages.find((each) => each.messageId === id && each.chatId === String(chat));
    if (message === undefined) return badRequest('message to edit not found');
    const asText = method === 'editMessageText';
    if (asText !== (message.file === null)) {
      return badRequest(`there is no ${asText ? 'text' : 'caption'} in the message to edit`);
    }
    const refusal = asText ? this.#textRefusal(params) : this.#captionRefusal(params);
    if (refusal !== null) return refusal;
    const fault = keyboardFault(params['reply_markup']);
    if (fault !== null) return badRequest(fault);
    const { text, entities } = content(params, message.file);
    const buttons = buttonsOf(params);
    if (
      JSON.stringify([text, entities, buttons]) === JSON.stringify([message.text, message.entities, message.buttons])
    ) {
      return badRequest('message is not modified: specified new message content is exactly the same');
    }
    message.history.push(message.text);
    Object.assign(message, { text, entities, buttons });
    return ok(this.#asResult(message));
  }

  #asResult({ chatId, messageId, text, entities }: ShownMessage): object {
    const chat = { id: Number(chatId), type: chatId.startsWith('-') ? 'supergroup' : 'private' };
    const date = Math.floor(Date.now() / 1000);
    return { message_id: messageId, date, chat, text, entities, from: { ...this.#bot, is_bot: true } };
  }
}

function content(params: Params, file: ShownMessage['file']): Pick<ShownMessage, 'text' | 'entities'> {
  const [text, entities] =
    file === null ? [params['text'], params['entities']] : [params['caption'], params['caption_entities']];
  return { text: typeof text === 'string' ? text.trim() : '', entities: (entities ?? []) as ShownMessage['entities'] };
}

/** An edit without a keyboard takes it away. */
function buttonsOf({ reply_markup: markup }: Params): string[] {
  const rows = (markup as { inline_keyboard?: { callback_data?: string }[][] } | undefined)?.inline_keyboard ?? [];
  return rows.flat().map((button) => button.callback_data ?? '');
}
