/** A gateway that is killed and started again, on the same port and data. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startDaemon, type Daemon, type DaemonOptions } from '../../support/daemon.ts';
import { ask, type Target } from '../../support/gateway-client.ts';

/** Long enough for the rule on operator tokens, and the same over all restarts. */
const token = 'operator-token-of-the-proofs';
/** What every configuration begins with. */
export const auth = `[server.auth]\ntoken = "${token}"\n`;
const settlePollMs = 50;
/** A retry or a marked repeat waits seconds; a gateway is settled only when nothing has been open for this long. */
const quietMs = 300;

export class RestartedGateway {
  readonly dir = mkdtempSync(path.join(tmpdir(), 'clanker-proof-'));
  readonly target: Target;
  readonly #port: number;
  #daemon: Daemon | null = null;
  #up = Promise.withResolvers<void>();
  #isUp = false;

  constructor(port: number) {
    this.#port = port;
    this.target = { url: `http://127.0.0.1:${port}`, token };
  }

  get daemon(): Daemon {
    if (this.#daemon === null) throw new Error('No gateway runs.');
    return this.#daemon;
  }

  get databaseFile(): string {
    return path.join(this.dir, 'data/open-clanker.db');
  }

  get configFile(): string {
    return path.join(this.dir, 'config.toml');
  }

  /** For commands that should find this gateway. */
  get cliEnv(): Record<string, string> {
    return { OPEN_CLANKER_URL: this.target.url, OPEN_CLANKER_TOKEN: token };
  }

  protected async startWith(config: string, options: Pick<DaemonOptions, 'env' | 'under'> = {}): Promise<Daemon> {
    this.#daemon = await startDaemon({ dir: this.dir, config, port: this.#port, ...options });
    this.#isUp = true;
    this.#up.resolve();
    return this.#daemon;
  }

  /** From now on `up` waits for the next start. Called before the gateway is taken away. */
  goingDown(): void {
    // Whoever waits already, through a start that failed, waits on.
    if (this.#isUp) this.#up = Promise.withResolvers();
    this.#isUp = false;
  }

  /** Resolves when a gateway is ready; at once while one is. */
  up(): Promise<void> {
    return this.#up.promise;
  }

  /** SIGKILL; does nothing to a gateway that ended by itself. */
  async kill(): Promise<void> {
    this.goingDown();
    await this.daemon.kill();
  }

  /** SIGTERM. */
  async stop(): Promise<Awaited<ReturnType<Daemon['stop']>>> {
    this.goingDown();
    return await this.daemon.stop();
  }

  /** SIGTERM; what was wrong with the end. */
  async stopped(): Promise<string[]> {
    const { code, signal } = await this.stop();
    return code === 0 ? [] : [`SIGTERM ended with ${code ?? signal} and not with 0`];
  }

  /**
   * Waits until nothing is queued, running, on its way out, or counted by `further`; then names what was left. `withinMs`
   * of the last progress: a chat takes one message a second, however many wait for it.
   */
  protected async settled(
    withinMs: number,
    further: () => Record<string, number> | Promise<Record<string, number>>,
  ): Promise<string[]> {
    let deadline = performance.now() + withinMs;
    let least = Number.POSITIVE_INFINITY;
    let quietSince = Number.POSITIVE_INFINITY;
    for (;;) {
      const { body } = await ask<{ queues: Record<string, number> }>(this.target, 'GET', '/api/v1/status');
      const { inbox = 0, running = 0, outbox = 0 } = body.queues;
      const left = Object.entries({ inbox, running, outbox, ...(await further()) });
      const now = performance.now();
      const open = left.reduce((sum, [, count]) => sum + count, 0);
      if (open < least) [least, deadline] = [open, now + withinMs];
      quietSince = left.some(([, count]) => count > 0) ? Number.POSITIVE_INFINITY : Math.min(quietSince, now);
      if (now - quietSince >= quietMs) return [];
      if (now > deadline) return [`not settled: ${left.map(([what, count]) => `${what} ${count}`).join(', ')}`];
      await sleep(settlePollMs);
    }
  }

  async close(): Promise<void> {
    await this.#daemon?.kill();
    rmSync(this.dir, { recursive: true, force: true });
  }
}
