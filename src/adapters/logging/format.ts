/** How a line looks. Pure: an entry goes in, one line without its line break comes out. */
import type { LogLevel } from '../../core/ports/system.ts';

export interface Entry {
  /** Milliseconds since the epoch. */
  time: number;
  level: LogLevel;
  service: string;
  message: string;
  /** Already plain and redacted. */
  fields: Record<string, unknown>;
}

export type Format = (entry: Entry) => string;

const own = new Set(['time', 'level', 'service', 'message']);
/** A field never hides what every line has. */
const fieldName = (name: string): string => (own.has(name) ? `${name}_` : name);

/** Control characters (also C1, which terminals obey), line separators and bidirectional overrides become escapes. */
const escaped = (text: string): string =>
  text.replaceAll(
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (c) =>
      c === '\n'
        ? '\\n'
        : c === '\t'
          ? '\\t'
          : c === '\r'
            ? '\\r'
            : `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

export const json: Format = ({ time, level, service, message, fields }) => {
  const line: Record<string, unknown> = { time: new Date(time).toISOString(), level, service, message };
  for (const [name, value] of Object.entries(fields)) line[fieldName(name)] = value;
  return JSON.stringify(line);
};

const plainWord = /^[A-Za-z0-9_.:/@+[\]-]+$/;

function word(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (plainWord.test(text)) return text;
  return `"${escaped(text.replaceAll('\\', '\\\\').replaceAll('"', '\\"'))}"`;
}

const key = (name: string): string => name.replaceAll(/[^A-Za-z0-9_.-]/g, '_') || '_';

/** Nested values become `error.code=…`; lists stay JSON. */
function* pairs(fields: Record<string, unknown>, prefix = ''): Generator<string> {
  for (const [name, value] of Object.entries(fields)) {
    const path = `${prefix}${key(prefix === '' ? fieldName(name) : name)}`;
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      yield* pairs(value as Record<string, unknown>, `${path}.`);
    } else yield `${path}=${word(value)}`;
  }
}

/** `key=value` pairs: https://brandur.org/logfmt */
export const logfmt: Format = ({ time, level, service, message, fields }) =>
  [
    `time=${new Date(time).toISOString()}`,
    `level=${level}`,
    `service=${word(service)}`,
    `message=${word(message)}`,
    ...pairs(fields),
  ].join(' ');

const colours: Record<LogLevel, number> = { trace: 90, debug: 36, info: 32, warn: 33, error: 31 };

/** For a person at a terminal. */
export const pretty =
  (coloured: boolean): Format =>
  ({ time, level, message, fields }) => {
    const clock = new Date(time).toISOString().slice(11, 23);
    const name = level.toUpperCase().padEnd(5);
    const rest = [...pairs(fields)].join(' ');
    const dim = (text: string): string => (coloured && text !== '' ? `\u001b[2m${text}\u001b[22m` : text);
    const painted = coloured ? `\u001b[${colours[level]}m${name}\u001b[39m` : name;
    return `${dim(clock)} ${painted} ${escaped(message)}${rest === '' ? '' : `  ${dim(rest)}`}`;
  };

/** Severities of RFC 5424, section 6.2.1; journald takes them as a prefix `<N>` (sd-daemon(3)). */
const severities: Record<LogLevel, number> = { error: 3, warn: 4, info: 6, debug: 7, trace: 7 };

export const withPriority =
  (format: Format): Format =>
  (entry) =>
    `<${severities[entry.level]}>${format(entry)}`;

const daemonFacility = 3;

const syslogName = (text: string, maxLength: number): string =>
  text.replaceAll(/[^\u0021-\u007e]/g, '_').slice(0, maxLength) || '-';

/** The header of RFC 5424 before the line; facility daemon, UTF-8 text without structured data. */
export const withSyslogHeader =
  (format: Format, host: string, pid: number): Format =>
  (entry) => {
    const header = [
      `<${daemonFacility * 8 + severities[entry.level]}>1`,
      new Date(entry.time).toISOString(),
      syslogName(host, 255),
      syslogName(entry.service, 48),
      pid,
      '-',
      '-',
    ];
    return `${header.join(' ')} ${format(entry)}`;
  };
