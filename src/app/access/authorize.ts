import type { InboundEvent } from '../../core/ports/channel.ts';

/** Who may talk on one account. Stable ids of the platform only, never names. Empty lists admit nobody. */
export interface AccessPolicy {
  users: ReadonlySet<string>;
  chats: ReadonlySet<string>;
}

export type Verdict =
  | { verdict: 'admitted' }
  /** Not meant for us (a group talking among itself, another bot): dropped without a trace. */
  | { verdict: 'ignored'; reason: string }
  | { verdict: 'refused'; reason: string };

/**
 * The one gate every event of every channel passes, whatever its kind. In a direct chat the sender or the chat must be
 * listed; in a group the chat must be listed and, when users are listed at all, the sender too.
 */
export function authorize(policy: AccessPolicy, event: InboundEvent): Verdict {
  if (event.sender.isBot) return { verdict: 'ignored', reason: 'sent by a bot' };
  if (event.chat.type === 'group' && !event.chat.addressed)
    return { verdict: 'ignored', reason: 'not addressed to the bot' };
  const reason = refusal(policy, {
    sender: event.sender.native,
    conversation: event.conversation.native,
    chatType: event.chat.type,
  });
  return reason === null ? { verdict: 'admitted' } : { verdict: 'refused', reason };
}

/** Why somebody may not talk somewhere, as the lists stand now; null when they may. */
export function refusal(
  policy: AccessPolicy,
  { sender, conversation, chatType }: { sender: string; conversation: string; chatType: 'direct' | 'group' },
): string | null {
  const knownUser = policy.users.has(sender);
  const knownChat = policy.chats.has(conversation);
  if (chatType === 'direct') return knownUser || knownChat ? null : 'sender is not in allowed_user_ids';
  if (!knownChat) return 'group is not in allowed_chat_ids';
  return policy.users.size > 0 && !knownUser ? 'sender is not in allowed_user_ids' : null;
}

/** The exact configuration line that would admit a refused sender, with the ids that are listed already kept. */
export function allowLine(
  policy: AccessPolicy,
  refused: { channel: string; account: string; sender: string; conversation: string; reason: string },
): string {
  const section =
    refused.account === 'main'
      ? `channels.${refused.channel}`
      : `channels.${refused.channel}.accounts.${refused.account}`;
  const byChat = refused.reason.startsWith('group');
  const listed = [...(byChat ? policy.chats : policy.users)];
  const wanted = byChat ? refused.conversation : refused.sender;
  const ids = [...listed.filter((id) => id !== wanted), wanted].map((id) =>
    /^-?\d{1,15}$/.test(id) ? id : JSON.stringify(id),
  );
  return `[${section}] ${byChat ? 'allowed_chat_ids' : 'allowed_user_ids'} = [${ids.join(', ')}]`;
}
