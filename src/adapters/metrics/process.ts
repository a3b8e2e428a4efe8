import { createHistogram } from 'node:perf_hooks';
import type { Metrics } from '../../core/ports/system.ts';

/** How often the delay is sampled; finer would wake an idle process more often than it is worth. */
const sampleMs = 20;
const windowMs = 60_000;

interface Delay {
  p50: number;
  p99: number;
  max: number;
}

const none: Delay = { p50: 0, p99: 0, max: 0 };

export interface ProcessMetrics {
  /** Seconds by which the event loop was late: the worse of this minute, which has begun, and the whole one before it. */
  eventLoopDelay: () => Delay;
  stop: () => void;
}

/** Memory, CPU and event-loop delay of this process, read when they are asked for. */
export function processMetrics(metrics: Metrics): ProcessMetrics {
  // Microseconds up to an hour, to two figures. The histogram of `monitorEventLoopDelay` takes far more memory.
  const histogram = createHistogram({ lowest: 1, highest: 3_600_000_000, figures: 2 });
  let due = performance.now() + sampleMs;
  const sample = setInterval(() => {
    const now = performance.now();
    histogram.record(Math.max(1, Math.round((now - due) * 1000)));
    due = now + sampleMs;
  }, sampleMs).unref();
  const late = (microseconds: number): number => microseconds / 1e6;
  const thisMinute = (): Delay => {
    if (histogram.count === 0) return none;
    return { p50: late(histogram.percentile(50)), p99: late(histogram.percentile(99)), max: late(histogram.max) };
  };
  let minuteBefore = none;
  const turn = setInterval(() => {
    minuteBefore = thisMinute();
    histogram.reset();
  }, windowMs).unref();

  const eventLoopDelay = (): Delay => {
    const now = thisMinute();
    return {
      p50: Math.max(now.p50, minuteBefore.p50),
      p99: Math.max(now.p99, minuteBefore.p99),
      max: Math.max(now.max, minuteBefore.max),
    };
  };

  metrics.observe('process_resident_memory_bytes', 'Resident memory of the gateway.', () => process.memoryUsage.rss());
  metrics.observe('process_cpu_seconds_total', 'CPU time of the gateway, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  const startedAt = Date.now() / 1000 - process.uptime();
  metrics.observe('process_start_time_seconds', 'When the gateway was started, since the epoch.', () => startedAt);
  metrics.observe('heap_used_bytes', 'JavaScript heap in use.', () => process.memoryUsage().heapUsed);
  metrics.observe('heap_size_bytes', 'JavaScript heap that is reserved.', () => process.memoryUsage().heapTotal);
  metrics.observe(
    'event_loop_delay_seconds',
    'Lateness of the event loop over the last one to two minutes, by quantile.',
    () => {
      const { p50, p99, max } = eventLoopDelay();
      return [
        [{ quantile: '0.5' }, p50],
        [{ quantile: '0.99' }, p99],
        [{ quantile: '1' }, max],
      ];
    },
  );

  return {
    eventLoopDelay,
    stop() {
      clearInterval(turn);
      clearInterval(sample);
    },
  };
}
