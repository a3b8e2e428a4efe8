/** Help texts, made from the command definitions. */
import { type Command, globalOptions, type Option } from './command.ts';

/** Options of a command that are named in its usage; more of them are only listed by `--help`. */
const maxOptionsInUsage = 8;

/** `open-clanker why MESSAGE_ID [--url URL] …` */
export function usageOf({ name, positionals = [], options }: Command): string {
  const words = [
    ...positionals.map(({ name, required }) => (required ? name : `[${name}]`)),
    ...(options.length > maxOptionsInUsage ? ['[OPTION …]'] : options.map((option) => `[${spelling(option)}]`)),
  ];
  return ['open-clanker', name, ...words].join(' ');
}

/** The usage of a command, a group (`sessions`) or, for an empty topic, the program, and where the rest is said. */
export function usageHint(topic: string, command?: Command): string {
  if (command !== undefined && command.options.length <= maxOptionsInUsage) return usageOf(command);
  const usage = command === undefined ? `open-clanker ${wordsOf(topic)} [OPTION …]` : usageOf(command);
  return `${usage}; see open-clanker ${topic === '' ? '' : `${topic} `}--help`;
}

const wordsOf = (topic: string): string => (topic === '' ? 'COMMAND' : `${topic} ACTION`);

/** The overview, a group, or one command. */
export function helpOf(topic: string, commands: readonly Command[]): string {
  const command = commands.find(({ name }) => name === topic);
  if (command === undefined) return listing(topic, commands);
  const below = commands.filter(({ name }) => name.startsWith(`${topic} `));
  return details(command) + (below.length === 0 ? '' : `\nAlso: ${below.map(({ name }) => name).join(', ')}.\n`);
}

function listing(group: string, commands: readonly Command[]): string {
  const shown = commands.filter(({ name }) => group === '' || name.startsWith(`${group} `));
  return [
    ...(group === '' ? ['A self-hosted AI assistant gateway.', ''] : []),
    `Usage: open-clanker ${wordsOf(group)} [OPTION …]`,
    '',
    ...columns(shown.map(({ name, summary }) => [name, summary])),
    '',
    'Options of every command:',
    ...columns(globalOptions.map((option) => [spelling(option), option.help])),
    '',
    'Exit codes: 0 done, 1 failed, 2 wrong use, 78 invalid configuration.',
    'More on one: open-clanker COMMAND --help',
    '',
  ].join('\n');
}

function details(command: Command): string {
  const rows: [string, string][] = [
    ...(command.positionals ?? []).map(({ name, help }): [string, string] => [name, help]),
    ...command.options.map((option): [string, string] => [spelling(option), option.help]),
  ];
  return [
    `Usage: ${usageOf(command)}`,
    '',
    `${command.summary[0]?.toUpperCase() ?? ''}${command.summary.slice(1)}.`,
    ...(rows.length === 0 ? [] : ['', ...columns(rows)]),
    '',
  ].join('\n');
}

function spelling({ name, short, value }: Option): string {
  const long = value === undefined ? `--${name}` : `--${name} ${value}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

function columns(rows: [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
