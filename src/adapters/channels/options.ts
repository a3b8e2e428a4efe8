/** What the configuration of every channel has in common. */
import * as z from 'zod/mini';
import { choice, choices, flag, idList, named, table, withDefault } from '../../core/fields.ts';

/** Null when the id has the platform's form, else what is wrong with it, for the person who wrote it. */
type IdProblem = (id: string) => string | null;

interface CommonFields {
  /** How ids of people and chats look in the file, as an example: `42`. */
  user: { example: string; problem: IdProblem };
  chat: { example: string; problem: IdProblem };
  /** What makes the account exist, in words: `a token`. */
  credentials: string;
  /** The credentials prove the caller already, so that everybody may talk while no list says otherwise. */
  proven?: boolean;
}

const accessModes = ['allowlist', 'pairing', 'open'] as const;
export type AccessMode = (typeof accessModes)[number];
const groupPolicies = ['mention', 'always', 'never'] as const;

/** Keys of every account of every channel. */
export const commonFields = ({ user, chat, credentials, proven = false }: CommonFields) => ({
  enabled: z.optional(
    flag('Whether this account runs.', { computed: `true once there is ${credentials}`, example: 'true' }),
  ),
  access: z.optional(
    choice(
      'Who may talk to the bot: those in the lists; also those whom an owner lets in after they were shown a code; everybody.',
      accessModes,
      {
        computed: proven ? '"open" while both lists are empty, else "allowlist"' : '"allowlist"',
        example: '"pairing"',
      },
    ),
  ),
  allowed_user_ids: withDefault(
    idList(
      'People who are answered in direct messages, and the only ones heard in groups when not empty.',
      `a list of user ids such as [${user.example}]`,
      user.problem,
    ),
    [],
  ),
  allowed_chat_ids: withDefault(
    idList(
      'Chats that are answered; groups must stand here. An empty list admits none.',
      `a list of chat ids such as [${chat.example}]`,
      chat.problem,
    ),
    [],
  ),
  group_policy: withDefault(
    choice('When groups are answered: when the bot is addressed, every message, not at all.', groupPolicies),
    'mention',
  ),
  groups: z.optional(
    choices(
      'Groups that differ from `group_policy`.',
      'chat ids',
      groupPolicies,
      chat.problem,
      `{ ${chat.example.split(', ')[0]} = "always" }`,
    ),
  ),
  stream: withDefault(flag('Show an answer while it is written, by editing one message.'), true),
});

interface KindSpec<F extends z.core.$ZodShape, R extends keyof F & string> {
  /** Of the channel's table. */
  about: string;
  /** Of a table under `accounts`. */
  further: string;
  /** Keys without which an account does not exist; each may come from its `_file`, too. */
  required: readonly R[];
  /** What the first of them takes, in words. */
  missing: string;
  fields: () => F;
}

/** A channel as configured: one account in the plain table (`main`), further ones by name under `accounts`. */
export function channelKind<F extends z.core.$ZodShape, const R extends keyof F & string>(spec: KindSpec<F, R>) {
  const tables = () => {
    const fields = spec.fields();
    const account = table(spec.further, fields);
    const accounts = withDefault(named('Further accounts.', account), {});
    return { account, table: table(spec.about, { ...fields, accounts }) };
  };
  return { ...spec, tables };
}

type Kind = { tables: () => { account: z.ZodMiniType }; required: readonly string[] };
type Account<K extends Kind> = z.output<ReturnType<K['tables']>['account']>;
export type Configured<K extends Kind> = Account<K> & {
  [P in Extract<K['required'][number], keyof Account<K>>]-?: NonNullable<Account<K>[P]>;
} & { enabled: boolean; access: AccessMode };
