/** `[tools.policy]`, and what a role, a channel, an agent or a tool of its own adds to it. */
import * as z from 'zod/mini';
import { choice, choices, duration, named, table, withDefault, type ValueOf } from '../core/fields.ts';
import { decisions, toolDecisions, type EffectRules, type ToolPolicy } from '../core/tool-policy.ts';

const about = {
  read: 'Calls that look at something.',
  write: 'Calls that change what belongs to the person, such as notes.',
  send: 'Calls that let text leave to somebody or something else.',
  spend: 'Calls that cost money besides the model.',
  execute: 'Calls that run code.',
  tainted:
    'Calls that do more than look, once text that others may have written (a page, a file, a group) is in the context.',
} as const satisfies Record<keyof EffectRules, string>;

const rule = (key: keyof typeof about) => choice(about[key], decisions, { example: '"ask"' });

const layer = (words: string) =>
  table(words, {
    read: z.optional(rule('read')),
    write: z.optional(rule('write')),
    send: z.optional(rule('send')),
    spend: z.optional(rule('spend')),
    execute: z.optional(rule('execute')),
    tainted: z.optional(rule('tainted')),
  });

const strictest = 'of all that applies to a call the strictest holds';

const guest = () =>
  table(`What guests add to it; ${strictest}.`, {
    read: z.optional(rule('read')),
    write: withDefault(rule('write'), 'deny'),
    send: withDefault(rule('send'), 'deny'),
    spend: withDefault(rule('spend'), 'deny'),
    execute: withDefault(rule('execute'), 'deny'),
    tainted: z.optional(rule('tainted')),
  });

const toolPattern = /^[a-z*][a-z0-9_*]{0,63}$/;

export const policyTable = () =>
  table('What calls of tools are allowed, asked about, or refused.', {
    read: withDefault(rule('read'), 'allow'),
    write: withDefault(rule('write'), 'allow'),
    send: withDefault(rule('send'), 'ask'),
    spend: withDefault(rule('spend'), 'allow'),
    execute: withDefault(rule('execute'), 'ask'),
    tainted: withDefault(rule('tainted'), 'ask'),
    approval_timeout: withDefault(duration('How long a question can be answered.', '1m', '7d'), '1h'),
    tools: withDefault(
      choices(
        'Single tools, `*` for any characters: "allow" lifts an "ask" but no "deny"; "always" also lifts what `tainted` asks.',
        'names of tools',
        toolDecisions,
        (name) => (toolPattern.test(name) ? null : 'this is no name of a tool'),
        '{ send_message = "allow", "mcp_files__*" = "ask" }',
      ),
      {},
    ),
    roles: withDefault(
      table(`What a role adds to it; ${strictest}.`, {
        guest: withDefault(guest(), {}),
        member: withDefault(layer(`What members add to it; ${strictest}.`), {}),
        owner: withDefault(layer(`What owners add to it; ${strictest}.`), {}),
      }),
      {},
    ),
    channels: withDefault(
      named('By type of channel; `api` for API clients, `job` for jobs.', layer(`What a channel adds; ${strictest}.`)),
      {},
    ),
  });

/** `[agents.NAME.policy]` */
export const agentPolicyTable = () => layer(`What this agent adds to \`[tools.policy]\`; ${strictest}.`);

export type PolicyOptions = ValueOf<typeof policyTable>;

/** `agents`: what each agent by name adds. */
export function toolPolicyOf(
  { tools, roles, channels, read, write, send, spend, execute, tainted }: PolicyOptions,
  agents: Readonly<Record<string, ValueOf<typeof agentPolicyTable> | undefined>>,
): ToolPolicy {
  return {
    base: { read, write, send, spend, execute, tainted },
    tools,
    roles: { guest: rulesOf(roles.guest), member: rulesOf(roles.member), owner: rulesOf(roles.owner) },
    channels: each(channels),
    agents: each(agents),
  };
}

const each = (layers: Readonly<Record<string, ValueOf<typeof agentPolicyTable> | undefined>>): ToolPolicy['agents'] =>
  Object.fromEntries(Object.entries(layers).map(([name, options = {}]) => [name, rulesOf(options)]));

/** Without the keys that say nothing. */
const rulesOf = (options: ValueOf<typeof agentPolicyTable>): EffectRules =>
  Object.fromEntries(Object.entries(options).filter(([, decision]) => decision !== undefined));
