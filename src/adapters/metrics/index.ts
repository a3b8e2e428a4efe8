import type { Counter, Gauge, Histogram, Labels, Metrics } from '../../core/ports/system.ts';
import { labelText, sampleLine, Series } from './series.ts';

/** Metrics of one registry; a product that needs more has made names out of data. */
const maxMetrics = 500;

/** What everything of ours is called by; `process_…` are the names that all programs share. */
const prefix = 'openclanker_';

/** Seconds, from a millisecond to a minute. */
const defaultBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const;

type Read = () => number | [Labels, number][];

interface Metric {
  type: 'counter' | 'gauge' | 'histogram';
  help: string;
  render: (name: string) => string[];
  handle: Counter | Gauge | Histogram | null;
}

const namePattern = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;

const helpText = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

/**
 * The figures of the process in Prometheus' text format 0.0.4
 * (https://prometheus.io/docs/instrumenting/exposition_formats/). Names are given without the prefix. Asking twice for
 * a name gives the same metric.
 */
export class MetricsRegistry implements Metrics {
  readonly #metrics = new Map<string, Metric>();

  counter(name: string, help: string): Counter {
    return this.#register(name, help, 'counter', () => {
      const series = new Series(1);
      const add = (value = 1, labels?: Labels): void => {
        if (value >= 0) series.add(series.row(labels), 0, value); // a counter never goes down, and NaN is no count
      };
      return { handle: { add }, render: (name) => series.samples(name) };
    }) as Counter;
  }

  gauge(name: string, help: string): Gauge {
    return this.#register(name, help, 'gauge', () => {
      const series = new Series(1);
      const set = (value: number, labels?: Labels): void => series.set(series.row(labels), 0, value);
      return { handle: { set }, render: (name) => series.samples(name) };
    }) as Gauge;
  }

  observe(name: string, help: string, read: Read): void {
    const type = name.endsWith('_total') ? 'counter' : 'gauge';
    this.#register(name, help, type, () => ({
      handle: null,
      render: (name) => {
        const series = new Series(1);
        const value = read();
        if (typeof value === 'number') series.set(series.row(), 0, value);
        else for (const [labels, one] of value) series.add(series.row(labels), 0, one);
        return series.samples(name);
      },
    }));
  }

  histogram(name: string, help: string, buckets: readonly number[] = defaultBuckets): Histogram {
    return this.#register(name, help, 'histogram', () => {
      const bounds = Float64Array.from(buckets).sort();
      // A column per bucket, one for what is above all, and the sum.
      const series = new Series(bounds.length + 2);
      const observe = (seconds: number, labels?: Labels): void => {
        if (Number.isNaN(seconds)) return;
        const row = series.row(labels);
        let bucket = 0;
        while (bucket < bounds.length && seconds > (bounds[bucket] ?? 0)) bucket++;
        series.add(row, bucket, 1);
        series.add(row, bounds.length + 1, seconds);
      };
      return { handle: { observe }, render: (name) => histogramLines(name, bounds, series) };
    }) as Histogram;
  }

  render(): string {
    const lines: string[] = [];
    for (const [plainName, { type, help, render }] of this.#metrics) {
      const name = plainName.startsWith('process_') ? plainName : prefix + plainName;
      let samples: string[];
      try {
        samples = render(name);
      } catch {
        continue; // one figure that cannot be read must not take the others away
      }
      if (samples.length === 0) continue;
      lines.push(`# HELP ${name} ${helpText(help)}`, `# TYPE ${name} ${type}`, ...samples);
    }
    return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
  }

  #register(
    name: string,
    help: string,
    type: Metric['type'],
    make: () => Pick<Metric, 'handle' | 'render'>,
  ): Metric['handle'] {
    const known = this.#metrics.get(name);
    if (known !== undefined && known.type === type && known.handle !== null) return known.handle;
    if (known !== undefined) throw new Error(`The metric ${name} exists already.`);
    if (!namePattern.test(name)) throw new Error(`"${name}" cannot be the name of a metric.`);
    if (this.#metrics.size >= maxMetrics) throw new Error(`There are ${maxMetrics} metrics already.`);
    const metric = { type, help, ...make() };
    this.#metrics.set(name, metric);
    return metric.handle;
  }
}

/** Buckets count upwards: each includes those below it. */
function histogramLines(name: string, bounds: Float64Array, series: Series): string[] {
  return series.rows().flatMap(({ labels, values }) => {
    let count = 0;
    const lines = Array.from({ length: bounds.length + 1 }, (_, i) => {
      count += values[i] ?? 0;
      const le = labelText({ le: i < bounds.length ? String(bounds[i]) : '+Inf' });
      return sampleLine(`${name}_bucket`, [labels, le].filter((text) => text !== '').join(','), count);
    });
    const sum = values[bounds.length + 1] ?? 0;
    return [...lines, sampleLine(`${name}_sum`, labels, sum), sampleLine(`${name}_count`, labels, count)];
  });
}
