/** Where the running gateway is and which token opens it: flag, environment, data directory, configuration. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { isLoopbackHost } from '../core/host.ts';
import { dataDir } from '../config/data-dir.ts';
import { CliError, type Invocation } from './command.ts';

export interface Found {
  /** Without a slash at the end. */
  url: string;
  token: string | null;
  /** True when a person named the address, so that a refused connection names it back. */
  named: boolean;
}

/** What the gateway writes into `<data>/run.json` while it runs. */
export interface RunFile {
  pid: number;
  url: string;
}

export async function findGateway(invocation: Invocation): Promise<Found> {
  const { options, env, cwd } = invocation;
  const namedConfig = options.value('config') ?? (env['OPEN_CLANKER_CONFIG'] || undefined);
  // Whoever would be asked instead is not the gateway that was meant; the loader says so.
  if (namedConfig !== undefined && !existsSync(path.resolve(cwd, namedConfig)))
    await (await import('./configured.ts')).loadedConfig(invocation);
  // A variable that is empty is none, as of a compose file that passes on what is not set.
  const namedUrl = options.value('url') ?? (env['OPEN_CLANKER_URL'] || undefined);
  const namedToken = findNamedToken(invocation);
  const data = dataDir(env, invocation.home, invocation.cwd);
  const running = readRunFile(data);
  if (namedUrl !== undefined) {
    const url = checkUrl(namedUrl);
    // Our own token is for our own gateway: another host must be given one on purpose.
    const mayUseOurs = isLoopbackHost(new URL(url).hostname) || url === running?.url;
    return { url, token: namedToken ?? (mayUseOurs ? readToken(data) : null), named: true };
  }
  if (running !== null) return { url: running.url, token: namedToken ?? readToken(data), named: false };
  // The slow way, only when nothing runs from the usual place: the configuration says where one would listen.
  const { listenUrl, loadedConfig } = await import('./configured.ts');
  const loaded = await loadedConfig(invocation);
  const url = readRunFile(loaded.dataDir)?.url ?? listenUrl(loaded);
  const token = namedToken ?? readToken(loaded.dataDir) ?? loaded.config.server.auth.token?.reveal() ?? null;
  return { url, token, named: false };
}

function findNamedToken({ options, env, terminal, cwd }: Invocation): string | null {
  const onCommandLine = options.value('token');
  if (onCommandLine !== undefined) {
    terminal.complain(
      'open-clanker: warning: others can read --token in the process list; use --token-file or OPEN_CLANKER_TOKEN.',
    );
    return onCommandLine;
  }
  const file = options.value('token-file');
  if (file !== undefined) {
    const token = readLine(path.resolve(cwd, file));
    if (token === null) throw new CliError(`There is no token in ${file}; check the path of --token-file.`);
    return token;
  }
  return env['OPEN_CLANKER_TOKEN'] || null;
}

function checkUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new CliError(`"${text}" is no address of a gateway; write it like http://127.0.0.1:18789.`, 2);
  }
  return url.href.replace(/\/+$/, '');
}

export const tokenFile = (data: string): string => path.join(data, 'token');
export const runFile = (data: string): string => path.join(data, 'run.json');

const readToken = (data: string): string | null => readLine(tokenFile(data));

function readLine(file: string): string | null {
  try {
    const line = readFileSync(file, 'utf8').trim();
    return line === '' ? null : line;
  } catch {
    return null; // Missing or unreadable: the gateway's 401 then says what to do, and `doctor` says why.
  }
}

export function readRunFile(data: string): RunFile | null {
  const text = readLine(runFile(data));
  if (text === null) return null;
  try {
    const { pid, url } = JSON.parse(text) as Partial<RunFile>;
    return typeof pid === 'number' && typeof url === 'string' ? { pid, url } : null;
  } catch {
    return null; // Half written: as good as none.
  }
}
