/** A ModelCaller over scripted providers, a clock that only moves when it must, and a ledger one can read. */
import assert from 'node:assert/strict';
import {
  ModelCaller,
  type CallEnd,
  type CallEvent,
  type CallOptions,
  type Candidate,
} from '../../src/app/models/caller.ts';
import type { ConfiguredProvider } from '../../src/app/models/caller.ts';
import type { Budgets } from '../../src/app/budget/budgets.ts';
import type { NewEvent } from '../../src/core/events.ts';
import type { Provider, ProviderClocks } from '../../src/core/ports/provider.ts';
import type { CooldownRow } from '../../src/core/ports/cooldown-store.ts';
import type { AttemptRow } from '../../src/core/ports/run-store.ts';
import type { Store } from '../../src/core/ports/store.ts';
import type { Clock, Labels, Log, Metrics } from '../../src/core/ports/system.ts';
import { VirtualClock } from './virtual-clock.ts';

export const clocks: ProviderClocks = { headersMs: 30_000, firstOutputMs: 120_000, idleMs: 60_000 };

export const quietLog: Log = {
  trace: () => undefined,
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  with: () => quietLog,
};

/** What survives a restart. */
export class CallRows {
  readonly attempts = new Map<string, AttemptRow>();
  readonly rests = new Map<string, CooldownRow>();
  broken = false;

  async saveAttempts(rows: AttemptRow[]): Promise<void> {
    if (this.broken) throw new Error('the disk is full');
    for (const row of rows) this.attempts.set(`${row.runId}/${row.n}`, structuredClone(row));
  }

  async cooldowns(): Promise<CooldownRow[]> {
    return [...this.rests.values()];
  }

  async saveCooldown(row: CooldownRow): Promise<void> {
    if (this.broken) throw new Error('the disk is full');
    this.rests.set(`${row.provider}/${row.model}`, row);
  }

  async clearCooldown(provider: string, model: string): Promise<void> {
    this.rests.delete(`${provider}/${model}`);
  }
}

/** Adds up what was counted, by name and label values. */
export class Tally implements Metrics {
  readonly counts = new Map<string, number>();
  readonly #reads = new Map<string, () => number | [Labels, number][]>();

  counter(name: string) {
    return { add: (value = 1, labels: Labels = {}) => this.#add([name, ...Object.values(labels)].join(' '), value) };
  }
  gauge() {
    return { set: () => undefined };
  }
  observe(name: string, _help: string, read: () => number | [Labels, number][]): void {
    this.#reads.set(name, read);
  }
  histogram(name: string) {
    return {
      observe: (_seconds: number, labels: Labels = {}) => this.#add([name, ...Object.values(labels)].join(' '), 1),
    };
  }
  render(): string {
    return '';
  }
  read(name: string): number | [Labels, number][] | undefined {
    return this.#reads.get(name)?.();
  }
  #add(key: string, value: number): void {
    this.counts.set(key, (this.counts.get(key) ?? 0) + value);
  }
}

type CallStore = Pick<Store, 'cooldowns' | 'saveCooldown' | 'clearCooldown' | 'saveAttempts'>;

interface Setting<Rows> {
  providers: Provider[];
  clock?: Clock;
  rows?: Rows;
  fallback?: string[];
  clocks?: ProviderClocks;
  maxConcurrency?: number;
  unit?: number;
  budgets?: Budgets;
}

export function configured(provider: Provider, more: Partial<ConfiguredProvider> = {}): [string, ConfiguredProvider] {
  const prices = { input: 1, cacheRead: 0.1, cacheWrite: 1, output: 10 };
  const whole = {
    provider,
    model: 'm1',
    clocks,
    maxConcurrency: 4,
    prices: (model: string) => (model === 'free' ? null : prices),
  };
  return [provider.id, { ...whole, ...more }];
}

export async function callerOver<Rows extends CallStore = CallRows>(setting: Setting<Rows>) {
  const rows = setting.rows ?? (new CallRows() as CallStore as Rows);
  const clock = setting.clock ?? new VirtualClock();
  const published: NewEvent[] = [];
  const tally = new Tally();
  const caller = new ModelCaller({
    clock,
    random: { bytes: (count) => new Uint8Array(count), unit: () => setting.unit ?? 0.5 },
    log: quietLog,
    metrics: tally,
    bus: {
      publish: (event) => void published.push(event),
      subscribe: () => assert.fail('nobody subscribes'),
      since: () => [],
      forget: () => undefined,
    },
    store: rows,
    ...(setting.budgets === undefined ? {} : { budgets: setting.budgets }),
  });
  const more = { clocks: setting.clocks ?? clocks, maxConcurrency: setting.maxConcurrency ?? 4 };
  const [first] = setting.providers;
  caller.configure(new Map(setting.providers.map((provider) => configured(provider, more))), {
    default: first?.id ?? '',
    fallback: setting.fallback ?? setting.providers.slice(1).map(({ id }) => id),
  });
  await caller.start();
  return { caller, rows, published, tally };
}

interface CallSetting extends Partial<CallOptions> {
  tools?: boolean;
  /** Sees every event as it comes. */
  on?: (event: CallEvent) => void;
  /** A request is made. */
  made?: () => void;
}

/** The whole course of one call; fails when anything comes after its end. */
export async function courseOf(
  caller: ModelCaller,
  clock: Clock,
  setting: CallSetting = {},
): Promise<{ events: CallEvent[]; end: CallEnd; types: string }> {
  const { tools = false, on, made, ...options } = setting;
  const candidates: readonly Candidate[] = options.candidates ?? caller.resolve(null);
  const tool = { name: 'look', description: 'Looks.', parameters: { type: 'object' } };
  const request = {
    system: 'You help.',
    messages: [{ role: 'user' as const, parts: [{ type: 'text' as const, text: 'Hi' }] }],
    tools: tools ? [tool] : [],
    cacheKey: 'main',
  };
  const events: CallEvent[] = [];
  let over = false;
  const end = await caller.call(
    () => {
      made?.();
      return request;
    },
    {
      runId: 'run_1',
      owner: 'owner',
      signal: new AbortController().signal,
      deadlineMs: clock.monotonic() + 600_000,
      visible: () => false,
      ...options,
      candidates,
    },
    (event) => {
      assert.ok(!over, 'nothing after the end');
      events.push(event);
      on?.(event);
    },
  );
  over = true;
  for (const row of end.attempts)
    assert.ok(row.finishedAt !== null && row.outcome !== null, 'every ledger row is complete');
  return { events, end, types: [...events, end].map(({ type }) => type).join(' ') };
}
