import { ClankerError, invalidInput } from '../../core/errors.ts';
import type { Here } from '../../core/ports/schedule-gateway.ts';
import type { PersonRole } from '../../core/principal.ts';
import { roleIncludes } from '../../core/roles.ts';
import { conversationSessionKey } from '../../core/session-key.ts';
import type { TaskDelivery } from '../../core/task.ts';
import { destinationOf, type DestinationDeps } from '../gateway/destination.ts';
import { placeFor } from '../gateway/sender.ts';
import { onlyOwners, webhookUnknown } from './kinds/webhook.ts';

export interface DeliveryRuleDeps extends DestinationDeps {
  /** Names in `[webhooks.out]`. */
  webhooks: () => readonly string[];
}

/**
 * Where a result goes, from what was written: see WrittenJob. A place or a webhook may be named by who may send there:
 * members their own identities, owners everybody who is let in, and webhooks. Rejects in words that tell which there are.
 */
export async function resolveDelivery(
  by: { person: string; role: PersonRole },
  written: string | undefined,
  here: Here | null,
  deps: DeliveryRuleDeps,
): Promise<TaskDelivery> {
  const wanted = written?.trim() ?? 'here';
  if (wanted === 'nowhere') return { to: 'nowhere' };
  if (wanted === 'here') return here === null ? directChatOf(by.person, deps) : where(here);
  if (wanted.startsWith('webhook:') && !isAccount(wanted, deps)) return webhook(by.role, wanted.slice(8), deps);
  const place = await placeFor(by, wanted, deps);
  return to(await destinationOf(place, deps));
}

/** A client without a chat reads it in its session. */
const where = ({ conversation, ...rest }: Here): TaskDelivery =>
  conversation === null
    ? { to: 'session', sessionKey: rest.sessionKey }
    : { to: 'conversation', conversation, ...rest };

const to = ({ conversation, chatType }: Awaited<ReturnType<typeof destinationOf>>): TaskDelivery => ({
  to: 'conversation',
  conversation,
  chatType,
  sessionKey: conversationSessionKey(conversation),
});

/** `webhook:orders:42` is a conversation of the channel `webhook`. */
const isAccount = (wanted: string, { channels }: DestinationDeps): boolean =>
  channels.status().some(({ id }) => wanted.startsWith(`${id}:`));

function webhook(role: PersonRole, name: string, { webhooks }: DeliveryRuleDeps): TaskDelivery {
  if (!roleIncludes(role, 'owner')) throw new ClankerError('auth', 'not_allowed', onlyOwners);
  if (!webhooks().includes(name)) throw invalidInput('unknown_place', webhookUnknown(name, webhooks()));
  return { to: 'webhook', name };
}

/**
 * The first direct chat in which the person may be written to; nowhere when there is none. Rejects when there may be one
 * where nothing runs at the moment: what is stored goes there for good.
 */
async function directChatOf(person: string, deps: DestinationDeps): Promise<TaskDelivery> {
  const accounts = new Set(deps.channels.status().map(({ id }) => id));
  let passing: ClankerError | null = null;
  for (const { channel, account, native } of await deps.store.identitiesOf(person)) {
    if (!accounts.has(`${channel}:${account}`)) continue;
    const identity = await deps.store.identity({ channel, account, native });
    if ((identity?.conversation ?? null) === null) continue;
    try {
      const destination = await destinationOf({ channel: `${channel}:${account}`, target: native }, deps);
      if (destination.chatType === 'direct') return to(destination);
    } catch (error) {
      // Somebody who was taken off the lists, or an account that cannot be written to like this.
      if (!(error instanceof ClankerError) || error.kind === 'storage') throw error;
      if (error.retryable) passing ??= error;
    }
  }
  if (passing !== null) throw passing;
  return { to: 'nowhere' };
}
