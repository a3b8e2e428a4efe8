/** The floor as a process of its own, under the flags of the gateway. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { bin } from '../tests/support/daemon.ts';

interface Tuning {
  gatewayFlags: string[];
  gatewayEnvironment: Record<string, string>;
}

export interface Floor {
  url: string;
  pid: number;
  stop(): Promise<void>;
}

/** Resolves when it listens. */
export async function startFloor(baseUrl: string, dir: string): Promise<Floor> {
  const { gatewayFlags, gatewayEnvironment } = createRequire(import.meta.url)(bin) as Tuning;
  const program = path.join(import.meta.dirname, 'floor.ts');
  const child = spawn(process.execPath, [...gatewayFlags, program, baseUrl, dir], {
    env: { ...process.env, ...gatewayEnvironment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  const exited = once(child, 'exit');
  const ended = exited.then(() => Promise.reject(new Error('The floor ended before it listened.')));
  ended.catch(() => {});
  const [url] = (await Promise.race([once(createInterface(child.stdout), 'line'), ended])) as [string];
  return {
    url,
    pid: child.pid ?? 0,
    stop: async () => {
      kill();
      await exited;
      process.off('exit', kill);
    },
  };
}
