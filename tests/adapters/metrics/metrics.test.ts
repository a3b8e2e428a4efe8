import assert from 'node:assert/strict';
import { it } from 'node:test';
import { MetricsRegistry } from '../../../src/adapters/metrics/index.ts';
import { processMetrics } from '../../../src/adapters/metrics/process.ts';
import { maxLabelSets } from '../../../src/adapters/metrics/series.ts';

it('the text is what Prometheus reads: help, type, labels in order, escapes', () => {
  const metrics = new MetricsRegistry();
  const sent = metrics.counter('sent_total', 'Sent.\nTwo lines, one \\.');
  sent.add();
  sent.add(2, { channel: 'telegram', account: 'ma"in\\\n' });
  sent.add(1, { account: 'ma"in\\\n', channel: 'telegram' });
  metrics.gauge('depth', 'Depth.').set(-1.5);
  metrics.observe('now', 'Now.', () => [
    [{ queue: 'a' }, 1],
    [{ queue: 'b' }, Infinity],
  ]);
  metrics.gauge('unused', 'Never set.');
  assert.equal(
    metrics.render(),
    `# HELP openclanker_sent_total Sent.\\nTwo lines, one \\\\.
# TYPE openclanker_sent_total counter
openclanker_sent_total 1
openclanker_sent_total{account="ma\\"in\\\\\\n",channel="telegram"} 3
# HELP openclanker_depth Depth.
# TYPE openclanker_depth gauge
openclanker_depth -1.5
# HELP openclanker_now Now.
# TYPE openclanker_now gauge
openclanker_now{queue="a"} 1
openclanker_now{queue="b"} +Inf
`,
  );
});

it('buckets count upwards, a value on a bound is inside, what is above all is in +Inf', () => {
  const metrics = new MetricsRegistry();
  const turn = metrics.histogram('turn_seconds', 'Turn.', [1, 0.1]);
  for (const seconds of [0.1, 0.5, 1, 7, Number.NaN]) turn.observe(seconds, { channel: 'api' });
  assert.deepEqual(metrics.render().split('\n').slice(2, -1), [
    'openclanker_turn_seconds_bucket{channel="api",le="0.1"} 1',
    'openclanker_turn_seconds_bucket{channel="api",le="1"} 3',
    'openclanker_turn_seconds_bucket{channel="api",le="+Inf"} 4',
    'openclanker_turn_seconds_sum{channel="api"} 8.6',
    'openclanker_turn_seconds_count{channel="api"} 4',
  ]);
});

it('names made out of data cannot fill the memory: past the bound everything counts under other', () => {
  const metrics = new MetricsRegistry();
  const counter = metrics.counter('c_total', 'C.');
  const histogram = metrics.histogram('h_seconds', 'H.', [1]);
  for (let i = 0; i < 10_000; i++) {
    counter.add(1, { user: `u${i}` });
    histogram.observe(0.5, { user: `u${i}` });
  }
  counter.add(1, { user: 'u0' });
  metrics.observe('o', 'O.', () => Array.from({ length: 1000 }, (_, i) => [{ user: `u${i}` }, 1]));
  const lines = metrics.render().split('\n');
  const rest = 10_000 - maxLabelSets;
  assert.ok(lines.includes(`openclanker_c_total{user="other"} ${rest}`));
  assert.ok(lines.includes('openclanker_c_total{user="u0"} 2'));
  assert.ok(lines.includes(`openclanker_h_seconds_count{user="other"} ${rest}`));
  assert.ok(lines.includes(`openclanker_o{user="other"} ${1000 - maxLabelSets}`));
  assert.equal(lines.filter((line) => line.startsWith('openclanker_c_total{')).length, maxLabelSets + 1);
});

it('a counter never goes down and a broken figure does not take the others away', () => {
  const metrics = new MetricsRegistry();
  const counter = metrics.counter('c_total', 'C.');
  counter.add(5);
  counter.add(-3);
  counter.add(Number.NaN);
  metrics.observe('broken', 'B.', () => {
    throw new Error('the store is closed');
  });
  assert.match(metrics.render(), /^openclanker_c_total 5$/m);
});

it('the same name is the same metric, another kind under it or a bad name is a bug', () => {
  const metrics = new MetricsRegistry();
  metrics.counter('c_total', 'C.').add();
  metrics.counter('c_total', 'C.').add();
  assert.match(metrics.render(), /^openclanker_c_total 2$/m);
  assert.throws(() => metrics.gauge('c_total', 'C.'));
  assert.throws(() => metrics.counter('c-total', 'C.'));
});

it('the process reports memory, CPU and a loop that was held up', async (t) => {
  const metrics = new MetricsRegistry();
  const { eventLoopDelay, stop } = processMetrics(metrics);
  t.after(stop);
  while (eventLoopDelay().max < 0.05) {
    const end = performance.now() + 100;
    while (performance.now() < end); // holds the loop up
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics.render())?.[1]);
  assert.ok(value('process_resident_memory_bytes') > 1e7);
  assert.ok(value('openclanker_heap_used_bytes') > 1e6);
  assert.ok(value('process_cpu_seconds_total') > 0);
  assert.ok(Math.abs(value('process_start_time_seconds') - Date.now() / 1000) < 3600);
  assert.match(metrics.render(), /^# TYPE process_cpu_seconds_total counter$/m);
  assert.ok(value('openclanker_event_loop_delay_seconds\\{quantile="1"\\}') >= 0.05);
});

it('five hundred metrics are a product, more are names made out of data', () => {
  const registry = new MetricsRegistry();
  for (let n = 0; n < 500; n++) registry.counter(`c${n}`, 'One of many.');
  registry.counter('c0', 'One of many.');
  assert.throws(() => registry.counter('one_more', 'One too many.'), /500 metrics already/);
});
