/** The chats of the strict server: what people see in them, and what Telegram demands of who writes there. */
import { entityFault } from './telegram-rules.ts';

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
}

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
  readonly #limits = new Map<string, { retryAfterS: number; until: number | null }>();
  readonly #migrated = new Map<string, number>();
  readonly #forbidden = new Map<string, Answer>();
  #nextId = 1;

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

  /** The next call there is answered 429, and every one before `retryAfterS` is over is a violation. */
  limit(where: number | 'groups' | 'all', retryAfterS: number): void {
    this.#limits.set(String(where), { retryAfterS, until: null });
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

  answer(method: 'sendChatAction' | 'sendMessage' | 'editMessageText', params: Params): Answer {
    const refusal = this.#refusal(params);
    if (refusal !== null) return refusal;
    if (method === 'sendMessage') return this.#sendMessage(params);
    if (method === 'editMessageText') return this.#editMessage(params);
    return params['action'] === 'typing' ? ok(true) : badRequest('wrong action');
  }

  /** Limits, migrations and bans of the chat a call is for. */
  #refusal(params: Params): Answer | null {
    const chat = String(params['chat_id']);
    if (!/^(-?\d+|@\w+)$/.test(chat)) return badRequest('chat not found');
    for (const where of [chat, ...(chat.startsWith('-') ? ['groups'] : []), 'all']) {
      const limit = this.#limits.get(where);
      if (limit === undefined) continue;
      const now = performance.now();
      if (limit.until === null) limit.until = now + limit.retryAfterS * 1000;
      else if (now >= limit.until) {
        this.#limits.delete(where);
        continue;
      } else this.#violations.push(`${chat} was written to ${Math.ceil(limit.until - now)} ms before retry_after`);
      const seconds = Math.ceil(Math.round(limit.until - now) / 1000);
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

  #sendMessage(params: Params): Answer {
    const refusal = this.#textRefusal(params);
    if (refusal !== null) return refusal;
    const reply = params['reply_parameters'] as
      | { message_id?: number; allow_sending_without_reply?: boolean }
      | undefined;
    const thread = params['message_thread_id'];
    if (thread !== undefined && typeof thread !== 'number') return badRequest('message thread not found');
    if (reply !== undefined && !Number.isSafeInteger(reply.message_id)) return badRequest('wrong reply_parameters');
    const message: ShownMessage = {
      chatId: String(params['chat_id']),
      messageId: this.nextMessageId(),
      threadId: thread ?? null,
      replyTo: reply?.message_id ?? null,
      text: String(params['text']).trim(),
      entities: (params['entities'] ?? []) as ShownMessage['entities'],
      history: [],
    };
    this.#messages.push(message);
    return ok(this.#asResult(message));
  }

  #editMessage(params: Params): Answer {
    const { message_id: id, chat_id: chat } = params;
    const message = this.#messages.find((each) => each.messageId === id && each.chatId === String(chat));
    if (message === undefined) return badRequest('message to edit not found');
    const refusal = this.#textRefusal(params);
    if (refusal !== null) return refusal;
    const text = String(params['text']).trim();
    const entities = (params['entities'] ?? []) as ShownMessage['entities'];
    if (message.text === text && JSON.stringify(message.entities) === JSON.stringify(entities)) {
      return badRequest('message is not modified: specified new message content is exactly the same');
    }
    message.history.push(message.text);
    message.text = text;
    message.entities = entities;
    return ok(this.#asResult(message));
  }

  #asResult({ chatId, messageId, text, entities }: ShownMessage): object {
    const chat = { id: Number(chatId), type: chatId.startsWith('-') ? 'supergroup' : 'private' };
    const date = Math.floor(Date.now() / 1000);
    return { message_id: messageId, date, chat, text, entities, from: { ...this.#bot, is_bot: true } };
  }
}
