import type { JsonObject } from '../../core/message.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { ChannelStatus, ProviderStatus } from '../../core/ports/gateway.ts';
import type { BackupStorage } from '../../core/ports/maintenance-gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';

/** Less free space than this is trouble to come. */
const lowDiskBytes = 200_000_000;
/** A larger database is read to its end once a day only. */
const quicklyReadBytes = 64_000_000;
const dayMs = 86_400_000;
const maxProblems = 20;

export interface HealthDeps {
  store: Pick<Store, 'quickCheck'>;
  backups: Pick<BackupStorage, 'space'>;
  channels: () => ChannelStatus[];
  providers: () => ProviderStatus[];
  bus: Bus;
  clock: Clock;
  log: Log;
}

/**
 * Looks at the database, the disk, the models and the channels; what is wrong is the result. What changed since the time
 * before is logged and told on the bus.
 */
export async function lookAtHealth(
  deps: HealthDeps,
  before: JsonObject | null,
): Promise<{ text: string; memory: JsonObject }> {
  const { backups, clock, bus, log } = deps;
  const now = clock.now();
  const { free, database } = await backups.space();
  const checkedAt = Number(before?.['checked_at'] ?? 0);
  const due = database <= quicklyReadBytes || now - checkedAt >= dayMs || now < checkedAt;
  const damage = due ? await damageOf(deps) : listOf(before?.['damage']);
  const problems = [...damage, ...(free < lowDiskBytes ? ['The disk is almost full.'] : []), ...troubles(deps)].slice(
    0,
    maxProblems,
  );
  const known = listOf(before?.['problems']);
  if (JSON.stringify(problems) !== JSON.stringify(known)) {
    if (problems.length === 0) log.info('all is well again', { was: known });
    else log.warn('not all is well', { problems });
    bus.publish({ type: 'health.changed', problems });
  }
  return { text: problems.join(' '), memory: { problems, damage, checked_at: due ? now : checkedAt } };
}

async function damageOf({ store }: HealthDeps): Promise<string[]> {
  const found = await store.quickCheck();
  return found.length === 0 ? [] : [`The database is damaged: ${found[0]}. Stop the gateway and restore a backup.`];
}

function troubles({ channels, providers }: HealthDeps): string[] {
  const down = providers().filter(({ state }) => state === 'down');
  const broken = channels().filter(({ paused, health: { state } }) => !paused && ['degraded', 'fatal'].includes(state));
  return [
    ...down.map(({ id, detail }) => `The model of ${id} does not answer${ending(detail)}`),
    ...broken.map(({ id, health }) => `The channel ${id} is ${health.state}${ending(health.detail)}`),
  ];
}

const ending = (detail: string): string => (detail === '' ? '.' : `: ${detail}`);

const listOf = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((item) => typeof item === 'string') : [];
