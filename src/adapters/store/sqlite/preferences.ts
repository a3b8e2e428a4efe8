import { defaultPreferences, type Preferences } from '../../../core/preferences.ts';
import type { Database } from './database.ts';

interface PreferencesRecord {
  model: string | null;
  time_zone: string | null;
  quiet: string | null;
  notices: number | null;
}

export function preferences(db: Database, owner: string): Preferences {
  const record = db.get<PreferencesRecord>('SELECT * FROM preferences WHERE owner = ?', owner);
  if (record === null) return defaultPreferences;
  const { model, time_zone, quiet, notices } = record;
  return { model, timeZone: time_zone, quietHours: quiet, notices: notices === null || notices === 1 };
}

export const preferredModels = (db: Database, limit: number): { owner: string; model: string }[] =>
  db.all('SELECT owner, model FROM preferences WHERE model IS NOT NULL ORDER BY owner LIMIT ?', limit);

export function setPreferences(
  db: Database,
  owner: string,
  change: Partial<Preferences>,
  maxModels: number,
): Preferences | null {
  if (db.get('SELECT 1 FROM people WHERE id = ?', owner) === null) return null;
  const next: Preferences = { ...preferences(db, owner), ...change };
  const others = db.get<{ n: number }>(
    'SELECT COUNT(*) AS n FROM preferences WHERE model IS NOT NULL AND owner <> ?',
    owner,
  );
  if (next.model !== null && (others?.n ?? 0) >= maxModels) return null;
  db.run(
    `INSERT INTO preferences (owner, model, time_zone, quiet, notices) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (owner) DO UPDATE SET model = excluded.model, time_zone = excluded.time_zone,
       quiet = excluded.quiet, notices = excluded.notices`,
    owner,
    next.model,
    next.timeZone,
    next.quietHours,
    next.notices ? 1 : 0,
  );
  return next;
}
