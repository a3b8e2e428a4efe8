import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messagePath, said } from '../../support/message-path.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

async function ask(path: Path, text: string): Promise<string> {
  const before = path.channel.shown.length;
  await path.ingress.sinkFor('scripted', 'main').commit([said(text)]);
  while (path.channel.shown.length === before) await path.clock.sleep(50);
  return path.channel.shown.at(-1)?.texts.at(-1) ?? '';
}

const personOf = async (path: Path): Promise<string> =>
  (await path.store.identity({ channel: 'scripted', account: 'main', native: '7' }))?.person ?? '';

test('/settings lists, sets and takes back, and says how a value is written that it does not understand', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/settings'), /How you want it:.*time_zone: not set.*notices: on/s);
  assert.match(await ask(path, '/settings quiet-hours 7:00 - 9:00'), /Noted: quiet hours: 07:00-09:00/);
  assert.match(
    await ask(path, '/settings time_zone Atlantis'),
    /do not understand that as time zone; .*Europe\/Berlin/,
  );
  assert.match(await ask(path, '/settings time_zone'), /time zone: not set.*\/settings time_zone Europe\/Berlin/s);
  assert.match(await ask(path, '/settings time_zone europe/berlin'), /Noted: time zone: Europe\/Berlin/);
  assert.match(await ask(path, '/settings notices off'), /Noted: notices: off/);
  assert.match(await ask(path, '/settings notices maybe'), /do not understand/);
  assert.match(await ask(path, '/settings colour blue'), /no such setting.*quiet_hours/);
  assert.deepEqual(await path.preferences.get(await personOf(path)), {
    language: null,
    model: null,
    time_zone: 'Europe/Berlin',
    quiet_hours: '07:00-09:00',
    notices: false,
  });
  assert.match(await ask(path, '/settings quiet_hours default'), /quiet hours: not set/);
  assert.match(await ask(path, '/settings language klingon'), /no notices in klingon.*Deutsch/);
  assert.match(await ask(path, '/settings language Deutsch'), /Gemerkt: Sprache meiner Hinweise: Deutsch/);
});

test('the model somebody chose answers where nobody named another one, and while it is there', async (t) => {
  const path = await messagePath(t);
  path.attach();
  assert.match(await ask(path, '/settings model nobody/nothing'), /do not understand/);
  await ask(path, '/settings model scripted/mine');
  await ask(path, 'hello');
  assert.equal(path.provider.requests.at(-1)?.model, 'mine');
  await ask(path, '/model scripted/pinned');
  await ask(path, 'hello');
  assert.equal(path.provider.requests.at(-1)?.model, 'pinned', 'a session that names one wins');
  await ask(path, '/model default');
  const person = await personOf(path);
  await path.store.setPreferences(person, { model: 'gone/model' }, 10);
  await path.preferences.start();
  assert.equal(path.preferences.modelOf(person), null);
  await ask(path, 'hello');
  assert.equal(path.provider.requests.at(-1)?.model, 'm1', 'a model that is gone holds nobody up');
  await path.preferences.set(person, { model: null });
  assert.equal(path.preferences.modelOf(person), null);
});

test('preferences of people who are not there are not found, and those of others are untouched', async (t) => {
  const path = await messagePath(t);
  await assert.rejects(path.preferences.get('nobody'), { code: 'not_found' });
  await assert.rejects(path.preferences.set('nobody', { notices: false }), { code: 'not_found' });
  await assert.rejects(path.preferences.set('owner', { quiet_hours: 'night' }), { code: 'bad_setting' });
  await assert.rejects(path.preferences.set('owner', { model: 'nobody/x' }), { code: 'unknown_model' });
});
