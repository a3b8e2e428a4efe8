import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { CommandAnswer, CommandContext, CommandRegistry } from '../commands/registry.ts';
import { isJobSessionKey } from '../../core/session-key.ts';
import { maxOpen } from './gate.ts';
import type { ApprovalAnswers } from './answers.ts';
import { questionButtons, questionText } from './question.ts';

/** Questions that are shown again in one message. */
const maxShown = 3;

interface ApprovalCommandDeps {
  store: Store;
  clock: Clock;
  answers: ApprovalAnswers;
}

/** The commands that answer questions about calls: /approve /deny. Without an argument they show what is open here. */
export function registerApprovalCommands(registry: CommandRegistry, deps: ApprovalCommandDeps): void {
  registry.register({ name: 'approve', run: (context) => answer(context, true, deps) });
  registry.register({ name: 'deny', run: (context) => answer(context, false, deps) });
}

async function answer(
  context: CommandContext,
  approve: boolean,
  deps: ApprovalCommandDeps,
): Promise<string | CommandAnswer> {
  const { argument, words } = context;
  if (argument === '') return open(context, deps);
  const [, id, seal] = /^(appr_[0-9a-z]{1,60})\s+([0-9a-f]{8,64})$/.exec(argument) ?? [];
  if (id === undefined || seal === undefined)
    return words.approvals.form(`/${approve ? 'approve' : 'deny'} appr_… 0a1b2c3d`);
  return deps.answers.answer(context, approve, id, seal);
}

async function open(
  { person, session, words, inbound }: CommandContext,
  { store, clock }: ApprovalCommandDeps,
): Promise<string | CommandAnswer> {
  const group = inbound.chatType === 'group';
  const asked = await store.listApprovals({ owner: person.id, open: true, at: clock.now() }, { limit: maxOpen });
  // What their jobs ask concerns nobody else in a group.
  const items = asked.items
    .filter(({ sessionKey }) => sessionKey === session.key || (!group && isJobSessionKey(sessionKey)))
    .slice(0, maxShown);
  if (items.length === 0) return words.approvals.noneOpen;
  return {
    text: items.map((row) => questionText(row, words)).join('\n\n'),
    buttons: items.flatMap((row) => questionButtons(row, words)),
  };
}
