/** One command from its words to its exit code. */
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';
import { ClankerError } from '../core/errors.ts';
import { redact } from '../core/redact.ts';
import { version } from '../version.ts';
import { CliError, type Host } from './command.ts';
import { commands, laterCommands } from './commands.ts';
import { helpOf } from './help.ts';
import { parse } from './parse.ts';
import { homeFolder, workingFolder } from './surroundings.ts';
import { ProcessTerminal } from './terminal.ts';

/** Runs on this process; what a closed pipe refuses ends the program quietly. */
export async function runCli(args: readonly string[], given: Pick<Host, 'runGateway' | 'offline'>): Promise<number> {
  const { stdout, stderr } = process;
  for (const stream of [stdout, stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0);
      const reason = error.code === 'ENOSPC' ? fileErrors.ENOSPC : (error.code ?? error.message);
      writeSync(2, `open-clanker: the output cannot be written: ${reason}.\n`);
      process.exit(1);
    });
  }
  const interactive = isatty(0) && isatty(1);
  // Standard input is opened by the commands that read it: 10 ms that the others do without.
  const terminal = new ProcessTerminal(() => process.stdin, stdout, stderr, interactive);
  const [cwd, home] = [workingFolder(), homeFolder()];
  return await execute(args, { ...given, env: process.env, cwd, home, terminal });
}

export async function execute(args: readonly string[], host: Host): Promise<number> {
  const { terminal } = host;
  try {
    const parsed = parse(args, commands, laterCommands);
    if (parsed.kind === 'version') {
      terminal.line(version);
      return 0;
    }
    if (parsed.kind === 'help') {
      terminal.write(helpOf(parsed.topic, commands));
      return 0;
    }
    const { command, options, positionals } = parsed;
    const handler = await command.load();
    return await handler({ ...host, options, positionals });
  } catch (error) {
    return explain(error, terminal);
  }
}

function explain(error: unknown, terminal: Host['terminal']): number {
  if (error instanceof CliError) {
    terminal.complain(`open-clanker: ${error.message}`);
    return error.exitCode;
  }
  if (error instanceof ClankerError) {
    terminal.complain(error.message.replaceAll(/^/gm, 'open-clanker: '));
    return error.kind === 'config' ? 78 : error.kind === 'invalid_input' ? 2 : 1;
  }
  if (isFileError(error)) {
    terminal.complain(`open-clanker: ${error.path} cannot be used: ${fileErrors[error.code]}.`);
    return 1;
  }
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
  terminal.complain(`open-clanker: this is a bug, please report it: ${redact(detail)}`);
  return 1;
}

/** What the machine says of a file or folder that somebody named, in words. */
const fileErrors = {
  EACCES: 'it is not yours to read or write',
  EPERM: 'it is not yours to read or write',
  EROFS: 'the disk is read-only',
  ENOSPC: 'the disk is full',
  ENOENT: 'it is not there',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'it is a folder',
  EEXIST: 'it is a file',
} as const;

const isFileError = (error: unknown): error is Error & { code: keyof typeof fileErrors; path: string } =>
  error instanceof Error &&
  'path' in error &&
  typeof error.path === 'string' &&
  'code' in error &&
  Object.hasOwn(fileErrors, String(error.code));
