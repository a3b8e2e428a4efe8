/** Every command there is. A handler is loaded when its command runs, so that no command pays for another. */
import { type Command, clientOptions, type Positional } from './command.ts';

const need = (name: string, help: string): Positional => ({ name, required: true, help });
const may = (name: string, help: string): Positional => ({ name, required: false, help });
const json = { name: 'json', help: 'print JSON' };
const limit = { name: 'limit', value: 'N', help: 'how many at most (default 50)' };

export const commands: readonly Command[] = [
  {
    name: 'gateway',
    summary: 'run the gateway until it is told to stop',
    positionals: [],
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
    positionals: [],
    options: [
      { name: 'message', short: 'm', value: 'TEXT', help: 'ask once; "-" reads standard input', multiline: true },
      { name: 'session', value: 'KEY', help: 'the session to talk in (default cli)' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/chat.ts')).chat,
  },
  {
    name: 'send',
    summary: 'deliver a message through a channel and wait until it has arrived',
    positionals: [],
    options: [
      { name: 'channel', short: 'c', value: 'CHANNEL', help: 'such as telegram or telegram:main' },
      { name: 'channel-id', value: 'ID', help: "the platform's id of the chat" },
      { name: 'thread', value: 'ID', help: 'the topic or thread inside the chat' },
      { name: 'message', short: 'm', value: 'TEXT', help: 'the text; "-" reads standard input', multiline: true },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/send.ts')).send,
  },
  {
    name: 'status',
    summary: 'what runs, since when, per channel and provider, and who was turned away',
    positionals: [],
    options: clientOptions,
    load: async () => (await import('./commands/status.ts')).status,
  },
  {
    name: 'health',
    summary: 'whether the gateway is alive and ready; exit 1 when it is not',
    positionals: [],
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
    positionals: [],
    options: [json, { name: 'offline', help: 'ask no provider and no channel' }],
    load: async () => (await import('./commands/doctor.ts')).doctor,
  },
  {
    name: 'config generate',
    alias: 'config-generate',
    summary: 'write a commented configuration file',
    positionals: [],
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
    positionals: [],
    options: [json],
    load: async () => (await import('./commands/config.ts')).validate,
  },
  {
    name: 'config show',
    summary: 'the configuration in force, secrets masked, each value with its source',
    positionals: [],
    options: [json],
    load: async () => (await import('./commands/config.ts')).show,
  },
  {
    name: 'sessions list',
    summary: 'the sessions, most recent first',
    positionals: [],
    options: [limit, ...clientOptions],
    load: async () => (await import('./commands/sessions.ts')).list,
  },
  {
    name: 'sessions show',
    summary: 'the latest messages of a session',
    positionals: [need('KEY', 'the session')],
    options: [limit, ...clientOptions],
    load: async () => (await import('./commands/sessions.ts')).show,
  },
  {
    name: 'sessions export',
    summary: 'all messages of a session, one JSON object a line',
    positionals: [need('KEY', 'the session')],
    options: clientOptions,
    load: async () => (await import('./commands/sessions.ts')).exportSession,
  },
  {
    name: 'sessions reset',
    summary: 'begin a new history in a session',
    positionals: [need('KEY', 'the session')],
    options: clientOptions,
    load: async () => (await import('./commands/sessions.ts')).reset,
  },
  {
    name: 'sessions delete',
    summary: 'remove a session and its history',
    positionals: [need('KEY', 'the session')],
    options: clientOptions,
    load: async () => (await import('./commands/sessions.ts')).remove,
  },
  {
    name: 'tokens create',
    summary: 'make an access token; prints only the token',
    positionals: [],
    options: [
      { name: 'name', value: 'NAME', help: 'what it is for' },
      { name: 'scopes', value: 'LIST', help: 'of read, send, manage, admin, with commas' },
      { name: 'expires', value: 'WHEN', help: 'a duration such as 30d, or a date' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/tokens.ts')).create,
  },
  {
    name: 'tokens list',
    summary: 'the tokens, without their secrets',
    positionals: [],
    options: clientOptions,
    load: async () => (await import('./commands/tokens.ts')).list,
  },
  {
    name: 'tokens rotate',
    summary: 'replace the secret of a token; prints only the new token',
    positionals: [may('ID', 'the token (default: the operator token of this machine)')],
    options: clientOptions,
    load: async () => (await import('./commands/tokens.ts')).rotate,
  },
  {
    name: 'tokens revoke',
    summary: 'make a token useless at once and close what it had open',
    positionals: [need('ID', 'the token, tok_…')],
    options: clientOptions,
    load: async () => (await import('./commands/tokens.ts')).revoke,
  },
  {
    name: 'dead list',
    summary: 'messages that could not be answered or delivered',
    positionals: [],
    options: [limit, ...clientOptions],
    load: async () => (await import('./commands/dead.ts')).list,
  },
  {
    name: 'dead show',
    summary: 'one dead letter in full',
    positionals: [need('ID', 'the dead letter')],
    options: clientOptions,
    load: async () => (await import('./commands/dead.ts')).show,
  },
  {
    name: 'dead retry',
    summary: 'queue a dead letter again',
    positionals: [need('ID', 'the dead letter')],
    options: clientOptions,
    load: async () => (await import('./commands/dead.ts')).retry,
  },
  {
    name: 'dead clear',
    summary: 'forget a dead letter, or all with --all',
    positionals: [may('ID', 'the dead letter')],
    options: [{ name: 'all', help: 'every dead letter' }, ...clientOptions],
    load: async () => (await import('./commands/dead.ts')).clear,
  },
];

/** Words that belong to later versions: refused as such, never listed. */
export const laterCommands: ReadonlySet<string> = new Set([
  'init',
  'audit',
  'jobs',
  'tasks',
  'notes',
  'memory',
  'people',
  'pairing',
  'logs',
  'backup',
  'restore',
  'import',
  'config import',
  'sessions import',
]);
