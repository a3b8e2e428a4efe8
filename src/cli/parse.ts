/** Words of a command line → what was asked. Strict: what is not understood is refused, never guessed. */
import { nearest } from '../config/nearest.ts';
import { type Command, CliError, globalOptions, json, type Option, Options } from './command.ts';
import { usageHint } from './help.ts';

export type Parsed =
  | { kind: 'version' }
  /** `topic` is a command's name, a group (`sessions`), or empty for the overview. */
  | { kind: 'help'; topic: string }
  | { kind: 'run'; command: Command; options: Options; positionals: string[] };

/** Characters of one argument; a longer text goes through standard input. */
const maxArgumentLength = 64 * 1024;

const wrongUse = (message: string, command?: Command, group = ''): CliError =>
  new CliError(`${message}. Usage: ${usageHint(command?.name ?? group, command)}`, 2);

export function parse(args: readonly string[], commands: readonly Command[], later: ReadonlySet<string>): Parsed {
  for (const word of args) {
    if (word.includes('\0')) throw wrongUse('an argument holds a NUL character');
    if (word.length > maxArgumentLength) {
      throw wrongUse(`an argument is longer than ${maxArgumentLength} characters; pass long texts with "-m -"`);
    }
  }
  const words = [...args];
  const given = new Map<string, string | true>();
  const anywhere = [...globalOptions, json];
  const before = takeOptions(words, anywhere, given, undefined);
  let name = before ?? '';
  const group = commands.some((command) => command.name.startsWith(`${name} `));
  // `audit` is a command of its own beside `audit log`.
  const alone = commands.some((command) => command.name === name);
  if (group && (!alone || commands.some((command) => command.name === `${name} ${words[0]}`))) {
    const action = takeOptions(words, anywhere, given, undefined);
    if (action !== undefined) name += ` ${action}`;
  }
  const known = commands.find((command) => command.name === name || command.alias === name);
  if (known === undefined || name === 'help') {
    if (given.has('version') && name === '') return { kind: 'version' };
    return withoutCommand(name, group, given.has('help'), words, commands, later);
  }

  const declared = [...known.options, ...globalOptions.filter((option) => !hides(known, option))];
  if (given.has(json.name) && !hides(known, json)) throw wrongUse(`${known.name} has no --json`, known);
  const positionals: string[] = [];
  let positional = takeOptions(words, declared, given, known);
  while (positional !== undefined) {
    positionals.push(positional);
    positional = takeOptions(words, declared, given, known);
  }
  if (given.has('help')) return { kind: 'help', topic: known.name };
  checkPositionals(positionals, known);
  return {
    kind: 'run',
    command: known,
    options: new Options(
      declared.map((option) => option.name),
      given,
    ),
    positionals,
  };
}

const hides = (command: Command, global: Option): boolean =>
  command.options.some((option) => option.name === global.name);

/** Takes options off the front of `words` into `given`; returns the first word that is none, or undefined at the end. */
function takeOptions(
  words: string[],
  declared: readonly Option[],
  given: Map<string, string | true>,
  command: Command | undefined,
): string | undefined {
  let word = words.shift();
  for (; word !== undefined; word = words.shift()) {
    if (word === '--') {
      const rest = words.splice(0);
      // What follows "--" is never an option: it goes back marked as plain.
      words.push(...rest.map((plain) => plainMark + plain));
      continue;
    }
    if (word.startsWith(plainMark)) return word.slice(plainMark.length);
    if (!word.startsWith('-') || word === '-') return word;
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const spelled = equals < 0 ? word : word.slice(0, equals);
    const option = findOption(spelled, declared);
    if (option === undefined) {
      const meant = nearest(
        spelled,
        declared.map((known) => `--${known.name}`),
      );
      throw wrongUse(`unknown option "${printable(spelled)}"${guess(meant)}`, command);
    }
    if (given.has(option.name)) throw wrongUse(`--${option.name} is given twice`, command);
    if (option.value === undefined) {
      if (equals >= 0) throw wrongUse(`--${option.name} takes no value`, command);
      given.set(option.name, true);
    } else {
      const value = equals < 0 ? takeValue(words, declared) : word.slice(equals + 1);
      if (value === undefined || value === '') throw wrongUse(`--${option.name} needs ${option.value}`, command);
      if (option.multiline !== true) refuseControls(value, `--${option.name}`, command);
      given.set(option.name, value);
    }
  }
  return undefined;
}

/** NUL was refused above, so no argument can begin with it. */
const plainMark = '\0';

/** The next word, unless it is an option itself: a negative chat id is a value, a forgotten value is not `--json`. */
function takeValue(words: string[], declared: readonly Option[]): string | undefined {
  const [next] = words;
  if (next === undefined || next.startsWith(plainMark) || next === '--') return undefined;
  return findOption(next.split('=', 1)[0] ?? '', declared) === undefined ? words.shift() : undefined;
}

/** A command's own options stand first, so that its short names win over the global ones. */
const findOption = (spelled: string, declared: readonly Option[]): Option | undefined =>
  declared.find((option) => spelled === `--${option.name}` || (option.short && spelled === `-${option.short}`));

function checkPositionals(positionals: readonly string[], command: Command): void {
  const { positionals: known = [] } = command;
  const missing = known[positionals.length];
  if (missing?.required === true) throw wrongUse(`${missing.name} is missing`, command);
  const extra = positionals[known.length];
  if (extra !== undefined) {
    const quotes = positionals.length > 1 ? ' (what has blanks in it is put in quotes)' : '';
    throw wrongUse(`unexpected argument "${printable(extra)}"${quotes}`, command);
  }
  for (const [index, value] of positionals.entries()) {
    refuseControls(value, known[index]?.name ?? '', command);
  }
}

function refuseControls(value: string, name: string, command: Command | undefined): void {
  if (/\p{Cc}/u.test(value)) throw wrongUse(`${name} holds a line break or another control character`, command);
}

function withoutCommand(
  name: string,
  group: boolean,
  helpAsked: boolean,
  rest: readonly string[],
  commands: readonly Command[],
  later: ReadonlySet<string>,
): Parsed {
  const [first = ''] = name.split(' ');
  if (first === 'help') {
    const topic = rest.filter((word) => !word.startsWith('-')).join(' ');
    const exists = commands.some((command) => command.name === topic || command.name.startsWith(`${topic} `));
    if (topic !== '' && !exists) throw wrongUse(`there is no command "${printable(topic)}"`);
    return { kind: 'help', topic };
  }
  if (name === '' && !helpAsked && rest.length === 0) return { kind: 'help', topic: '' };
  if (later.has(name) || later.has(first)) {
    throw wrongUse(`"${later.has(name) ? name : first}" is not available in this version`);
  }
  const names = commands.map((command) => command.name);
  const actions = names.filter((known) => known.startsWith(`${first} `)).map((known) => known.slice(first.length + 1));
  if (name === '' || (group && name === first)) {
    if (helpAsked || name === '') return { kind: 'help', topic: name };
    throw wrongUse(`"${name}" needs one of ${actions.join(', ')}`, undefined, name);
  }
  if (group) {
    const near = guess(nearest(name, names));
    throw wrongUse(`there is no command "${printable(name)}"${near}, only ${actions.join(', ')}`, undefined, first);
  }
  const meant =
    nearest(name, names) ??
    nearest(
      first,
      names.map((known) => known.split(' ', 1)[0] ?? known),
    );
  throw wrongUse(`there is no command "${printable(name)}"${guess(meant)}`);
}

const guess = (meant: string | null): string => (meant === null ? '' : ` (did you mean ${meant}?)`);

const printable = (text: string): string => text.replaceAll(/\p{Cc}/gu, '?').slice(0, 60);
