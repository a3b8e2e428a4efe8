import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../core/units.ts';
import { GatewayClient, Unreachable } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { lastLines } from '../log-file.ts';
import { jsonText, type Terminal } from '../terminal.ts';
import { whileRunning } from '../without-gateway.ts';

const levels = ['trace', 'debug', 'info', 'warn', 'error'] as const;
type Level = (typeof levels)[number];

const defaultLines = 100;
const maxLines = 10_000;
/** How long to wait before a gateway that is gone is looked for again. */
const againMs = 500;

interface Wanted {
  level: Level | null;
  /** Milliseconds since the epoch. */
  since: number | null;
  lines: number;
}

interface Entry extends Record<string, unknown> {
  time: string;
  level: Level;
  message: string;
}

/** From the gateway; without one, from its log file. */
export const logs: Handler = async (invocation) => {
  const { options, terminal } = invocation;
  const wanted = wantedOf(invocation);
  const show = (text: string): void => showLine(terminal, text, options.has('json'));
  const client = await whileRunning(invocation);
  if (client === null) {
    const readAt = Date.now();
    for (const line of await fromFile(invocation, wanted)) show(line);
    if (!options.has('follow')) return 0;
    terminal.complain('open-clanker: no gateway is running; waiting for one');
    await follow(invocation, { ...wanted, since: readAt, lines: maxLines }, show);
  } else if (options.has('follow')) {
    await follow(invocation, wanted, show);
  } else {
    const { logs: found } = await client.get<{ logs: Entry[] }>(`/api/v1/logs?${queryOf(wanted)}`);
    for (const entry of found) show(JSON.stringify(entry));
  }
  return 0;
};

/** Until interrupted; a gateway that ends is waited for, and the next one goes on where it was left. */
async function follow(invocation: Invocation, wanted: Wanted, show: (text: string) => void): Promise<void> {
  const stop = new AbortController();
  const end = (): void => stop.abort();
  process.once('SIGINT', end).once('SIGTERM', end);
  let last: string | null = null;
  try {
    while (!stop.signal.aborted) {
      try {
        const client = await GatewayClient.of(invocation);
        for await (const { event, data, id } of client.events(
          `/api/v1/logs/follow?${queryOf(wanted)}`,
          last,
          stop.signal,
        )) {
          if (event === 'log') show(data);
          last = id;
        }
      } catch (error) {
        if (!(error instanceof Unreachable)) throw error;
      }
      await sleep(againMs, undefined, { signal: stop.signal });
    }
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    process.off('SIGINT', end).off('SIGTERM', end);
  }
}

function queryOf({ level, since, lines }: Wanted): string {
  const query = new URLSearchParams({ limit: String(lines) });
  if (level !== null) query.set('level', level);
  if (since !== null) query.set('since', new Date(since).toISOString());
  return query.toString();
}

async function fromFile(invocation: Invocation, { level, since, lines }: Wanted): Promise<string[]> {
  const { loadedConfig } = await import('../configured.ts');
  const { output, file } = (await loadedConfig(invocation)).config.logging;
  if (output !== 'file' || file === undefined) {
    if (invocation.options.has('follow')) return [];
    const elsewhere = output === 'stdout' ? 'standard output' : output;
    throw new CliError(
      `No gateway is running, and its log goes to ${elsewhere}: look there, or set logging.output to "file".`,
    );
  }
  return lastLines(file, lines, (line) => {
    const { at, level: own } = factsOf(line);
    // What does not say when it was is taken for what stands beside it.
    if (since !== null && at !== null && at < since) return null;
    return level === null || own === null || levels.indexOf(own) >= levels.indexOf(level);
  });
}

/** When and how important: of all formats, as far as they say so. */
function factsOf(line: string): { at: number | null; level: Level | null } {
  const json = entryOf(line);
  const time = json?.time ?? /(?:^|\s)time=(\S+)/.exec(line)?.[1];
  const level =
    json?.level ?? /(?:^|\s)level=(\S+)/.exec(line)?.[1] ?? /^\S+ ([A-Z]+)\s/.exec(line)?.[1]?.toLowerCase();
  const at = time === undefined ? Number.NaN : Date.parse(time);
  return { at: Number.isNaN(at) ? null : at, level: levels.find((known) => known === level) ?? null };
}

function entryOf(line: string): Entry | null {
  try {
    const entry = JSON.parse(line) as Partial<Entry> | null;
    return typeof entry?.time === 'string' && typeof entry.message === 'string' ? (entry as Entry) : null;
  } catch {
    return null;
  }
}

/** `--json`: as it is; else for a person, on the clock of this machine. */
function showLine(terminal: Terminal, text: string, asJson: boolean): void {
  const entry = entryOf(text);
  if (entry === null) {
    terminal.line(text);
    return;
  }
  if (asJson) {
    terminal.line(jsonText(entry, 0));
    return;
  }
  const { time, level, message, service: _, component, ...fields } = entry;
  const where = typeof component === 'string' ? `${component}: ` : '';
  const rest = Object.entries(fields).map(([name, value]) => `  ${name}=${jsonText(value, 0)}`);
  terminal.line(
    `${clockOf(time)} ${level.toUpperCase().padEnd(5)} ${where}${message.replaceAll('\n', '\\n')}${rest.join('')}`,
  );
}

function clockOf(time: string): string {
  const at = new Date(time);
  const two = (n: number): string => String(n).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

function wantedOf({ options }: Invocation): Wanted {
  const named = options.value('level');
  const level = levels.find((each) => each === named) ?? null;
  if (named !== undefined && level === null) throw new CliError(`--level takes one of ${levels.join(', ')}.`, 2);
  const count = options.value('lines') ?? String(defaultLines);
  const lines = /^\d{1,5}$/.test(count) ? Number(count) : 0;
  if (lines < 1 || lines > maxLines) throw new CliError(`--lines takes a number from 1 to ${maxLines}.`, 2);
  return { level, since: sinceOf(options.value('since')), lines };
}

function sinceOf(text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = /^\d+(\.\d+)?[a-z]+$/.test(text) ? Date.now() - parseDuration(text) : Date.parse(text);
  if (Number.isNaN(at)) throw new CliError('--since takes a time such as 2026-01-31 or a duration such as 10m.', 2);
  return at;
}
