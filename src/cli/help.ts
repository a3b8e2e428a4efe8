/** Help texts, made from the command definitions. */
import { type Command, globalOptions, type Option } from './command.ts';

/** `open-clanker why MESSAGE_ID [--url URL] …` */
export function usageOf(command?: Command): string {
  if (command === undefined) return 'open-clanker COMMAND [OPTION …]; see open-clanker --help';
  const words = [
    ...command.positionals.map(({ name, required }) => (required ? name : `[${name}]`)),
    ...command.options.map((option) => `[${spelling(option)}]`),
  ];
  return ['open-clanker', command.name, ...words].join(' ');
}

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
    `Usage: open-clanker ${group === '' ? 'COMMAND' : `${group} ACTION`} [OPTION …]`,
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
    ...command.positionals.map(({ name, help }): [string, string] => [name, help]),
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
