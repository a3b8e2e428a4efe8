import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messagePath, said } from '../../support/message-path.ts';
import { answer, finish, start, text, usage } from '../../support/scripted-provider.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

async function until(path: Path, fits: () => boolean): Promise<void> {
  for (let tries = 0; !fits(); tries++) {
    if (tries > 400) throw new Error(`it did not happen; shown: ${JSON.stringify(path.channel.shown)}`);
    await path.clock.sleep(1000);
  }
}

/** Without typing pulses the words come sooner. */
function begin(path: Path): void {
  Object.defineProperty(path.channel, 'typing', { value: undefined });
  path.attach();
}

test('a run that shows nothing for long says that it goes on, in the message that becomes the answer', async (t) => {
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const path = await messagePath(t, [[start, { until: told }, text('At last'), usage, finish]]);
  begin(path);
  await path.ingress.sinkFor('scripted', 'main').commit([said('think hard')]);
  await until(path, () => path.channel.shown.length === 1);
  goOn();
  await until(path, () => path.channel.shown[0]?.texts.at(-1) === 'At last');
  assert.deepEqual(
    path.channel.shown.map(({ texts }) => texts),
    [['Still working on it…', 'At last']],
  );
});

test('what says that work goes on does not keep a failed attempt from being made again', async (t) => {
  const { promise: told, resolve: goOn } = Promise.withResolvers<void>();
  const fails = [
    start,
    { until: told },
    { type: 'error', error: { kind: 'network', phase: 'body', accepted: 'maybe', detail: 'gone' } },
  ];
  const path = await messagePath(t, [fails as never, answer]);
  begin(path);
  await path.ingress.sinkFor('scripted', 'main').commit([said('think hard')]);
  await until(path, () => path.channel.shown.length === 1);
  goOn();
  await until(path, () => path.channel.shown[0]?.texts.at(-1) === 'Hello');
  assert.equal(path.channel.shown.length, 1);
});

test('stopping a run that only said it goes on leaves a word, not a promise', async (t) => {
  const path = await messagePath(t, [[start, 'hang']]);
  begin(path);
  await path.ingress.sinkFor('scripted', 'main').commit([said('think hard')]);
  await until(path, () => path.channel.shown.length === 1);
  await path.ingress.sinkFor('scripted', 'main').commit([said('/stop')]);
  await until(path, () => path.channel.shown[0]?.texts.at(-1) === '(stopped)');
});
