/**
 * The whole configuration: every key with its form, default and meaning. Adapters describe their own part in their
 * options.ts; what is composed here is the one source of messages, `config generate` and docs/CONFIG.md.
 */
import * as z from 'zod/mini';
import { serverOptions } from '../adapters/http/options.ts';
import { loggingOptions } from '../adapters/logging/options.ts';
import { metricsOptions } from '../adapters/metrics/options.ts';
import { providersOptions } from '../adapters/providers/options.ts';
import type { ProviderOptions } from '../adapters/providers/options.ts';
import { databaseOptions } from '../adapters/store/sqlite/options.ts';
import { channelsTable, type ConfiguredChannels } from './channels.ts';
import { agentPolicyTable } from './tool-policy.ts';
import { toolsTable } from './tools.ts';
import { choice, duration, integer, list, named, number, table, text, withDefault } from '../core/fields.ts';

const agentFields = {
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
    'For chat channels: messages that arrive while a run is active wait their turn, are answered together, or stop it.',
    ['followup', 'collect', 'interrupt'],
    { example: '"collect"' },
  ),
  run_timeout: duration('The longest run.', '1s', null, { example: '"2m"' }),
};

const agentOptions = table('The agent that answers.', {
  system_prompt: withDefault(
    agentFields.system_prompt,
    'You are a helpful assistant. Answer in the language of the question, briefly and truthfully.',
  ),
  prompt: z.optional(agentFields.prompt),
  skills: withDefault(agentFields.skills, ['*']),
  model: z.optional(agentFields.model),
  history_window: withDefault(agentFields.history_window, 6),
  max_tokens: z.optional(agentFields.max_tokens),
  temperature: z.optional(agentFields.temperature),
  queue_mode: withDefault(agentFields.queue_mode, 'followup'),
  limits: withDefault(table('Where a run ends.', { run_timeout: withDefault(agentFields.run_timeout, '10m') }), {}),
});

const furtherAgent = table('A further agent; what it does not say is as in `[agent]`.', {
  system_prompt: z.optional(agentFields.system_prompt),
  prompt: z.optional(agentFields.prompt),
  skills: z.optional(agentFields.skills),
  model: z.optional(agentFields.model),
  history_window: z.optional(agentFields.history_window),
  max_tokens: z.optional(agentFields.max_tokens),
  temperature: z.optional(agentFields.temperature),
  limits: z.optional(table('Where a run ends.', { run_timeout: z.optional(agentFields.run_timeout) })),
  policy: z.optional(agentPolicyTable),
});

const sessionsOptions = table('How long conversations live.', {
  scope: withDefault(choice('What has a session of its own.', ['conversation']), 'conversation'),
  max_age: z.optional(
    duration('A session idle for this long begins anew.', '1m', null, { computed: 'never', example: '"7d"' }),
  ),
  max_history_messages: z.optional(
    integer('Messages kept per session; the oldest go first.', 10, 10_000_000, { computed: 'all', example: '10000' }),
  ),
});

/** The file as a person writes it. `configOf` turns its output into the Config that the program uses. */
export const configSchema = table('The configuration of Open Clanker.', {
  server: withDefault(serverOptions, {}),
  providers: withDefault(providersOptions, {}),
  agent: withDefault(agentOptions, {}),
  agents: withDefault(named('Further agents, chosen by `agent` of a request.', furtherAgent), {}),
  channels: withDefault(channelsTable, {}),
  database: withDefault(databaseOptions, {}),
  sessions: withDefault(sessionsOptions, {}),
  tools: withDefault(toolsTable, {}),
  logging: withDefault(loggingOptions, {}),
  metrics: withDefault(metricsOptions, {}),
});

export type WrittenConfig = z.output<typeof configSchema>;
export type AgentOptions = z.output<typeof agentOptions> & { policy?: z.output<typeof agentPolicyTable> };
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
export const laterKeys: readonly string[] = [
  'agent.tools',
  'agents.*.tools',
  'bindings',
  'bridge',
  'budgets',
  'database.url',
  'mcp',
  'media',
  'memory',
  'scheduler',
  'search',
  'sessions.retention',
  'skills',
  'tasks',
  'webhooks',
];

/** Values of the design that this version does not have yet. */
export const laterValues: Readonly<Record<string, readonly string[]>> = {
  queue_mode: ['steer'],
};
