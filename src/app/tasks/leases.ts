import type { ScheduleStore } from '../../core/ports/schedule-store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { cancelled, lost } from './aborted.ts';
import type { HeldTask, Lease } from './held-task.ts';

const beatsPerLease = 3;
/** Between two tries while the store cannot be reached. A task is given up this much before somebody else may have it. */
const againMs = 1000;

export interface LeasesDeps {
  store: Pick<ScheduleStore, 'beatTasks' | 'task'>;
  clock: Clock;
  log: Log;
  node: string;
  leaseMs: () => number;
}

/**
 * The tasks that this process holds, and the signs of life that keep them held. One that somebody else holds by now, or
 * whose lease ran out while the store could not be reached, is aborted: what it still tells would be void.
 */
export class Leases {
  readonly held = new Map<string, HeldTask>();
  readonly #deps: LeasesDeps;
  #callOff: (() => void) | null = null;
  #beating = false;
  #failing = false;
  #stopped = false;

  constructor(deps: LeasesDeps) {
    this.#deps = deps;
  }

  /** A lease that begins now. */
  lease(): Lease {
    const { clock, leaseMs } = this.#deps;
    return { until: clock.now() + leaseMs(), untilMonotonic: clock.monotonic() + leaseMs() };
  }

  add(held: HeldTask): void {
    this.held.set(held.task.id, held);
    this.#arm(this.#deps.leaseMs() / beatsPerLease);
  }

  remove(held: HeldTask): void {
    if (this.held.get(held.task.id) === held) this.held.delete(held.task.id);
    if (this.held.size === 0) this.#disarm();
  }

  /**
   * Before anything is claimed that lapsed by `now`, as that could be what this very process holds: it was stopped for a
   * while, or the clock on the wall was moved. Rejects when the store cannot be reached.
   */
  async renewed(now: number): Promise<void> {
    if ([...this.held.values()].some(({ lease }) => lease.until <= now)) await this.#beat();
  }

  /** No further sign of life. */
  stop(): void {
    this.#stopped = true;
    this.#disarm();
  }

  #arm(ms: number): void {
    if (this.#callOff !== null || this.#beating || this.#stopped || this.held.size === 0) return;
    this.#callOff = this.#deps.clock.after(ms, () => void this.#beatAndArm());
  }

  #disarm(): void {
    this.#callOff?.();
    this.#callOff = null;
  }

  async #beatAndArm(): Promise<void> {
    const { clock, log, leaseMs } = this.#deps;
    this.#callOff = null;
    this.#beating = true;
    let nextMs = leaseMs() / beatsPerLease;
    try {
      await this.#beat();
      this.#failing = false;
    } catch (error) {
      nextMs = Math.min(nextMs, againMs);
      if (!this.#failing) log.warn('signs of life of tasks cannot be stored at the moment', { error });
      this.#failing = true;
      for (const held of this.held.values())
        if (held.lease.untilMonotonic <= clock.monotonic() + againMs) held.controller.abort(lost());
    }
    this.#beating = false;
    this.#arm(nextMs);
  }

  async #beat(): Promise<void> {
    const { store, node } = this.#deps;
    const all = [...this.held.values()].filter(({ signal }) => !signal.aborted);
    if (all.length === 0) return;
    const lease = this.lease();
    const beats = all.map(({ task, unsaved }) => ({ id: task.id, fence: task.fence, progress: unsaved }));
    const gone = new Set(await store.beatTasks(node, lease.until, beats));
    for (const [n, held] of all.entries()) {
      // It may have ended meanwhile.
      if (this.held.get(held.task.id) !== held) continue;
      if (gone.has(held.task.id)) await this.#lose(held);
      else {
        held.lease = lease;
        if (held.unsaved === beats[n]?.progress) held.unsaved = null;
      }
    }
  }

  async #lose({ task, controller }: HeldTask): Promise<void> {
    const stored = await this.#deps.store.task(task.id, null);
    const byHand = stored?.state === 'cancelled' && stored.fence === task.fence;
    controller.abort(byHand ? cancelled() : lost());
  }
}
