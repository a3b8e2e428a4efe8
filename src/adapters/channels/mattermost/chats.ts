/** What is known of chats, people and our own posts. Bounded; what was forgotten is asked again. */
import { Authorship } from '../authorship.ts';
import { field, textField } from '../json-http.ts';
import { isId } from './api.ts';
import type { ApiFailure, MattermostApi } from './api.ts';
import type { Chat } from './inbound.ts';

const maxChats = 2000;
const maxPeople = 5000;

export interface Author {
  name: string;
  isBot: boolean;
}

export class Chats {
  /** Of posts. */
  readonly authorship = new Authorship();
  readonly #api: MattermostApi;
  readonly #chats = new Map<string, Chat>();
  readonly #people = new Map<string, Author>();

  constructor(api: MattermostApi) {
    this.#api = api;
  }

  /** Takes what an event or a list tells of a chat. */
  learn(chat: Chat): Chat {
    this.#chats.delete(chat.id);
    this.#chats.set(chat.id, chat);
    shrink(this.#chats, maxChats);
    return chat;
  }

  async of(id: string, signal: AbortSignal): Promise<Chat | ApiFailure> {
    const known = this.#chats.get(id);
    if (known !== undefined) return known;
    const answer = await this.#api.call({ method: 'GET', path: `channels/${encodeURIComponent(id)}` }, signal);
    // A chat that we may not look into is treated as a group.
    if (!answer.ok) return isPassing(answer) ? answer : { id, type: 'O' };
    return this.learn(chatFrom(answer.result, id));
  }

  async author(id: string, signal: AbortSignal): Promise<Author | ApiFailure> {
    const known = this.#people.get(id);
    if (known !== undefined) return known;
    const answer = await this.#api.call({ method: 'GET', path: `users/${encodeURIComponent(id)}` }, signal);
    if (!answer.ok && isPassing(answer)) return answer;
    const user = answer.ok ? answer.result : null;
    const author = { name: textField(user, 'username') ?? '', isBot: field(user, 'is_bot') === true };
    this.#people.set(id, author);
    shrink(this.#people, maxPeople);
    return author;
  }

  typeOf(id: string): string | undefined {
    return this.#chats.get(id)?.type;
  }

  /** Finds out whose a post is, where that is not known; what cannot be looked at is not ours. */
  async learnAuthor(postId: string, me: string, signal: AbortSignal): Promise<ApiFailure | null> {
    if (!isId(postId) || this.authorship.knows(postId)) return null;
    const answer = await this.#api.call({ method: 'GET', path: `posts/${postId}` }, signal);
    if (!answer.ok && isPassing(answer)) return answer;
    this.authorship.note(postId, answer.ok && textField(answer.result, 'user_id') === me);
    return null;
  }
}

export function chatFrom(value: unknown, id = textField(value, 'id') ?? ''): Chat {
  const title = textField(value, 'display_name');
  const type = textField(value, 'type') ?? 'O';
  return { id, type, ...(title === undefined || title === '' || isId(title) ? {} : { title }) };
}

/** It may go better the next time. */
export const isPassing = ({ status }: ApiFailure): boolean =>
  status === 0 || status === 401 || status === 429 || status >= 500;

function shrink(map: Map<string, unknown>, max: number): void {
  if (map.size > max) map.delete(map.keys().next().value ?? '');
}
