/**
 * What attends to jobs in a gateway: scheduler, runner and handing over on a real store. It lives as a process does and
 * can die between any two steps: nothing that it still does reaches the store then, and it hears nothing of it any more.
 */
import { MemoryBus } from '../../src/adapters/bus/memory.ts';
import { createCalendar } from '../../src/adapters/calendar/index.ts';
import { createMarkdown } from '../../src/adapters/markdown/index.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import { Directory } from '../../src/app/access/directory.ts';
import type { CrashStep } from '../../src/app/lifecycle/crash-points.ts';
import { Scheduler } from '../../src/app/schedule/scheduler.ts';
import { HandOver } from '../../src/app/tasks/hand-over.ts';
import { textKind } from '../../src/app/tasks/kinds/text.ts';
import { JobRights } from '../../src/app/tasks/rights.ts';
import { TaskRunner } from '../../src/app/tasks/runner.ts';
import { idMint } from '../../src/core/ids.ts';
import { noNotice } from '../../src/core/ports/schedule-store.ts';
import type { Store } from '../../src/core/ports/store.ts';
import type { TaskKind } from '../../src/core/ports/task-kind.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { ScriptedChannel } from './scripted-channel.ts';
import type { StoreClock } from './store-clock.ts';

export const graceMs = 10_000;
export const pollMs = 30_000;
const leaseMs = 60_000;

/** Where a life ends: at a step, or at an operation of the store, before it is asked for or once it is done. */
export type Death = { step: CrashStep; nth: number } | { operation: 'asked' | 'done'; nth: number };

class Died extends Error {}

export class ScheduleLife {
  /** Each operation of the store that was asked for. */
  readonly asked: string[] = [];
  readonly #died = Promise.withResolvers<void>();
  #dead = false;
  readonly #clock: StoreClock;
  readonly #scheduler: Scheduler;
  readonly #runner: TaskRunner;
  readonly #stop = new AbortController();
  #death: Death | null;
  #over: Promise<unknown> = Promise.resolve();

  constructor(real: Store, clock: StoreClock, node: string, death: Death | null = null) {
    this.#clock = clock;
    this.#death = death;
    const store = this.#mortal(real);
    const [log, metrics] = [new KeptLog(), new CountedMetrics()];
    const calendar = createCalendar();
    const ground = {
      store,
      clock,
      log,
      metrics,
      bus: new MemoryBus(clock, metrics),
      calendar,
      mintId: idMint(systemClock, systemRandom),
      random: systemRandom,
      crash: (step: CrashStep) => this.#passes(step),
    };
    const delivery = { wake: () => undefined };
    const directory = new Directory(ground);
    const channel = new ScriptedChannel('scripted', 'main', { text: { maxLength: 4000, maxSpans: 10 } });
    const health = { state: 'connected', detail: '', lastReceiveAt: null, lastEventAt: null, identity: null } as const;
    const handOver = new HandOver({
      ...ground,
      markdown: createMarkdown(),
      directory,
      rights: new JobRights({ store, directory }),
      policy: () => ({ users: new Set(['7']), chats: new Set() }),
      channels: {
        resolve: () => channel,
        limits: () => ({ ...channel.capabilities, stream: false }),
        status: () => [{ id: 'scripted:main', type: 'scripted', account: 'main', paused: false, health }],
      },
      zoneOf: () => Promise.resolve('UTC'),
    });
    this.#runner = new TaskRunner({
      ...ground,
      node,
      delivery,
      kinds: (kind) => Promise.resolve(kind === 'text' ? (textKind() as TaskKind) : null),
      handOver: (...of) => handOver.handOver(...of),
      failureNotice: () => Promise.resolve(noNotice),
      settings: () => ({ concurrency: 4, perPerson: 4, kinds: {}, timeoutMs: 600_000, leaseMs, pollMs }),
    });
    this.#scheduler = new Scheduler({
      ...ground,
      tasks: this.#runner,
      settings: () => ({ enabled: true, graceMs, pollMs, maxWaiting: 1000 }),
    });
  }

  get dead(): boolean {
    return this.#dead;
  }

  async start(): Promise<void> {
    const begun = this.#runner.start().then(() => {
      this.#over = this.#scheduler.run(this.#stop.signal).catch(unlessDied);
    });
    begun.catch(unlessDied);
    await this.#clock.settle();
  }

  /** As SIGKILL: what is asked of the store already may still be done. */
  async kill(): Promise<void> {
    this.#die();
    await this.#clock.settle();
  }

  async stop(): Promise<void> {
    this.#stop.abort(new Error('stopping'));
    const stopped = Promise.all([this.#over, this.#runner.stop(0)]);
    // It may die of this, too.
    await this.#clock.until(Promise.race([stopped, this.#died.promise]));
    await this.#clock.settle();
  }

  #die(): void {
    this.#dead = true;
    this.#died.resolve();
  }

  #passes(step: CrashStep): void {
    const death = this.#death;
    if (this.#dead) throw new Died();
    if (death === null || !('step' in death) || death.step !== step || --death.nth > 0) return;
    this.#die();
    throw new Died();
  }

  #operation(moment: 'asked' | 'done'): void {
    const death = this.#death;
    if (death !== null && 'operation' in death && death.operation === moment && --death.nth === 0) this.#die();
  }

  #mortal(real: Store): Store {
    return new Proxy(real, {
      get: (target, name) => {
        const found: unknown = Reflect.get(target, name, target);
        if (typeof found !== 'function') return found;
        return (...given: unknown[]): Promise<unknown> => {
          if (!this.#dead) this.#operation('asked');
          if (this.#dead) return nothingHeard();
          this.asked.push(String(name));
          return this.#ask(() => Reflect.apply(found, target, given) as Promise<unknown>);
        };
      },
    });
  }

  async #ask(operation: () => Promise<unknown>): Promise<unknown> {
    const { asked } = this.#clock;
    asked.begin();
    try {
      return await operation();
    } finally {
      asked.end();
      if (!this.#dead) this.#operation('done');
      if (this.#dead) await nothingHeard();
    }
  }
}

const nothingHeard = (): Promise<never> => new Promise(() => undefined);

function unlessDied(error: unknown): void {
  if (!(error instanceof Died)) throw error;
}
