/** The HTTP server on a free port over a scripted gateway. */
import { createHttpServer, type HttpServer } from '../../src/adapters/http/index.ts';
import {
  defaultHttpServerOptions,
  type HttpServerOptions,
  type HttpTimings,
} from '../../src/adapters/http/settings.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import type { Labels, Log, LogFields, Metrics } from '../../src/core/ports/system.ts';
import { channelTypes } from './scripted-chat.ts';
import { ScriptedGateway } from './scripted-gateway.ts';

/** Figures as `name{labels}` → sum. */
export class CountedMetrics implements Metrics {
  readonly values = new Map<string, number>();

  counter(name: string): { add(value?: number, labels?: Labels): void } {
    return { add: (value = 1, labels = {}) => this.#add(name, value, labels) };
  }
  gauge(name: string): { set(value: number, labels?: Labels): void } {
    return { set: (value, labels = {}) => void this.values.set(keyOf(name, labels), value) };
  }
  observe(name: string, _help: string, read: () => number | [Labels, number][]): void {
    this.#read.set(name, read);
  }
  histogram(name: string): { observe(seconds: number, labels?: Labels): void } {
    return { observe: (_, labels = {}) => this.#add(`${name}_count`, 1, labels) };
  }
  render(): string {
    const now = [...this.#read].map(([name, read]) => [name, read()] as const);
    return [...this.values, ...now].map(([name, value]) => `${name} ${JSON.stringify(value)}\n`).join('');
  }
  readonly #read = new Map<string, () => number | [Labels, number][]>();

  #add(name: string, value: number, labels: Labels): void {
    const key = keyOf(name, labels);
    this.values.set(key, (this.values.get(key) ?? 0) + value);
  }
}

const keyOf = (name: string, labels: Labels): string =>
  `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')}}`;

/** Keeps what was logged, to look for what must not be there. */
export class KeptLog implements Log {
  readonly lines: { level: string; message: string; fields: LogFields }[];
  readonly #bound: LogFields;

  constructor(lines: KeptLog['lines'] = [], bound: LogFields = {}) {
    this.lines = lines;
    this.#bound = bound;
  }
  #keep(level: string, message: string, fields: LogFields = {}): void {
    this.lines.push({ level, message, fields: { ...this.#bound, ...fields } });
  }
  trace(message: string, fields?: LogFields): void {
    this.#keep('trace', message, fields);
  }
  debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#keep('warn', message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
  }
  with(fields: LogFields): Log {
    return new KeptLog(this.lines, { ...this.#bound, ...fields });
  }
}

export interface TestDoor {
  url: string;
  port: number;
  server: HttpServer;
  gateway: ScriptedGateway;
  metrics: CountedMetrics;
  log: KeptLog;
  options: HttpServerOptions;
  stop(): Promise<void>;
}

export async function openDoor(
  settings: { options?: Partial<HttpServerOptions>; timings?: Partial<HttpTimings>; gateway?: ScriptedGateway } = {},
): Promise<TestDoor> {
  const gateway = settings.gateway ?? new ScriptedGateway();
  const metrics = new CountedMetrics();
  const log = new KeptLog();
  const options = { ...defaultHttpServerOptions, port: 0, ...settings.options };
  const server = createHttpServer({
    gateway,
    options,
    log,
    metrics,
    clock: systemClock,
    mintId: gateway.mintId,
    version: '0.0.0-test',
    channelTypes,
    timings: settings.timings ?? {},
  });
  await server.start(new AbortController().signal);
  const url = server.url();
  return { url, port: Number(new URL(url).port), server, gateway, metrics, log, options, stop: () => server.stop(200) };
}
