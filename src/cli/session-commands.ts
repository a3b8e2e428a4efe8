/** The commands of sessions. */
import { type Command, clientOptions, limit, need } from './command.ts';

export const sessionCommands: readonly Command[] = [
  {
    name: 'sessions list',
    summary: 'the sessions, most recent first',
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
    name: 'sessions import',
    summary: 'bring in an exported session as a new one of your own',
    positionals: [need('FILE', 'what "sessions export" printed')],
    options: [{ name: 'session', value: 'KEY', help: 'its key (default: from the file)' }, ...clientOptions],
    load: async () => (await import('./commands/sessions.ts')).importSession,
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
    name: 'sessions cleanup',
    summary: 'let sessions that nobody used for long begin a new history',
    options: [{ name: 'max-age', value: 'DURATION', help: 'unused for so long, such as 30d' }, ...clientOptions],
    load: async () => (await import('./commands/sessions.ts')).cleanup,
  },
];
