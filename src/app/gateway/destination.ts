import { ClankerError } from '../../core/errors.ts';
import type { ConversationRef } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { PersonRole } from '../../core/principal.ts';
import type { Store } from '../../core/ports/store.ts';
import { mayWriteTo, type AccessPolicy } from '../access/authorize.ts';
import type { Directory } from '../access/directory.ts';
import type { ChannelManager } from '../channels/manager.ts';

export interface DestinationDeps {
  store: Pick<Store, 'identity' | 'identitiesOf' | 'admissions'>;
  channels: Pick<ChannelManager, 'resolve' | 'status'>;
  policy: (channel: string, account: string) => AccessPolicy;
  directory: Pick<Directory, 'find'>;
}

/** Where something is sent unasked, as it is written: an account, and the platform's id of a chat or a person there. */
export interface Address {
  /** `telegram:main`, or `telegram` for the main one. */
  channel: string;
  target: string;
  thread?: string | undefined;
}

/** The place that an address means; rejects with `target_not_allowed` when nobody said that we may write there. */
export async function destinationOf(
  { channel: name, target, thread }: Address,
  { store, channels, policy, directory }: DestinationDeps,
): Promise<{ channel: Channel; conversation: ConversationRef; chatType: 'direct' | 'group' }> {
  const channel = channels.resolve(name);
  const access = policy(channel.type, channel.account);
  const direct = await directOf(target, channel, access, store);
  const conversation = channel.conversation(direct ?? target, thread);
  const addressee = direct === null ? conversation.native : target;
  const known = await directory.find({ ...conversation, native: addressee });
  if (!mayWriteTo(access, addressee, known)) throw notAllowed(target, channel.type, channel.account);
  return { channel, conversation, chatType: channel.chatType(conversation) };
}

/**
 * Where somebody who was let in talks to us alone, where the platform's id of that chat is another than theirs; null:
 * the id is that of a chat.
 */
async function directOf(
  target: string,
  { type, account }: Channel,
  { users, chats }: AccessPolicy,
  store: Pick<Store, 'identity'>,
): Promise<string | null> {
  if (chats.has(target)) return null;
  const person = await store.identity({ channel: type, account, native: target });
  return users.has(target) || person?.admitted === true ? (person?.conversation?.native ?? null) : null;
}

/** Platforms whose chats are listed by what they are part of, which only their messages tell. */
const nesting: ReadonlySet<string> = new Set(['discord']);
/** People of an account who are looked through for whose direct chat it is. */
const maxLookedAt = 100;

/**
 * Rejects when we may not write to a conversation any more that was a good destination once: its account is gone, or
 * whoever is there was taken off the lists. `by`: whose result it is. Who is no owner (any more) reaches their own chats,
 * and groups in which they may still talk.
 */
export async function assertStillWelcome(
  { conversation, chatType }: { conversation: ConversationRef; chatType: 'direct' | 'group' },
  by: { person: string; role: PersonRole },
  deps: DestinationDeps,
): Promise<void> {
  const { channels, policy, directory } = deps;
  const { channel, account, native } = conversation;
  if (!channels.status().some(({ id }) => id === `${channel}:${account}`))
    throw new ClankerError(
      'channel',
      'no_such_account',
      `The channel ${channel}:${account} is not configured any more.`,
    );
  const access = policy(channel, account);
  const known = await directory.find({ channel, account, native });
  const listed = mayWriteTo(access, native, known);
  if (chatType === 'group') {
    if (!listed && !(nesting.has(channel) && access.chats.size > 0)) throw notAllowed(native, channel, account);
    if (!(await mayTalkThere(conversation, by, access, deps))) throw notYours(native);
    return;
  }
  const there = listed && known !== null ? known.person : await whoseChat(conversation, by.person, access, deps);
  if (!listed && there === null) throw notAllowed(native, channel, account);
  if (there !== null && there !== by.person && by.role !== 'owner') throw notYours(native);
}

/** Who has this direct chat, where its id is another than theirs; null: nobody who is let in, as far as is known. */
async function whoseChat(
  { channel, account, native }: ConversationRef,
  owner: string,
  access: AccessPolicy,
  { store }: DestinationDeps,
): Promise<string | null> {
  const natives = new Set([
    ...(await nativesOf(owner, channel, account, store)),
    ...[...access.users].slice(0, maxLookedAt),
    ...(await store.admissions(maxLookedAt))
      .filter((identity) => identity.channel === channel && identity.account === account)
      .map((identity) => identity.native),
  ]);
  for (const each of natives) {
    const person = await store.identity({ channel, account, native: each });
    if (person?.conversation?.native === native && mayWriteTo(access, each, person)) return person.person;
  }
  return null;
}

async function mayTalkThere(
  { channel, account }: ConversationRef,
  { person, role }: { person: string; role: PersonRole },
  { access, users }: AccessPolicy,
  { store }: DestinationDeps,
): Promise<boolean> {
  if (role === 'owner' || access === 'open' || users.size === 0) return true;
  return (await nativesOf(person, channel, account, store)).some((native) => users.has(native));
}

const nativesOf = async (
  person: string,
  channel: string,
  account: string,
  store: Pick<Store, 'identitiesOf'>,
): Promise<string[]> =>
  (await store.identitiesOf(person))
    .filter((identity) => identity.channel === channel && identity.account === account)
    .map(({ native }) => native);

const notYours = (target: string): ClankerError =>
  new ClankerError(
    'auth',
    'target_not_allowed',
    `${target} is no chat of the person this is for, and only owners have something sent to others.`,
  );

const notAllowed = (target: string, channel: string, account: string): ClankerError =>
  new ClankerError(
    'auth',
    'target_not_allowed',
    `${target} is neither in allowed_user_ids nor in allowed_chat_ids of ${channel}:${account}; add it there first.`,
  );
