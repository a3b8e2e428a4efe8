/** Signals of the process: TERM and INT stop it (a second one at once), HUP reloads, an unexpected failure stops with 1. */
export class StopSignal {
  readonly #controller = new AbortController();
  exitCode = 0;
  /** What SIGHUP does; nothing while the gateway starts, as it has just read its configuration. */
  onReload: () => void = () => undefined;
  /** Whether a part knows the failure as its own trouble, which then stops nothing. */
  isContained: (error: unknown) => boolean = () => false;

  constructor(log: { error: (message: string, fields?: Record<string, unknown>) => void }) {
    for (const name of ['SIGTERM', 'SIGINT'] as const) {
      process.on(name, () => {
        if (this.#controller.signal.aborted) process.exit(1);
        this.abort();
      });
    }
    process.on('SIGHUP', () => this.onReload());
    process.on('unhandledRejection', (error) => {
      if (!this.isContained(error)) log.error('a failure was not handled', { error });
    });
    process.on('uncaughtException', (error) => {
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

  wait(): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) resolve();
      else this.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
