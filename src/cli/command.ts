/** What a command is: data from which parsing, usage lines and `--help` come, and a handler loaded when it is needed. */
import type { BackupManifest, Restored } from '../core/backup.ts';
import type { LoadedConfig } from '../config/index.ts';
import type { Terminal } from './terminal.ts';

export interface Option {
  /** Without dashes: `channel-id`. */
  name: string;
  /** One letter, without dash. Before the command only global options count. */
  short?: string;
  /** How the value is called in help; absent: a switch. */
  value?: string;
  help: string;
  /** The value may hold line breaks and tabs (message texts). */
  multiline?: boolean;
}

export interface Positional {
  name: string;
  required: boolean;
  help: string;
}

export interface Command {
  /** `status`, or group and action: `sessions list`. */
  name: string;
  /** Another spelling: `config-generate`. */
  alias?: string;
  summary: string;
  /** Default: none. */
  positionals?: readonly Positional[];
  options: readonly Option[];
  load: () => Promise<Handler>;
}

export const need = (name: string, help: string): Positional => ({ name, required: true, help });
export const may = (name: string, help: string): Positional => ({ name, required: false, help });
export const limit: Option = { name: 'limit', value: 'N', help: 'how many at most (default 50)' };

/** Resolves with the exit code; throws CliError, ClankerError or ConfigError for what the caller prints in one line. */
export type Handler = (invocation: Invocation) => Promise<number>;

export interface GatewayOptions {
  file?: string;
  flags: { host?: string; port?: number; tls?: boolean; verbose?: boolean };
  env: NodeJS.ProcessEnv;
  cwd: string;
  home: string;
}

/** What is done to the data while no gateway is at work on them; rejects with `storage_locked` when one is. */
export interface Offline {
  /** `target` and `from` are absolute. */
  backupOffline(loaded: LoadedConfig, target: string): Promise<BackupManifest>;
  restoreOffline(loaded: LoadedConfig, from: string): Promise<Restored>;
}

/** The world a command runs in; a test gives its own. */
export interface Host {
  env: NodeJS.ProcessEnv;
  cwd: string;
  home: string;
  terminal: Terminal;
  /** Runs the daemon until it stops; resolves with the exit code. */
  runGateway: (options: GatewayOptions) => Promise<number>;
  offline: () => Promise<Offline>;
}

export interface Invocation extends Host {
  options: Options;
  positionals: readonly string[];
}

/** The options given, by long name. Asking for one the command does not declare is a bug and throws. */
export class Options {
  readonly #declared: ReadonlySet<string>;
  readonly #given: ReadonlyMap<string, string | true>;

  constructor(declared: Iterable<string>, given: ReadonlyMap<string, string | true>) {
    this.#declared = new Set(declared);
    this.#given = given;
  }

  has(name: string): boolean {
    return this.#get(name) !== undefined;
  }

  value(name: string): string | undefined {
    const value = this.#get(name);
    return value === true ? undefined : value;
  }

  #get(name: string): string | true | undefined {
    if (!this.#declared.has(name)) throw new TypeError(`the command does not declare --${name}`);
    return this.#given.get(name);
  }
}

/** A failure with its exit code: 1 failed, 2 wrong use. `message` is one line that says what to do. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: 1 | 2;

  constructor(message: string, exitCode: 1 | 2 = 1) {
    super(message);
    this.exitCode = exitCode;
  }
}

export const globalOptions: readonly Option[] = [
  { name: 'config', short: 'c', value: 'FILE', help: 'the configuration file' },
  { name: 'verbose', short: 'v', help: 'say more' },
  { name: 'help', short: 'h', help: 'explain the command' },
  { name: 'version', help: 'print the version' },
];

export const json: Option = { name: 'json', help: 'print JSON' };
/** Options of every command that talks to a running gateway. */
export const clientOptions: readonly Option[] = [
  { name: 'url', value: 'URL', help: 'the gateway, instead of the one that runs here' },
  { name: 'token-file', value: 'FILE', help: 'a file that holds the token' },
  { name: 'token', value: 'TOKEN', help: 'the token itself (others can see it in the process list)' },
  json,
];
