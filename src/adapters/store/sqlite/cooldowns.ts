import type { CooldownRow } from '../../../core/ports/cooldown-store.ts';
import type { Database } from './database.ts';

export const cooldowns = (db: Database): CooldownRow[] =>
  db.all<CooldownRow>('SELECT provider, model, until, kind, failures FROM cooldowns ORDER BY provider, model');

export function saveCooldown(db: Database, row: CooldownRow): void {
  db.run(
    `INSERT INTO cooldowns (provider, model, until, kind, failures) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (provider, model) DO UPDATE SET until = excluded.until, kind = excluded.kind,
       failures = excluded.failures`,
    row.provider,
    row.model,
    row.until,
    row.kind,
    row.failures,
  );
}

export function clearCooldown(db: Database, provider: string, model: string): void {
  db.run('DELETE FROM cooldowns WHERE provider = ? AND model = ?', provider, model);
}
