/** The commands of what is kept: backups, the log, dead letters. */
import { type Command, clientOptions, limit, may, need } from './command.ts';

export const upkeepCommands: readonly Command[] = [
  {
    name: 'backup',
    summary: 'write all data to a new folder, while the gateway runs or not, and read it again',
    positionals: [need('PATH', 'the folder; it must not be there')],
    options: clientOptions,
    load: async () => (await import('./commands/backup.ts')).backup,
  },
  {
    name: 'restore',
    summary: 'put a backup in the place of the data; what was there is kept aside',
    positionals: [need('PATH', 'the folder of the backup')],
    options: [{ name: 'yes', help: 'you mean it' }, ...clientOptions],
    load: async () => (await import('./commands/backup.ts')).restore,
  },
  {
    name: 'logs',
    summary: 'the last lines of the log',
    options: [
      { name: 'follow', short: 'f', help: 'go on with what is logged, also over restarts, until interrupted' },
      { name: 'level', value: 'LEVEL', help: 'only this and above: trace, debug, info, warn or error' },
      { name: 'since', value: 'TIME', help: 'only after this, such as 2026-01-31 or 10m' },
      { name: 'lines', short: 'n', value: 'N', help: 'how many at most (default 100)' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/logs.ts')).logs,
  },
  {
    name: 'dead list',
    summary: 'messages and tasks that could not be answered, delivered or done',
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
