/** Backups and the log of the running gateway: a part of the Gateway. All of it needs the scope `admin`. */
import type { AuditActor } from '../audit.ts';
import type { BackupManifest, Restored } from '../backup.ts';
import type { Principal } from '../principal.ts';
import type { LogLevel } from './system.ts';

/** Where backups lie; paths are absolute, and those of the machine of the gateway. */
export interface BackupStorage {
  /** Writes one to a folder that must not be there, while others go on writing to the data. */
  write(target: string, signal: AbortSignal): Promise<BackupManifest>;
  /** Checks one and makes it ready to take the place of the data with the next start. */
  stage(from: string, by: AuditActor | null, signal: AbortSignal): Promise<BackupManifest>;
  /** What the last restore came to; null: there was none. */
  last(): Promise<Restored | null>;
  /** Writes one under the name of the time to the folder of `[backup]` and removes the oldest beyond `keep`. */
  writeKept(signal: AbortSignal): Promise<{ path: string; manifest: BackupManifest; removed: number }>;
  /** Bytes: free where those of `[backup]` lie, and what the database takes. */
  space(): Promise<{ free: number; database: number }>;
}

export interface LogLine {
  /** Grows with every line, also over restarts. */
  n: number;
  /** Milliseconds since the epoch. */
  at: number;
  level: LogLevel;
  /** One JSON object; secrets are masked. */
  text: string;
}

export interface LogFilter {
  /** The least important level; default: all that is logged. */
  level?: LogLevel;
  /** Not older than this, milliseconds since the epoch. */
  since?: number;
  /** Only lines after this one. */
  after?: number;
}

/** The last lines of the log, bounded by bytes. */
export interface LogTail {
  /** The newest `limit` that fit, oldest first. */
  lines(filter: LogFilter, limit: number): LogLine[];
  /** Each further line as it is logged; must not throw. Returns what ends it. */
  follow(hear: (line: LogLine) => void): () => void;
}

/** `path` is absolute. */
export interface MadeBackup {
  path: string;
  manifest: BackupManifest;
}

export interface MaintenanceGateway {
  /** Resolves when it was written and read again. Rejects with `invalid_input` when the folder is there, `backup_running`. */
  backup(principal: Principal, path: string): Promise<MadeBackup>;
  /** Resolves when it was checked and copied: the gateway then begins anew with it. Rejects with `bad_backup`. */
  restore(principal: Principal, path: string): Promise<MadeBackup>;
  lastRestored(principal: Principal): Promise<Restored | null>;
  logs(principal: Principal, filter: LogFilter, limit: number): LogLine[];
  followLogs(principal: Principal, hear: (line: LogLine) => void): () => void;
}
