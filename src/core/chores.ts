/**
 * The gateway's own recurring work: jobs like those of people, with ids `chore-<name>`. What is due by an interval costs
 * nothing at rest; a cron expression needs the calendar.
 */
import { parseDuration } from './units.ts';

/** When each is due unless the configuration says otherwise. */
export const defaultChores = {
  /** What retention has outlived. */
  retention: '1h',
  /** Stored files that nothing names, and bytes without a row. */
  files: '1d',
  /** Idle sessions begin anew, long histories lose their oldest. */
  sessions: '10m',
  /** Idempotency keys, refused messages, codes, expired notes and questions, what deleted sessions left. */
  upkeep: '10m',
  /** Tasks and slots past `tasks.retention`. */
  forget: '1d',
  /** Into `[backup]`. */
  backup: '30 3 * * *',
  /** Free space of the database is given back. */
  vacuum: '7d',
  /** Rests of models that are over. */
  caches: '1d',
  /** Whether database, disk, models and channels do well. */
  health: '15m',
} as const;

export type ChoreName = keyof typeof defaultChores;
export const choreNames = Object.keys(defaultChores) as ChoreName[];

export const choreId = (name: string): string => `chore-${name}`;

/** When a chore is due. */
export type ChoreTime = { everyMs: number } | { cron: string };

const minEveryMs = 60_000;

/** Reads `off` (null), an interval of at least a minute, or a cron expression of five or six fields; throws RangeError. */
export function choreTime(written: string): ChoreTime | null {
  const text = written.trim();
  if (text === 'off') return null;
  if (/^\S+( +\S+){4,5}$/.test(text)) return { cron: text };
  const everyMs = parseDuration(text);
  if (everyMs < minEveryMs) throw new RangeError();
  return { everyMs };
}
