import type { HealthDeps } from '../app/chores/health.ts';
import type { KeepDeps } from '../app/chores/keep.ts';
import type { SweepDeps } from '../app/chores/sweep.ts';
import type { TidyDeps } from '../app/chores/tidy.ts';
import type { Chore } from '../app/tasks/kinds/chore.ts';
import type { ChoreName } from '../core/chores.ts';
import type { TaskKind } from '../core/ports/task-kind.ts';

export type ChoreParts = Omit<HealthDeps, 'store' | 'backups'> &
  TidyDeps &
  KeepDeps &
  Pick<SweepDeps, 'files'> & {
    channelRetention: SweepDeps['retention'];
    /** Chores are planned anew. */
    plan: () => Promise<void>;
  };

/** What the gateway does for itself, loaded with the first chore that is due. */
export async function choreKindOf(parts: ChoreParts): Promise<TaskKind> {
  const [{ choreKind }, sweep, tidy, keep, { lookAtHealth }] = await Promise.all([
    import('../app/tasks/kinds/chore.ts'),
    import('../app/chores/sweep.ts'),
    import('../app/chores/tidy.ts'),
    import('../app/chores/keep.ts'),
    import('../app/chores/health.ts'),
  ]);
  const { told } = tidy;
  const swept: SweepDeps = { ...parts, retention: parts.channelRetention };
  const line = (work: (signal: AbortSignal) => Promise<string>): Chore => {
    return async (signal) => ({ text: await work(signal) });
  };
  const chores: Readonly<Record<ChoreName, Chore>> = {
    retention: line(async (signal) => told([[await sweep.expire(swept, signal), 'rows outlived their retention']])),
    files: line(async (signal) => told([[await sweep.dropFiles(swept, signal), 'files that nothing needs removed']])),
    sessions: line((signal) => tidy.tidySessions(parts, signal)),
    upkeep: line((signal) => tidy.tidyRows(parts, signal)),
    forget: line((signal) => tidy.forgetTasks(parts, signal)),
    backup: line(async (signal) => {
      await parts.plan();
      return keep.keepBackup(parts, signal);
    }),
    vacuum: line(() => keep.vacuum(parts)),
    caches: line((signal) => tidy.forgetRests(parts, signal)),
    health: (_, memory) => lookAtHealth(parts, memory),
  };
  return choreKind(chores) as TaskKind;
}
