import { fstatSync } from 'node:fs';
import { hostname } from 'node:os';
import { isatty } from 'node:tty';
import type { LogTail } from '../../core/ports/maintenance-gateway.ts';
import type { Log, LogFields, LogLevel } from '../../core/ports/system.ts';
import { descriptorTarget } from './descriptor.ts';
import { json, logfmt, pretty, withPriority, withSyslogHeader } from './format.ts';
import type { Format } from './format.ts';
import { RotatingFile } from './rotating-file.ts';
import type { Rotation } from './rotating-file.ts';
import { syslogTarget } from './syslog.ts';
import { ranks, Tail } from './tail.ts';
import { plainFields, plainText } from './values.ts';
import { Writer } from './writer.ts';
import type { Target } from './writer.ts';

export interface LogOptions {
  level: LogLevel;
  /** Default: pretty on a terminal, else json. */
  format?: 'json' | 'logfmt' | 'pretty';
  output: 'stdout' | 'journald' | 'syslog' | 'file';
  /** The field `service` of every line. */
  service: string;
  /** What every line says that does not say otherwise, such as its component. */
  fields?: LogFields;
  /** Of output `file`. */
  file?: string;
  rotation?: Rotation;
  /** Of output `syslog`. */
  syslog?: { host: string; port: number };
  /** Default `process.env`; journald is recognised by it. */
  env?: Readonly<Record<string, string | undefined>>;
  /** The descriptor of outputs `stdout` and `journald`; default 1. */
  fd?: number;
  /** The descriptor that is told when outputs `file` and `syslog` fail; default 2. */
  complaints?: number;
  /** Milliseconds since the epoch; default the wall clock. */
  now?: () => number;
}

/** The root of all logs of the process. Everything made by `with` shares its level and its output. */
export interface RootLog extends Log {
  setLevel(level: LogLevel): void;
  /** Lines that could not be written, since the start. */
  readonly dropped: number;
  /** Why nothing can be written at the moment, as the system's code where it has one; null when all is well. */
  readonly failure: string | null;
  /** The last lines as JSON, whatever the format of the output. */
  readonly tail: LogTail;
  flush(): Promise<void>;
  /** Writes what waits, for at most `deadlineMs` (default 1000); later lines are dropped. */
  close(deadlineMs?: number): Promise<void>;
}

/**
 * systemd says in JOURNAL_STREAM which file the journal's stream is (systemd.exec(5)). The variable is inherited by all
 * that a service or a desktop starts, whose output may go elsewhere.
 */
function isJournal(fd: number, stream: string | undefined): boolean {
  if (stream === undefined) return false;
  try {
    const { dev, ino } = fstatSync(fd, { bigint: true });
    return stream === `${dev}:${ino}`;
  } catch {
    return false; // A closed descriptor is no stream.
  }
}

function formatOf(options: LogOptions, env: NonNullable<LogOptions['env']>, fd: number): Format {
  const { output, format } = options;
  const terminal = output === 'stdout' && isatty(fd);
  const formats = { json, logfmt, pretty: pretty(terminal && env['NO_COLOR'] === undefined) };
  const chosen = formats[format ?? (terminal ? 'pretty' : 'json')];
  if (output === 'syslog') return withSyslogHeader(chosen, hostname(), process.pid);
  const journal = output === 'journald' || (output === 'stdout' && isJournal(fd, env['JOURNAL_STREAM']));
  return journal ? withPriority(chosen) : chosen;
}

const defaultRotation: Rotation = { max_size: 10_000_000, keep: 5 };

function targetOf(options: LogOptions, fd: number): Target {
  if (options.output === 'file')
    return new RotatingFile(options.file ?? 'open-clanker.log', options.rotation ?? defaultRotation);
  if (options.output === 'syslog')
    return syslogTarget(options.syslog?.host ?? '127.0.0.1', options.syslog?.port ?? 514);
  return descriptorTarget(fd);
}

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message;

/** The only place that is left to say it. */
const complain = (fd: number, reason: Error): Promise<void> =>
  descriptorTarget(fd)
    .write(
      `open-clanker: the log cannot be written (${plainText(reason.message)}); see [logging]. It is tried again with every line.\n`,
    )
    .catch(() => undefined);

/** The log of the process. Opening is lazy and nothing here throws: a log that fails must not stop what it tells about. */
export function createLog(options: LogOptions): RootLog {
  const { env = process.env, fd = 1, now = Date.now, service } = options;
  const format = formatOf(options, env, fd);
  let level = ranks[options.level];
  const tail = new Tail(now());
  const render = (at: LogLevel, message: string, fields: Record<string, unknown>): string => {
    const entry = { time: now(), level: at, service, message, fields };
    const text = format(entry);
    tail.add(entry.time, at, format === json ? text : json(entry));
    return text;
  };
  const writer = new Writer(
    targetOf(options, fd),
    (count) => render('warn', `${count} lines of the log were dropped here`, {}),
    (reason) => {
      // Of an output of its own; when standard output is gone, this is mostly gone with it.
      if (['file', 'syslog'].includes(options.output)) void complain(options.complaints ?? 2, reason);
    },
  );

  const line = (at: LogLevel, bound: Record<string, unknown>, message: string, fields?: LogFields): void => {
    if (ranks[at] < level) return;
    try {
      const own = fields === undefined ? bound : { ...bound, ...plainFields(fields, level <= ranks.debug) };
      writer.add(render(at, plainText(message), own));
    } catch {
      writer.add(render('error', 'a line of the log could not be rendered', {}));
    }
  };
  const bind = (bound: Record<string, unknown>): Log => ({
    trace: (message, fields) => line('trace', bound, message, fields),
    debug: (message, fields) => line('debug', bound, message, fields),
    info: (message, fields) => line('info', bound, message, fields),
    warn: (message, fields) => line('warn', bound, message, fields),
    error: (message, fields) => line('error', bound, message, fields),
    with: (fields) => bind({ ...bound, ...plainFields(fields, false) }),
  });

  return {
    ...bind(plainFields(options.fields ?? {}, false)),
    setLevel: (next) => {
      level = ranks[next];
    },
    get dropped() {
      return writer.dropped;
    },
    get failure() {
      return writer.failure === null ? null : codeOf(writer.failure);
    },
    tail,
    flush: () => writer.flush(),
    close: (deadlineMs = 1000) => writer.close(deadlineMs),
  };
}
