/** Every command there is. A handler is loaded when its command runs, so that no command pays for another. */
import { type Command, clientOptions, json, limit, need } from './command.ts';
import { peopleCommands } from './people-commands.ts';
import { scheduleCommands } from './schedule-commands.ts';
import { sessionCommands } from './session-commands.ts';
import { toolCommands } from './tool-commands.ts';
import { upkeepCommands } from './upkeep-commands.ts';

export const commands: readonly Command[] = [
  {
    name: 'gateway',
    summary: 'run the gateway until it is told to stop',
    options: [
      { name: 'host', value: 'HOST', help: 'the address to listen on (default 127.0.0.1)' },
      { name: 'port', short: 'p', value: 'PORT', help: 'the port to listen on (default 18789)' },
      { name: 'tls', help: 'serve HTTPS with the certificate of server.tls' },
    ],
    load: async () => (await import('./commands/gateway.ts')).gateway,
  },
  {
    name: 'chat',
    summary: 'talk to the assistant in the terminal; with -m ask once and print only the reply',
    options: [
      { name: 'message', short: 'm', value: 'TEXT', help: 'ask once; "-" reads standard input', multiline: true },
      { name: 'session', value: 'KEY', help: 'the session to talk in (default cli)' },
      { name: 'dry-run', help: 'with -m: only try it; nothing is changed, sent or kept' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/chat.ts')).chat,
  },
  {
    name: 'replay',
    summary:
      'play a recorded run again: from the recording, or against another model or prompt; nothing is carried out',
    positionals: [need('RUN', 'the run')],
    options: [
      { name: 'model', value: 'MODEL', help: 'provider/model that is asked instead' },
      { name: 'prompt', value: 'FILE', help: 'a file with another system prompt' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/replay.ts')).replay,
  },
  {
    name: 'send',
    summary: 'deliver a message through a channel and wait until it has arrived',
    options: [
      { name: 'channel', short: 'c', value: 'CHANNEL', help: 'such as telegram or telegram:main' },
      { name: 'channel-id', value: 'ID', help: "the platform's id of the chat, or of a person who talks to it" },
      { name: 'thread', value: 'ID', help: 'the topic or thread inside the chat' },
      { name: 'message', short: 'm', value: 'TEXT', help: 'the text; "-" reads standard input', multiline: true },
      { name: 'file', value: 'PATH', help: 'a file to send along, at most 20 MB' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/send.ts')).send,
  },
  {
    name: 'status',
    summary: 'what runs, since when, per channel and provider, and who was turned away',
    options: clientOptions,
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'health',
    summary: 'whether the gateway is alive and ready; exit 1 when it is not',
    options: clientOptions,
    load: async () => (await import('./commands/status.ts')).health,
  },
  {
    name: 'why',
    summary: 'the story of one message: received, authorised, queued, model, tool, delivered, and where it stopped',
    positionals: [need('MESSAGE_ID', 'the id of the message, msg_…')],
    options: clientOptions,
    load: async () => (await import('./commands/why.ts')).why,
  },
  {
    name: 'doctor',
    summary: 'find what is wrong and say the fix; exit 1 if anything is',
    options: [json, { name: 'offline', help: 'ask no provider and no channel' }],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'audit',
    summary: 'find what is unsafe and say the fix; exit 1 if anything is',
    options: [json, { name: 'offline', help: 'ask no provider and no channel' }],
    load: async () => (await import('./commands/doctor.ts')).audit,
  },
  {
    name: 'audit log',
    summary: 'who did what to the gateway, newest first',
    options: [
      { name: 'action', value: 'ACTION', help: 'only this, such as token.created' },
      { name: 'actor', value: 'ID', help: 'only by this token, account or person' },
      { name: 'since', value: 'TIME', help: 'only after this, such as 2026-01-31 or 7d' },
      limit,
      ...clientOptions,
    ],
    load: async () => (await import('./commands/audit.ts')).log,
  },
  {
    name: 'audit verify',
    summary: 'check that nothing in the audit log was changed or removed; exit 1 if something was',
    options: clientOptions,
    load: async () => (await import('./commands/audit.ts')).verify,
  },
  {
    name: 'config generate',
    alias: 'config-generate',
    summary: 'write a commented configuration file',
    options: [
      { name: 'path', short: 'p', value: 'FILE', help: 'where to (default config.toml); "-" prints it' },
      { name: 'force', help: 'replace a file that is there' },
    ],
    load: async () => (await import('./commands/config.ts')).generate,
  },
  {
    name: 'config validate',
    alias: 'config-validate',
    summary: 'check the configuration; exit 78 with every problem when it is invalid',
    options: [json],
    load: async () => (await import('./commands/config.ts')).validate,
  },
  {
    name: 'config show',
    summary: 'the configuration in force, secrets masked, each value with its source',
    options: [json],
    load: async () => (await import('./commands/config.ts')).show,
  },
  ...sessionCommands,
  ...peopleCommands,
  ...toolCommands,
  {
    name: 'usage',
    summary: 'what models were used for, and what is left of the budgets',
    options: [
      { name: 'days', value: 'N', help: 'whole days (UTC), 1 to 366 (default 30)' },
      { name: 'person', value: 'PERSON', help: 'of one person' },
      { name: 'channel', value: 'CHANNEL', help: 'on one channel such as telegram, or api' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/usage.ts')).usage,
  },
  ...scheduleCommands,
  ...upkeepCommands,
];

/** Words that belong to later versions: refused as such, never listed. */
export const laterCommands: ReadonlySet<string> = new Set(['init', 'memory', 'import', 'config import']);
