import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { PersonRole } from '../../core/principal.ts';

/** Which messages an agent answers; what is not said holds for all. */
export interface Binding {
  agent: string;
  /** A type of channel such as `telegram`, or one account of it such as `telegram:work`. */
  channel?: string | undefined;
  /** The platform's id of a chat. */
  conversation?: string | undefined;
  role?: PersonRole | undefined;
}

/** The agent that answers where nobody named one: that of the first binding that fits; null for the default. */
export function boundAgent(
  bindings: readonly Binding[],
  { channel, account, conversation }: Pick<InboxRow, 'channel' | 'account' | 'conversation'>,
  role: PersonRole,
): string | null {
  const fitting = bindings.find(
    (binding) =>
      (binding.channel === undefined || binding.channel === channel || binding.channel === `${channel}:${account}`) &&
      (binding.conversation === undefined || binding.conversation === conversation?.native) &&
      (binding.role === undefined || binding.role === role),
  );
  return fitting?.agent ?? null;
}
