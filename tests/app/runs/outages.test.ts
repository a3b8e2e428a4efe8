import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outages } from '../../../src/app/runs/outages.ts';
import { messagePath, said } from '../../support/message-path.ts';
import { answer, failing } from '../../support/scripted-provider.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

const texts = (path: Path): string[] => path.channel.shown.map((message) => message.texts.at(-1) ?? '');

async function until(path: Path, fits: () => boolean): Promise<void> {
  for (let tries = 0; !fits(); tries++) {
    if (tries > 400) throw new Error(`it did not happen; shown: ${JSON.stringify(texts(path))}`);
    await path.clock.sleep(2000);
  }
}

/** A path whose model is down until `mend`. */
async function outage(t: Parameters<typeof messagePath>[0]): Promise<{ path: Path; mend: () => void }> {
  const path = await messagePath(t, [failing('network')]);
  path.provider.healthy = { ok: false, detail: 'it is down' };
  path.attach();
  const mend = (): void => {
    path.provider.healthy = { ok: true, detail: 'it answers' };
    path.provider.scripts = path.provider.scripts.map(() => answer);
  };
  return { path, mend };
}

function watch(t: Parameters<typeof messagePath>[0], outages: Outages): void {
  const stop = new AbortController();
  const running = outages.run(stop.signal);
  t.after(async () => {
    stop.abort(new Error('over'));
    await running;
  });
}

test('while no model can be reached people are told once; when one is back, what they asked is answered', async (t) => {
  const { path, mend } = await outage(t);
  watch(t, path.outages);
  await path.ingress.sinkFor('scripted', 'main').commit([said('are you there?')]);
  await until(path, () => texts(path).length === 1);
  assert.match(texts(path)[0] ?? '', /could not answer.*I keep your message/s);
  mend();
  await until(path, () => texts(path).includes('Hello'));
  assert.deepEqual(texts(path).slice(1), ['The model is back; I answer what was left open.', 'Hello']);
  assert.equal((await path.store.deadLetters({ limit: 5 })).items.length, 0);
});

test('what was kept before a restart is answered after it', async (t) => {
  const { path, mend } = await outage(t);
  await path.ingress.sinkFor('scripted', 'main').commit([said('before the restart')]);
  await until(path, () => texts(path).length === 1);
  mend();
  const { store, clock, log, mintId, models, delivery, runs } = path;
  watch(t, new Outages({ store, clock, log, mintId, models, delivery, runs: () => runs }));
  await until(path, () => texts(path).includes('Hello'));
});

test('a provider that says it is well and never answers is given up after three times, with the last word said', async (t) => {
  const { path } = await outage(t);
  path.provider.healthy = { ok: true, detail: 'it says' };
  watch(t, path.outages);
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).filter((text) => text.includes('could not answer')).length === 2);
  assert.equal(texts(path).filter((text) => text.includes('I keep your message')).length, 1);
  assert.equal(texts(path).filter((text) => text.includes('is back;')).length, 1);
  assert.doesNotMatch(texts(path).at(-1) ?? '', /I keep your message/);
  assert.equal((await path.store.deadLetters({ limit: 5 })).items.length, 1);
});

test('a failure that will not pass, and a client that repeats by itself, are not kept', async (t) => {
  const path = await messagePath(t, [failing('invalid_request')]);
  path.attach();
  await path.ingress.sinkFor('scripted', 'main').commit([said('hello?')]);
  await until(path, () => texts(path).length === 1);
  assert.doesNotMatch(texts(path)[0] ?? '', /I keep your message/);
});
