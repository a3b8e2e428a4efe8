/** The built daemon as a process: started on a data directory of its own, stopped, killed, and never left behind. */
import { spawn, type ChildProcess } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { request } from 'node:http';
import { createRequire } from 'node:module';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '../..');
export const bin = path.join(root, 'bin/open-clanker.cjs');

/** True when the bin runs dist/; with sources newer than that it runs them, and no figure would be the product's. */
export const isBuilt = (): boolean => (createRequire(import.meta.url)(bin) as { isFresh: () => boolean }).isFresh();
const readyWithinMs = 120_000;
const readyPollMs = 5;
/** The last lines that a failed start is explained with. */
const maxLogBytes = 256 * 1024;

export interface DaemonOptions {
  /** Holds `data/` (the data directory), `config.toml` and `home/`; the working directory of the daemon. */
  dir: string;
  /** TOML; without it the daemon runs with no configuration at all. */
  config?: string;
  /** Default: a free one. Give the same for each start whose clients should find it again. */
  port?: number;
  env?: Record<string, string>;
  /** A command to run the daemon under, such as strace with its options. */
  under?: string[];
  args?: string[];
}

export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

export interface Daemon {
  readonly url: string;
  readonly port: number;
  readonly dataDir: string;
  /** Of the daemon itself, also when it runs under another command. */
  readonly pid: number;
  readonly exit: Promise<Exit>;
  /** Milliseconds from the start of the process to the first 200 of /ready. */
  readonly readyMs: number;
  /** The operator token. */
  token(): string;
  /** What it printed: the last 256 KiB of both streams. */
  output(): string;
  /** Resolves once the output holds this (or fits); rejects when the process ends without. */
  printed(wanted: string | ((output: string) => boolean)): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGTERM and wait. */
  stop(): Promise<Exit & { ms: number }>;
  /** SIGKILL and wait. */
  kill(): Promise<void>;
}

const alive = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of alive) {
    const { pid = 0 } = child;
    for (const traced of childrenOf(pid)) process.kill(traced, 'SIGKILL');
    child.kill('SIGKILL');
  }
});
// A test runner ends a file that hangs by a signal, and that alone would leave the daemons behind.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));

/** The processes that a process has started (Linux; elsewhere none are known). */
function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

/** Below what Linux, macOS and Windows take from by themselves, for listeners at port 0 and for connections going out. */
const portsOfOurs = { first: 20_000, count: 12_000 };

/** A port that was free a moment ago, and that nobody is given by chance. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = portsOfOurs.first + Math.floor(Math.random() * portsOfOurs.count);
    const server = createServer().listen(port, '127.0.0.1');
    const free = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    if (!free) continue;
    server.close();
    await once(server, 'close');
    return port;
  }
}

/** The environment of a daemon or command: nothing of the developer's own keys or settings. */
export function cleanEnv(dir: string, extra: Record<string, string> = {}): Record<string, string> {
  const home = path.join(dir, 'home');
  mkdirSync(home, { recursive: true });
  const { PATH = '', NODE_COMPILE_CACHE: compiled } = process.env;
  return {
    PATH,
    ...(compiled === undefined ? {} : { NODE_COMPILE_CACHE: compiled }),
    HOME: home,
    OPEN_CLANKER_DATA: path.join(dir, 'data'),
    ...extra,
  };
}

/** Starts the process without waiting for it to be ready. */
export async function spawnDaemon(options: DaemonOptions): Promise<Omit<Daemon, 'readyMs'>> {
  const { dir, under = [] } = options;
  const port = options.port ?? (await freePort());
  const dataDir = path.join(dir, 'data');
  mkdirSync(dataDir, { recursive: true });
  const command = [...under, process.execPath, bin];
  if (options.config !== undefined) {
    const file = path.join(dir, 'config.toml');
    writeFileSync(file, options.config);
    command.push('--config', file);
  }
  command.push('gateway', ...(options.args ?? []));
  const child = spawn(command[0] ?? '', command.slice(1), {
    cwd: dir,
    env: cleanEnv(dir, { OPEN_CLANKER_SERVER__PORT: String(port), ...options.env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  alive.add(child);
  let output = '';
  const changed = new EventEmitter();
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output = (output + text).slice(-maxLogBytes);
      changed.emit('output');
    });
  }
  const exit = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      alive.delete(child);
      changed.emit('output');
      resolve({ code, signal });
    });
  });
  exit.catch(() => {});
  const ownPid = (): number => {
    if (under.length === 0) return child.pid ?? 0;
    return childrenOf(child.pid ?? 0)[0] ?? 0;
  };
  const running = (): boolean => child.exitCode === null && child.signalCode === null;
  const signal = (name: NodeJS.Signals): void => {
    if (running()) process.kill(ownPid(), name);
  };
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    dataDir,
    get pid() {
      return ownPid();
    },
    exit,
    token: () => readFileSync(path.join(dataDir, 'token'), 'utf8').trim(),
    output: () => output,
    printed: async (wanted) => {
      const fits = typeof wanted === 'string' ? (): boolean => output.includes(wanted) : wanted;
      while (!fits(output)) {
        if (!alive.has(child)) throw new Error(`It ended without printing ${String(wanted)}:\n${output}`);
        await once(changed, 'output');
      }
    },
    signal,
    stop: async () => {
      const begun = performance.now();
      signal('SIGTERM');
      return { ...(await exit), ms: performance.now() - begun };
    },
    kill: async () => {
      signal('SIGKILL');
      await exit;
    },
  };
}

/** Starts the daemon and resolves at its first 200 of /ready; rejects with its output when it ends before. */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const begun = performance.now();
  const daemon = await spawnDaemon(options);
  const ended = daemon.exit.then((exit) =>
    Promise.reject(new Error(`The daemon ended: ${JSON.stringify(exit)}\n${daemon.output()}`)),
  );
  ended.catch(() => {});
  while (!(await Promise.race([isReady(daemon.port), ended]))) {
    if (performance.now() - begun > readyWithinMs) {
      daemon.signal('SIGKILL');
      throw new Error(`The daemon was not ready after ${readyWithinMs} ms:\n${daemon.output()}`);
    }
    await new Promise((resolve) => setTimeout(resolve, readyPollMs));
  }
  // Descriptors keep the getter of `pid` alive; a spread would read it once.
  return Object.defineProperty(daemon, 'readyMs', { value: performance.now() - begun }) as Daemon;
}

export function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const call = request({ host: '127.0.0.1', port, path: '/ready', agent: false }, (response) => {
      response.resume();
      response.once('close', () => resolve(response.statusCode === 200));
    });
    call.once('error', () => resolve(false));
    call.end();
  });
}

/** Runs one command of the CLI to its end. */
export async function runCli(
  options: { dir: string; env?: Record<string, string>; input?: string },
  ...args: string[]
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: options.dir, env: cleanEnv(options.dir, options.env) });
  alive.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(options.input ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  alive.delete(child);
  return { code, stdout, stderr };
}
