import assert from 'node:assert/strict';
import { test } from 'node:test';
import { preferenceTools } from '../../../../src/adapters/tools/preferences/index.ts';
import { estimateTokens } from '../../../../src/core/estimate.ts';
import type { PersonSettings } from '../../../../src/core/ports/preferences.ts';
import type { Settings, WrittenSettings } from '../../../../src/core/preferences.ts';
import { callOf, use } from '../../../support/tool-calls.ts';

const none: Settings = { language: null, model: null, time_zone: null, quiet_hours: null, notices: true };

/** Keeps what was set for whom. */
function kept(): PersonSettings & { asked: [string, WrittenSettings][] } {
  const asked: [string, WrittenSettings][] = [];
  return {
    asked,
    get: () => Promise.resolve(none),
    set: (person, written) => {
      asked.push([person, written]);
      return Promise.resolve({ ...none, time_zone: written.time_zone ?? null });
    },
  };
}

test('the settings are those of who asks, and only what was given is changed', async () => {
  const settings = kept();
  const group = preferenceTools(settings);
  assert.match(
    (await use(group, 'get_preferences', {}, callOf('ann'))).text,
    /time_zone: not set\nquiet_hours: not set/,
  );
  const { text } = await use(group, 'set_preferences', { time_zone: 'Europe/Berlin', model: null }, callOf('ann'));
  assert.match(text, /time_zone: Europe\/Berlin/);
  assert.deepEqual(settings.asked, [['ann', { time_zone: 'Europe/Berlin', model: null }]]);
});

test('a model cannot choose whose settings they are, nor values that are none', async () => {
  const settings = kept();
  const group = preferenceTools(settings);
  for (const args of [{ person: 'bob', notices: false }, { owner_id: 'bob' }, { notices: 'no' }, { language: 'tlh' }]) {
    const { isError, text } = await use(group, 'set_preferences', args, callOf('ann'));
    assert.ok(isError === true && text !== '', JSON.stringify(args));
  }
  assert.deepEqual(settings.asked, []);
});

test('the group is small: its tools are worth their tokens', () => {
  const group = preferenceTools(kept());
  assert.ok(group.about.length <= 60);
  const sent = group.tools.map(({ name, description, parameters }) => ({ name, description, parameters }));
  assert.ok(estimateTokens(JSON.stringify(sent)) <= 260, String(estimateTokens(JSON.stringify(sent))));
});
