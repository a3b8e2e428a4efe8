/**
 * The whole configuration: every key with its form, default and meaning. Adapters describe their own part in their
 * options.ts; what is composed here is the one source of messages, `config generate` and docs/CONFIG.md.
 */
import * as z from 'zod/mini';
import { serverOptions } from '../adapters/http/options.ts';
import { mcpOptions } from '../adapters/mcp/options.ts';
import { loggingOptions } from '../adapters/logging/options.ts';
import { metricsOptions } from '../adapters/metrics/options.ts';
import { providersOptions } from '../adapters/providers/options.ts';
import type { ProviderOptions } from '../adapters/providers/options.ts';
import { skillsOptions } from '../adapters/tools/skills/options.ts';
import { databaseOptions } from '../adapters/store/sqlite/options.ts';
import { backupTable } from './backup.ts';
import { budgetsTable } from './budgets.ts';
import { schedulerTable, tasksTable } from './scheduler.ts';
import { channelsTable, type ConfiguredChannels } from './channels.ts';
import { agentPolicyTable } from './tool-policy.ts';
import { pluginsTable } from './plugins.ts';
import { retentionTable } from './retention.ts';
import { toolsTable } from './tools.ts';
import { webhooksTable } from './webhooks.ts';
import { memoryOptions } from '../adapters/tools/notes/options.ts';
import {
  choice,
  duration,
  flag,
  integer,
  list,
  named,
  number,
  rows,
  table,
  text,
  withDefault,
  type ValueOf,
} from '../core/fields.ts';
import { whileUsed } from '../core/while-used.ts';

const agentFields = () => ({
  system_prompt: text('What the model is told before every conversation.', 'a text', {
    empty: true,
    example: '"Answer in one sentence."',
  }),
  prompt: text(
    'A Markdown file that holds the system prompt, beside the configuration. Its front matter (`model`, `temperature`, `max_tokens`, `history_window`, `tools`, `skills`) fills what this table does not say.',
    'the path of a file',
    { example: '"prompts/support.md"' },
  ),
  skills: list('Names of skills that it may use; `*` stands for any characters.', 'a list of names', () => null, {
    example: '["pdf-*", "invoices"]',
  }),
  model: text('The model of this agent.', 'a provider name or "provider/model"', {
    computed: '`providers.default`',
    example: '"openai/gpt-5-mini"',
  }),
  history_window: integer('Exchanges (a question and its answer) of the session that the model sees again.', 0, 1000, {
    example: '6',
  }),
  max_tokens: integer('The longest answer, in tokens.', 1, 1_000_000, {
    computed: "the provider's own",
    example: '1024',
  }),
  temperature: number('How freely the model chooses its words.', 0, 2, {
    computed: "the provider's own",
    example: '0.7',
  }),
  queue_mode: choice(
    'For chat channels: messages that arrive while a run is active wait their turn, are answered together, stop it, or join it between two of its steps.',
    ['followup', 'collect', 'interrupt', 'steer'],
    { example: '"collect"' },
  ),
  tools: list(
    'Tools that it may use, by name or by group; `*` stands for any characters, `!` in front takes away, the last one that fits decides.',
    'a list of names such as ["*", "!exec"]',
    () => null,
    { example: '["notes", "web", "mcp_github__get_*"]' },
  ),
  record: flag(
    'Whether its runs are kept, with what the model was asked and answered, to be played again by `replay`.',
    { example: 'true' },
  ),
  run_timeout: duration(
    'The longest run. The last tenth of it, at most a minute, is kept for an answer in words.',
    '1s',
    null,
    {
      example: '"2m"',
    },
  ),
  steps: integer('Calls of the model in one run; the last one must answer in words.', 1, 1000, { example: '10' }),
  calls_per_step: integer('Calls of tools that are carried out of one answer of the model.', 1, 64, { example: '4' }),
  context_tokens: integer(
    'Tokens of a request, the answer included. What a conversation has more is summarised, then left out.',
    1024,
    10_000_000,
    { example: '100000' },
  ),
  cost: number('US dollars of one run; at it the model must answer in words.', 0, 1_000_000, {
    computed: 'no limit',
    example: '0.5',
  }),
});

const agentOptions = (fields = agentFields()) =>
  table('The agent that answers.', {
    system_prompt: withDefault(
      fields.system_prompt,
      'You are a helpful assistant. Answer in the language of the question, briefly and truthfully.',
    ),
    prompt: z.optional(fields.prompt),
    skills: withDefault(fields.skills, ['*']),
    model: z.optional(fields.model),
    history_window: withDefault(fields.history_window, 6),
    max_tokens: z.optional(fields.max_tokens),
    temperature: z.optional(fields.temperature),
    queue_mode: withDefault(fields.queue_mode, 'followup'),
    tools: withDefault(fields.tools, ['*']),
    record: withDefault(fields.record, false),
    limits: withDefault(
      table('Where a run ends.', {
        run_timeout: withDefault(fields.run_timeout, '10m'),
        steps: withDefault(fields.steps, 25),
        calls_per_step: withDefault(fields.calls_per_step, 8),
        context_tokens: withDefault(fields.context_tokens, 32_000),
        cost: z.optional(fields.cost),
      }),
      {},
    ),
  });

const furtherAgent = (fields = agentFields()) =>
  table('A further agent; what it does not say is as in `[agent]`.', {
    system_prompt: z.optional(fields.system_prompt),
    prompt: z.optional(fields.prompt),
    skills: z.optional(fields.skills),
    model: z.optional(fields.model),
    history_window: z.optional(fields.history_window),
    max_tokens: z.optional(fields.max_tokens),
    temperature: z.optional(fields.temperature),
    tools: z.optional(fields.tools),
    record: z.optional(fields.record),
    limits: z.optional(
      table('Where a run ends.', {
        run_timeout: z.optional(fields.run_timeout),
        steps: z.optional(fields.steps),
        calls_per_step: z.optional(fields.calls_per_step),
        context_tokens: z.optional(fields.context_tokens),
        cost: z.optional(fields.cost),
      }),
    ),
    policy: z.optional(agentPolicyTable()),
  });

const sessionsOptions = () =>
  table('How long conversations live.', {
    scope: withDefault(choice('What has a session of its own.', ['conversation']), 'conversation'),
    max_age: z.optional(
      duration('A session idle for this long begins anew.', '1m', null, { computed: 'never', example: '"7d"' }),
    ),
    max_history_messages: z.optional(
      integer('Messages kept per session; the oldest go first.', 10, 10_000_000, { computed: 'all', example: '10000' }),
    ),
    retention: withDefault(retentionTable(), {}),
  });

const bindingRows = () =>
  rows(
    'Which agent answers where, the first that fits: a key that is left out fits everything. What a request names wins.',
    {
      agent: text('The agent.', 'a name under `[agents]`'),
      channel: z.optional(
        text('Where.', 'a type of channel such as "telegram", or an account such as "telegram:work"'),
      ),
      conversation: z.optional(text('In which chat.', "the platform's id of a chat")),
      role: z.optional(choice('For whom.', ['guest', 'member', 'owner'])),
    },
    'agent = "brief"\nchannel = "telegram"\nrole = "guest"',
  );

const wholeSchema = () =>
  table('The configuration of Open Clanker.', {
    server: withDefault(serverOptions(), {}),
    providers: withDefault(providersOptions(), {}),
    agent: withDefault(agentOptions(), {}),
    agents: withDefault(named('Further agents, chosen by `agent` of a request.', furtherAgent()), {}),
    bindings: withDefault(bindingRows(), []),
    channels: withDefault(channelsTable(), {}),
    database: withDefault(databaseOptions(), {}),
    sessions: withDefault(sessionsOptions(), {}),
    memory: withDefault(memoryOptions(), {}),
    tools: withDefault(toolsTable(), {}),
    skills: withDefault(skillsOptions(), {}),
    plugins: withDefault(pluginsTable(), {}),
    mcp: withDefault(mcpOptions(), {}),
    scheduler: withDefault(schedulerTable(), {}),
    tasks: withDefault(tasksTable(), {}),
    backup: withDefault(backupTable(), {}),
    budgets: withDefault(budgetsTable(), {}),
    webhooks: withDefault(webhooksTable(), {}),
    logging: withDefault(loggingOptions(), {}),
    metrics: withDefault(metricsOptions(), {}),
  });

/**
 * The file as a person writes it. `buildConfig` turns what is read into the Config that the program uses. Tables are
 * functions: a schema is thousands of small objects, 2 MB that a gateway needs for the moment of a load only.
 */
export const configSchema = whileUsed(wholeSchema);

export type WrittenConfig = ValueOf<typeof wholeSchema>;
export type AgentOptions = ValueOf<typeof agentOptions> & { policy?: ValueOf<typeof agentPolicyTable> };
export type { ProviderOptions };

/** A configured provider: defaults of its name and place filled in. `base_url` of `demo` is never called. */
export type ConfiguredProvider = ProviderOptions & {
  [K in 'base_url' | 'headers_timeout' | 'first_output_timeout' | 'idle_timeout']-?: NonNullable<ProviderOptions[K]>;
};

/**
 * What the program gets. Keys as in the file; durations in milliseconds, sizes in bytes, secrets as Secret, paths
 * absolute. Named tables are apart from the fixed keys beside them.
 */
export type Config = Omit<WrittenConfig, 'providers' | 'agents' | 'channels' | 'database'> & {
  providers: { default?: string; fallback: string[]; named: Record<string, ConfiguredProvider> };
  agents: Record<string, AgentOptions>;
  channels: ConfiguredChannels;
  database: { path: string };
};

/** Keys of the design that this version does not have yet; `*` is any name. */
export const laterKeys: readonly string[] = ['bridge', 'database.url', 'media', 'search'];
