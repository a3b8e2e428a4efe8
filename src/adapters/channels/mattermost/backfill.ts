/** What was posted while nobody listened: every chat with newer posts is read back to the time of the cursor. */
import { countField, field, textField } from '../json-http.ts';
import { isUnknownAddress } from './api.ts';
import type { ApiFailure, MattermostApi } from './api.ts';
import { chatFrom, isPassing } from './chats.ts';
import type { Chats } from './chats.ts';
import type { Chat } from './inbound.ts';

/** Chats that are read back at once, those with the newest posts first. */
const maxChats = 200;
/** A server gives so many posts since a time, and of more of them the newest. */
const maxSince = 1000;
const pageSize = 200;
const maxPages = 10;

export interface Missed {
  ok: true;
  chats: { chat: Chat; posts: unknown[] }[];
  /** Why something may be missing, in words. */
  gap: string | null;
}

/** Posts created after `since` (milliseconds by the server's clock), oldest first in each chat. */
export async function missedPosts(
  api: MattermostApi,
  known: Chats,
  since: number,
  signal: AbortSignal,
): Promise<Missed | ApiFailure> {
  const listed = await api.call({ method: 'GET', path: 'users/me/channels' }, signal);
  if (!listed.ok) {
    if (!isUnknownAddress(listed)) return listed;
    return { ok: true, chats: [], gap: 'the server cannot list our chats (it is older than 6.1)' };
  }
  const active = (Array.isArray(listed.result) ? listed.result : [])
    .map((value: unknown) => ({ chat: known.learn(chatFrom(value)), at: countField(value, 'last_post_at') ?? 0 }))
    .filter(({ at }) => at > since)
    .sort((a, b) => b.at - a.at);
  const missed: Missed = { ok: true, chats: [], gap: null };
  if (active.length > maxChats) missed.gap = `more than ${maxChats} chats had news`;
  for (const { chat } of active.slice(0, maxChats)) {
    const posts = await postsOf(api, chat.id, since, signal);
    if (Array.isArray(posts)) missed.chats.push({ chat, posts });
    else if ('gap' in posts) missed.gap = posts.gap;
    else if (isPassing(posts)) return posts;
    else missed.gap = posts.words;
  }
  return missed;
}

async function postsOf(
  api: MattermostApi,
  chat: string,
  since: number,
  signal: AbortSignal,
): Promise<unknown[] | ApiFailure | { gap: string }> {
  const path = `channels/${encodeURIComponent(chat)}/posts`;
  const found = new Map<string, unknown>();
  let query = `since=${since}`;
  for (let page = 0; page <= maxPages; page++) {
    const answer = await api.call({ method: 'GET', path: `${path}?${query}` }, signal);
    if (!answer.ok) return answer;
    const posts = Object.values(field(answer.result, 'posts') ?? {}) as unknown[];
    const news = posts.filter((post) => createdAt(post) > since);
    for (const post of news) found.set(textField(post, 'id') ?? '', post);
    const oldest = posts.toSorted((a, b) => createdAt(a) - createdAt(b))[0];
    // A full page that is all news: there may be older ones.
    const isFull = posts.length >= (page === 0 ? maxSince : pageSize) && (page === 0 || news.length === posts.length);
    if (!isFull) return [...found.values()].sort((a, b) => createdAt(a) - createdAt(b));
    query = `before=${textField(oldest, 'id')}&per_page=${pageSize}`;
  }
  return { gap: `more was posted in one chat than can be read back` };
}

const createdAt = (post: unknown): number => countField(post, 'create_at') ?? 0;
