/** The commands of what the agent has: plugins, skills, notes, and calls of tools that wait for a person. */
import { type Command, clientOptions, json, limit, may, need } from './command.ts';

const noteLimit = { name: 'limit', value: 'N', help: 'how many at most (default 20)' };

export const toolCommands: readonly Command[] = [
  {
    name: 'plugins list',
    summary: 'the configured plugins: what they ask for, their digests, and why one is not used',
    options: [json],
    load: async () => (await import('./commands/plugins.ts')).list,
  },
  {
    name: 'skills list',
    summary: 'the skills on disk, and the folders that cannot be one',
    options: [json],
    load: async () => (await import('./commands/skills.ts')).list,
  },
  {
    name: 'skills show',
    summary: 'one skill: its text and its files',
    positionals: [need('NAME', 'the skill')],
    options: [json],
    load: async () => (await import('./commands/skills.ts')).show,
  },
  {
    name: 'notes list',
    summary: 'your notes, last changed first',
    options: [noteLimit, ...clientOptions],
    load: async () => (await import('./commands/notes.ts')).list,
  },
  {
    name: 'notes search',
    summary: 'notes with some words, best first',
    positionals: [need('WORDS', 'the words, in quotes when there are several')],
    options: [noteLimit, ...clientOptions],
    load: async () => (await import('./commands/notes.ts')).search,
  },
  {
    name: 'notes get',
    summary: 'the text of a note',
    positionals: [need('TITLE', 'the title, in any case')],
    options: clientOptions,
    load: async () => (await import('./commands/notes.ts')).get,
  },
  {
    name: 'notes set',
    summary: 'keep a note; one of the same title is replaced',
    positionals: [need('TITLE', 'the title')],
    options: [
      { name: 'message', short: 'm', value: 'TEXT', help: 'the text; "-" reads standard input', multiline: true },
      { name: 'expires', value: 'WHEN', help: 'a duration such as 30d, or "never"' },
      ...clientOptions,
    ],
    load: async () => (await import('./commands/notes.ts')).set,
  },
  {
    name: 'notes delete',
    summary: 'delete a note for good, or all with --all',
    positionals: [may('TITLE', 'the title')],
    options: [{ name: 'all', help: 'every note' }, ...clientOptions],
    load: async () => (await import('./commands/notes.ts')).remove,
  },
  {
    name: 'approvals list',
    summary: 'calls of tools that wait for a person',
    options: [{ name: 'all', help: 'also those that were answered or have expired' }, limit, ...clientOptions],
    load: async () => (await import('./commands/approvals.ts')).list,
  },
  {
    name: 'approvals show',
    summary: 'one call in full',
    positionals: [need('ID', 'the question: appr_…, or the number it was shown with')],
    options: clientOptions,
    load: async () => (await import('./commands/approvals.ts')).show,
  },
  {
    name: 'approvals approve',
    summary: 'let a call be made; what comes of it is said where it was asked',
    positionals: [need('ID', 'the question: appr_…, or the number it was shown with')],
    options: clientOptions,
    load: async () => (await import('./commands/approvals.ts')).approve,
  },
  {
    name: 'approvals deny',
    summary: 'let a call not be made',
    positionals: [need('ID', 'the question: appr_…, or the number it was shown with')],
    options: clientOptions,
    load: async () => (await import('./commands/approvals.ts')).deny,
  },
];
