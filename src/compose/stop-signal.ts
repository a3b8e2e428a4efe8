import { isatty } from 'node:tty';

/**
 * Signals of the process: TERM and INT stop it (a second one at once), HUP reloads, an unexpected failure stops with 1.
 * The system sends HUP also when the terminal is closed that the gateway was started in: that stops it, as people who
 * close a window expect; it would be in the way of the next start.
 */
export class StopSignal {
  readonly #controller = new AbortController();
  readonly #handlers: [string, (...given: unknown[]) => void][] = [];
  exitCode = 0;
  /** What SIGHUP does; nothing while the gateway starts, as it has just read its configuration. */
  onReload: () => void = () => undefined;
  /** The process begins anew when everything has stopped. */
  again = false;
  /** Whether a part knows the failure as its own trouble, which then stops nothing. */
  isContained: (error: unknown) => boolean = () => false;

  constructor(log: { error: (message: string, fields?: Record<string, unknown>) => void }) {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      this.#on(name, () => {
        if (this.#controller.signal.aborted) process.exit(1);
        this.abort();
      });
    }
    const terminal = [0, 1, 2].find((descriptor) => isatty(descriptor));
    const isClosed = (): boolean => terminal !== undefined && !isatty(terminal);
    this.#on('SIGHUP', () => (isClosed() ? this.abort() : this.onReload()));
    this.#on('unhandledRejection', (error) => {
      if (!this.isContained(error)) log.error('a failure was not handled', { error });
    });
    this.#on('uncaughtException', (error) => {
      if (this.isContained(error)) return;
      log.error('an unexpected failure stops the gateway', { error });
      this.exitCode = 1;
      this.abort();
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(): void {
    if (!this.#controller.signal.aborted) this.#controller.abort(new Error('stopping'));
  }

  /** Stops, to begin anew. */
  restart(): void {
    this.again = !this.signal.aborted;
    this.abort();
  }

  /** The process goes on without it: its signals are somebody else's. */
  dispose(): void {
    for (const [name, handler] of this.#handlers) process.off(name, handler);
  }

  #on(name: string, handler: (...given: unknown[]) => void): void {
    this.#handlers.push([name, handler]);
    process.on(name, handler);
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
