import type { Restored } from '../../src/core/backup.ts';
import type { LogFilter, LogLine, MadeBackup, MaintenanceGateway } from '../../src/core/ports/maintenance-gateway.ts';
import type { Principal } from '../../src/core/principal.ts';
import { ScriptedSchedule } from './scripted-schedule.ts';

const made = (path: string): MadeBackup => ({
  path,
  manifest: {
    format: 'open-clanker-backup',
    version: 1,
    program: '1.0.0',
    at: 1000,
    database: { schema: 14, tables: { inbox: 2 }, size: 4096, sha256: '0'.repeat(64) },
    files: { count: 0, bytes: 0, sha256: '0'.repeat(64) },
    skipped: 0,
  },
});

/** Backups that are none, and a log that a test writes. */
export class ScriptedMaintenance extends ScriptedSchedule implements MaintenanceGateway {
  readonly logged: LogLine[] = [
    { n: 1, at: 1000, level: 'warn', text: '{"time":"1970-01-01T00:00:01.000Z","level":"warn","message":"hello"}' },
  ];
  readonly followers = new Set<(line: LogLine) => void>();

  async backup(_: Principal, path: string): Promise<MadeBackup> {
    return made(path);
  }
  async restore(_: Principal, path: string): Promise<MadeBackup> {
    return made(path);
  }
  async lastRestored(): Promise<Restored | null> {
    return null;
  }
  logs(_: Principal, { after = 0 }: LogFilter, limit: number): LogLine[] {
    return this.logged.filter(({ n }) => n > after).slice(-limit);
  }
  followLogs(_: Principal, hear: (line: LogLine) => void): () => void {
    this.followers.add(hear);
    return () => this.followers.delete(hear);
  }
}
