import type { InboundEvent } from '../../core/ports/channel.ts';
import type { PersonRole } from '../../core/principal.ts';
import { roleIncludes } from '../../core/roles.ts';

/**
 * Who is let in: those in the lists; those in the lists and, in direct chats, those whom an owner approved; everybody.
 */
export type AccessMode = 'allowlist' | 'pairing' | 'open';

/** When a group is answered: when the bot is addressed, always, never. */
export type GroupPolicy = 'mention' | 'always' | 'never';

/** Who may talk on one account. Stable ids of the platform only, never names. Empty lists admit nobody. */
export interface AccessPolicy {
  /** Default: `allowlist`. */
  access?: AccessMode;
  users: ReadonlySet<string>;
  chats: ReadonlySet<string>;
  /** Groups that differ from `groupPolicy`, by chat id or that of a parent. */
  groups?: ReadonlyMap<string, GroupPolicy>;
  /** Default: `mention`. */
  groupPolicy?: GroupPolicy;
}

/** What the store knows of a sender. */
export interface KnownSender {
  person: string;
  role: PersonRole;
  /** Let in by an owner's approval, or by a code of a person who is in. */
  admitted: boolean;
}

export type Verdict =
  /** `role`: what the sender may do here. */
  | { verdict: 'admitted'; role: PersonRole }
  /** Not meant for us (a group talking among itself, another bot): dropped without a trace. */
  | { verdict: 'ignored'; reason: string }
  /** `mayPair`: a stranger in a direct chat who may ask to be let in. */
  | { verdict: 'refused'; reason: string; mayPair: boolean };

/** Where somebody speaks, as far as admission goes. */
export interface Place {
  sender: string;
  /** What happens to the group itself, whoever the platform says did it. */
  aboutChat?: boolean;
  conversation: string;
  chatType: 'direct' | 'group';
  parents?: readonly string[];
}

/**
 * The one gate every event of every channel passes, whatever its kind. In a direct chat the sender or the chat must be
 * listed, or the sender approved where that is a way in; in a group the chat (or what it is part of) must be listed
 * and, when users are listed at all, the sender too. An approval opens no group.
 */
export function authorize(policy: AccessPolicy, event: InboundEvent, known: KnownSender | null): Verdict {
  if (event.sender.isBot) return { verdict: 'ignored', reason: 'sent by a bot' };
  const place = placeOf(event);
  const silence = place.chatType === 'group' ? groupSilence(policy, event, place) : null;
  if (silence !== null) return { verdict: 'ignored', reason: silence };
  const reason = refusal(policy, place, known);
  if (reason === null) return { verdict: 'admitted', role: roleHere(policy, place, known) };
  // What a bot may say to strangers it says where only they can read it.
  const mayPair = policy.access === 'pairing' && place.chatType === 'direct';
  return { verdict: 'refused', reason, mayPair };
}

const placeOf = ({ kind, sender, conversation, chat }: InboundEvent): Place => ({
  sender: sender.native,
  aboutChat: kind === 'lifecycle',
  conversation: conversation.native,
  chatType: chat.type,
  ...(chat.parents === undefined ? {} : { parents: chat.parents }),
});

const chain = ({ conversation, parents = [] }: Place): string[] => [conversation, ...parents];

/** Why a group's event is none of our business, or null. */
function groupSilence(policy: AccessPolicy, event: InboundEvent, place: Place): string | null {
  const named = chain(place).find((id) => policy.groups?.has(id));
  const when = (named === undefined ? undefined : policy.groups?.get(named)) ?? policy.groupPolicy ?? 'mention';
  if (when === 'never') return 'the group is never answered';
  // What happened to the chat itself is addressed to nobody.
  if (event.chat.addressed || event.kind === 'lifecycle') return null;
  if (when === 'mention') return 'not addressed to the bot';
  return /^\s*\/\w+@\w/.test(event.text) ? 'a command for another bot' : null;
}

/** Why somebody may not talk somewhere, as things stand now; null when they may. */
export function refusal(policy: AccessPolicy, place: Place, known: KnownSender | null = null): string | null {
  if (policy.access === 'open') return null;
  const knownUser = policy.users.has(place.sender);
  const knownChat = chain(place).some((id) => policy.chats.has(id));
  if (place.chatType === 'direct') {
    const approved = policy.access === 'pairing' && known?.admitted === true;
    return knownUser || knownChat || approved ? null : 'sender is not in allowed_user_ids';
  }
  if (!knownChat) return 'group is not in allowed_chat_ids';
  return place.aboutChat !== true && policy.users.size > 0 && !knownUser ? 'sender is not in allowed_user_ids' : null;
}

/** A person has their role everywhere; who is listed is at least a member, a stranger who may talk all the same a guest. */
export function roleHere(policy: AccessPolicy, place: Place, known: KnownSender | null): PersonRole {
  const listedChat = place.chatType === 'direct' && chain(place).some((id) => policy.chats.has(id));
  const here: PersonRole = listedChat || policy.users.has(place.sender) ? 'member' : 'guest';
  return known !== null && roleIncludes(known.role, here) ? known.role : here;
}

/** Whether we write to a chat, or to a person by their id, unasked. */
export const mayWriteTo = ({ access, users, chats }: AccessPolicy, id: string, known: KnownSender | null): boolean =>
  access === 'open' || users.has(id) || chats.has(id) || (access === 'pairing' && known?.admitted === true);

/** The exact configuration line that would admit a refused sender, with the ids that are listed already kept. */
export function allowLine(
  policy: AccessPolicy,
  refused: { channel: string; account: string; sender: string; conversation: string; reason: string },
): string {
  const byChat = refused.reason.startsWith('group');
  const listed = [...(byChat ? policy.chats : policy.users)];
  const wanted = byChat ? refused.conversation : refused.sender;
  const ids = [...listed.filter((id) => id !== wanted), wanted].map((id) =>
    /^-?\d{1,15}$/.test(id) ? id : JSON.stringify(id),
  );
  return `[${sectionOf(refused)}] ${byChat ? 'allowed_chat_ids' : 'allowed_user_ids'} = [${ids.join(', ')}]`;
}

/** Where an account stands in the configuration; every webhook has a name of its own. */
function sectionOf({ channel, account }: { channel: string; account: string }): string {
  if (channel === 'webhook') return `channels.webhook.${account}`;
  return account === 'main' ? `channels.${channel}` : `channels.${channel}.accounts.${account}`;
}
