import { errorData } from '../../core/errors.ts';
import type { AccessWords } from '../../core/notices/access-words.ts';
import type { Store } from '../../core/ports/store.ts';
import { may } from '../../core/roles.ts';
import type { CommandAnswer, CommandContext, CommandRegistry } from '../commands/registry.ts';
import { readCode, showCode } from './codes.ts';
import { nameInMarkdown } from './names.ts';
import { principalOf, type Pairing, type Redeemed, type Sender } from './pairing.ts';

interface AccessCommandDeps {
  store: Store;
  pairing: Pairing;
}

/** What is said about a code that somebody sent; a wrong one and an old one sound alike. */
const aboutCode = {
  linked: 'linked',
  unknown: 'wrongCode',
  expired: 'wrongCode',
  own: 'ownCode',
  outranked: 'outranked',
  not_allowed: 'cannotLetIn',
  too_many_attempts: 'tooManyAttempts',
} as const satisfies Record<Redeemed, keyof AccessWords>;

/** What is said when a request cannot be decided, by the code of the error. */
const aboutRequest = {
  unknown_code: 'noSuchRequest',
  code_expired: 'requestExpired',
  already_rejected: 'alreadyRejected',
  bad_code: 'codeForm',
  too_many_attempts: 'tooManyAttempts',
} as const satisfies Record<string, keyof AccessWords>;

/** The commands about who somebody is: /whoami /pair. */
export function registerAccessCommands(registry: CommandRegistry, deps: AccessCommandDeps): void {
  registry.register({ name: 'whoami', role: 'guest', run: (context) => whoami(context, deps) });
  registry.register({ name: 'pair', role: 'guest', run: (context) => pair(context, deps) });
}

async function whoami(context: CommandContext, { store }: AccessCommandDeps): Promise<string> {
  const { inbound, session, person, role, words } = context;
  const { channel, account, sender, chatType, conversation } = inbound;
  const own = words.whoami({
    name: nameInMarkdown(sender.display),
    id: sender.native,
    channel,
    person: person.id,
    role,
    chat: conversation?.native ?? '',
    session: session.key,
  });
  // Where else somebody is reached is nobody's business in a group.
  if (chatType === 'group') return own;
  const others = (await store.identitiesOf(person.id)).filter(
    (identity) => !(identity.channel === channel && identity.account === account && identity.native === sender.native),
  );
  if (others.length === 0) return own;
  const lines = others.map((other) => `- \`${other.native}\` (${other.channel}:${other.account})`);
  return [own, '', words.access.alsoYou, ...lines].join('\n');
}

async function pair(context: CommandContext, deps: AccessCommandDeps): Promise<string | CommandAnswer> {
  const { argument, inbound, person, role } = context;
  const { pairing } = deps;
  const words = context.words.access;
  const code = readCode(argument);
  const { channel, account, sender, conversation } = inbound;
  if (inbound.chatType === 'group' || conversation === null) {
    const burnt = code !== null && (await pairing.burn(code));
    return burnt ? `${words.onlyDirect} ${words.burnt}` : words.onlyDirect;
  }
  const [, verb, what] = /^(approve|reject)\s+(\S[^\n]*)$/i.exec(argument) ?? [];
  if (verb !== undefined && what !== undefined) return decide(verb.toLowerCase() === 'approve', what, context, deps);
  const from: Sender = { identity: { channel, account, native: sender.native }, display: sender.display, conversation };
  if (code !== null) return words[aboutCode[await pairing.redeem(from, code, role === 'guest' ? 'guest' : 'known')]];
  if (argument !== '') return words.codeForm;
  if (!may(role, 'link')) return words.guestsCannot;
  const offered = await pairing.offer(person.id, from);
  return { text: words.offer(`/pair ${showCode(offered.code)}`), sensitive: true };
}

async function decide(
  approve: boolean,
  what: string,
  context: CommandContext,
  { pairing }: AccessCommandDeps,
): Promise<string> {
  const { inbound, person, role } = context;
  const words = context.words.access;
  if (!may(role, 'approve')) return words.onlyOwners;
  const { channel, account, sender } = inbound;
  const identity = { channel, account, native: sender.native };
  const by = principalOf({ identity, display: sender.display }, person.id);
  try {
    const { who, repeated } = await (approve ? pairing.approve(what, by) : pairing.reject(what, by));
    return approve ? words.isLetIn(who, repeated) : words.isRejected(who, repeated);
  } catch (error) {
    const { code } = errorData(error);
    if (!Object.hasOwn(aboutRequest, code)) throw error;
    return words[aboutRequest[code as keyof typeof aboutRequest]];
  }
}
