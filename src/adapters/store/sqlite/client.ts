import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { ClankerError, errorFrom } from '../../../core/errors.ts';
import type { Clock, Counter, Histogram, Log, Metrics } from '../../../core/ports/system.ts';
import { closed, overloaded, storageError } from './errors.ts';
import { readLines } from './read-lines.ts';
import { operationModes } from './protocol.ts';
import type { FromWorker, OperationMode, OperationName, Reply, Request, ToWorker, WorkerSetup } from './protocol.ts';
import type { Reading } from './reading.ts';

/** Operations that may wait for the worker; what comes beyond is refused with `storage_busy`. */
const maxWaiting = 4096;
/** How long a write that nobody waits for may wait for another one. */
const laterMs = 50;
/** How long a patient one may while the store is busy: while its last batches came closer than this, on average. */
const patientMs = 3;
const busyGapMs = 20;
/** A pause of so many milliseconds, and the store is busy no more. */
const pauseMs = 160;
/** How much the newest gap counts in the average. */
const gapShare = 1 / 8;
/** Processes that read at the same time. */
const maxReaders = 4;
const firstRestartMs = 100;
const lastRestartMs = 5000;
/** Megabytes of V8's heap in the worker: it keeps nothing between batches. */
const heapLimits = { maxYoungGenerationSizeMb: 1.5, maxOldGenerationSizeMb: 128 };
/** Takes back the flag of the process, which would overrule them. */
const noYoungLimit = '--max-semi-space-size=0';
const commitBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5];
const batchBuckets = [1, 2, 5, 10, 25, 50, 100, 256];

export interface ClientOptions {
  path: string;
  migrationsDir: string;
  workerUrl: URL;
  log: Log;
  metrics: Metrics;
  clock: Clock;
}

interface Waiting {
  operation: OperationName;
  resolve: (value: unknown) => void;
  reject: (error: ClankerError) => void;
}

/** The main thread's side of the worker: sends, matches answers, restarts it when it dies. */
export class Client {
  readonly #options: ClientOptions;
  readonly #waiting = new Map<number, Waiting>();
  /** What the worker was not told yet, in its order; it is among `#waiting`, too. */
  #unsent: Request[] = [];
  #sending = false;
  /** When what waits for company goes without it. */
  #due = Infinity;
  #timer: NodeJS.Timeout | null = null;
  #sentAt = -Infinity;
  #meanGapMs = pauseMs;
  readonly #commits: Histogram;
  readonly #batches: Histogram;
  readonly #failures: Counter;
  readonly #ending = new AbortController();
  #worker: Worker | null = null;
  #health = { open: false, detail: 'The database is being opened.' };
  #lastId = 0;
  #checking: Promise<string[]> | null = null;
  #readers = 0;
  #closing: Promise<void> | null = null;

  constructor(options: ClientOptions) {
    const { metrics } = options;
    this.#options = { ...options, log: options.log.with({ component: 'store' }) };
    this.#commits = metrics.histogram('store_commit_seconds', 'Time of one COMMIT with its fsync.', commitBuckets);
    this.#batches = metrics.histogram(
      'store_batch_operations',
      'Operations that shared one transaction.',
      batchBuckets,
    );
    this.#failures = metrics.counter('store_failures_total', 'Operations that failed, by code.');
    metrics.observe('store_queue_depth', 'Operations waiting for the database.', () => this.#waiting.size);
  }

  get health(): { open: boolean; detail: string } {
    return this.#health;
  }

  /** Starts the worker; resolves when the file is open, rejects with why it cannot be. */
  open(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const worker = this.#spawn();
    let opened = false;
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'opened') {
        opened = true;
        this.#worker = worker;
        this.#health = { open: true, detail: 'open' };
        resolve();
      } else if (message.type === 'refused') {
        this.#options.log.debug('database refused', { detail: message.detail });
        reject(errorFrom(message.error));
      } else {
        this.#hear(message);
      }
    });
    worker.on('error', (error) => {
      this.#options.log.error('the store thread failed', { error });
    });
    worker.on('exit', () => {
      reject(closed());
      if (opened) this.#lost();
    });
    return promise;
  }

  /**
   * `heard`: what the caller gets of what crossed between the threads. It works before anybody hears of an answer that
   * came along with this one, so that callers hear in the order in which they asked.
   */
  call(
    operation: OperationName,
    args: unknown[],
    heard: (value: unknown) => unknown = (value) => value,
  ): Promise<unknown> {
    if (this.#worker === null || this.#closing !== null) return Promise.reject(closed());
    if (this.#waiting.size >= maxWaiting) return Promise.reject(overloaded());
    const id = ++this.#lastId;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#unsent.push({ id, operation, args });
    this.#sendBy(operationModes[operation]);
    this.#waiting.set(id, { operation, resolve: (value) => resolve(heard(value)), reject });
    return promise;
  }

  /** In a thread that lives as long as the check; asked again meanwhile, the same one answers. */
  check(): Promise<string[]> {
    this.#checking ??= this.#check().finally(() => {
      this.#checking = null;
    });
    return this.#checking;
  }

  /** What the reading prints, a value at a time; reads on only as fast as the caller does. */
  async *read<T>(reading: Reading, argument: string, stop?: AbortSignal): AsyncGenerator<T> {
    if (this.#closing !== null) throw closed();
    if (this.#readers >= maxReaders) throw overloaded();
    this.#readers++;
    const { path, workerUrl } = this.#options;
    const signal = AbortSignal.any([this.#ending.signal, ...(stop === undefined ? [] : [stop])]);
    try {
      yield* readLines<T>([fileURLToPath(workerUrl), path, reading, argument], signal);
    } catch (error) {
      throw signal.aborted ? closed() : storageError(error);
    } finally {
      this.#readers--;
    }
  }

  /** Nothing is at work: the thread gives back the memory that it does not need. */
  rest(): void {
    if (this.#worker !== null && this.#closing === null) tell(this.#worker, 'rest');
  }

  /** Everything asked before is done first. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #check(): Promise<string[]> {
    const { execFile } = process.getBuiltinModule('node:child_process');
    const { path, workerUrl } = this.#options;
    const { signal } = this.#ending;
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [fileURLToPath(workerUrl), path], { signal });
      return JSON.parse(stdout) as string[];
    } catch (error) {
      throw signal.aborted ? closed() : storageError(error);
    }
  }

  #spawn(): Worker {
    const { path, migrationsDir, workerUrl } = this.#options;
    // The heap of this thread read the flag when it was made.
    setFlagsFromString(noYoungLimit);
    return new Worker(workerUrl, {
      name: 'clanker-store',
      workerData: { path, migrationsDir } satisfies WorkerSetup,
      resourceLimits: heapLimits,
    });
  }

  #sendBy(mode: OperationMode): void {
    if (mode === 'later') this.#sendWithin(laterMs);
    else if (mode === 'patient' && this.#meanGapMs < busyGapMs) this.#sendWithin(patientMs);
    else this.#sendSoon();
  }

  #sendWithin(ms: number): void {
    const due = performance.now() + ms;
    if (due >= this.#due) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), ms);
    this.#due = due;
  }

  /** What is asked in one go travels together, and so shares a transaction. */
  #sendSoon(): void {
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => this.#send());
  }

  #send(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#due = Infinity;
    this.#sending = false;
    if (this.#worker === null || this.#unsent.length === 0) return;
    tell(this.#worker, this.#unsent);
    this.#unsent = [];
    const now = performance.now();
    const gap = Math.min(now - this.#sentAt, pauseMs);
    this.#meanGapMs += (gap - this.#meanGapMs) * gapShare;
    this.#sentAt = now;
  }

  async #close(): Promise<void> {
    this.#ending.abort();
    const worker = this.#worker;
    if (worker === null) return;
    this.#send();
    const exited = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    tell(worker, 'close');
    await exited;
    this.#health = { open: false, detail: 'The database is closed.' };
  }

  #hear(message: FromWorker): void {
    if (message.type === 'health') {
      const { open, detail } = message;
      if (open !== this.#health.open || detail !== this.#health.detail) {
        this.#options.log[open ? 'info' : 'error']('database state', { open, detail });
      }
      this.#health = { open, detail };
    } else if (message.type === 'batch') {
      if (message.commitSeconds !== null) {
        this.#commits.observe(message.commitSeconds);
        this.#batches.observe(message.replies.length);
      }
      for (const reply of message.replies) this.#settle(reply);
    }
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (waiting === undefined) return;
    this.#waiting.delete(reply.id);
    if (reply.error === undefined) {
      waiting.resolve(reply.value);
      return;
    }
    const { code } = reply.error;
    this.#failures.add(1, { code });
    // A full disk or a failing one is told once, as the state of the database, not once per operation.
    if (code === 'internal' || code === 'damaged') {
      const { operation } = waiting;
      this.#options.log.error('database operation failed', { operation, code, detail: reply.detail });
    }
    waiting.reject(errorFrom(reply.error));
  }

  /** The worker is gone: what waited fails, and unless we are closing a new one is started. */
  #lost(): void {
    this.#worker = null;
    this.#unsent = [];
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(closed());
    if (this.#closing !== null) return;
    this.#health = { open: false, detail: 'The store thread ended unexpectedly and is being started again.' };
    void this.#restart();
  }

  async #restart(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#ending;
    for (let delay = firstRestartMs; !signal.aborted; delay = Math.min(delay * 2, lastRestartMs)) {
      try {
        await clock.sleep(delay, signal);
        await this.open();
        log.warn('the store thread was started again');
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#health = {
          open: false,
          detail: error instanceof ClankerError ? error.message : 'The store cannot start.',
        };
        log.error('the store thread could not be started', { error });
      }
    }
  }
}

function tell(worker: Worker, message: ToWorker): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  worker.postMessage(message);
}
