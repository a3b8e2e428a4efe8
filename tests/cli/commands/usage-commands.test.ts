import assert from 'node:assert/strict';
import { mock, test, type TestContext } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

// What is left of a time is shown in seconds: the clock stands still.
mock.timers.enable({ apis: ['Date'], now: Date.now() });

async function rig(t: TestContext) {
  const gateway = await ScriptedGateway.listen();
  const host = new FakeHost();
  t.after(async () => {
    host[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  });
  return { gateway, run: (...line: string[]) => host.run([...line, '--url', gateway.url]) };
}

const budget = {
  account: 'total',
  period: 'day',
  unit: 'usd',
  limit: 1,
  spent: 0.25,
  reserved: 0,
  left: 0.75,
  renewsAt: Date.now() + 3_600_500,
};

test('usage shows what was used, where prices are unknown, and what is left', async (t) => {
  const { gateway, run } = await rig(t);
  const line = {
    day: '2026-01-15',
    person: 'owner',
    provider: 'openai',
    model: 'gpt-5-mini',
    calls: 2,
    input: 10,
    cacheRead: 5,
    cacheWrite: 1,
    output: 7,
    cost: 0.00042,
    unpriced: 1,
  };
  const body = { usage: [line, { ...line, cost: null, unpriced: 0 }], budgets: [budget], prices_as_of: '2026-01' };
  gateway.json('GET /api/v1/usage?days=30', 200, body);
  const { out } = await run('usage');
  assert.match(
    out,
    /2026-01-15 {2}owner {2}openai\/gpt-5-mini {2}2 calls {2}16 tokens in {2}7 out {2}\$0\.000420 \(1 of unknown price\)/,
  );
  assert.match(
    out,
    / {2}-\nLeft:\n {2}total, day: \$0\.7500 of \$1\.00, renewed in 1h\nBuilt-in prices are those of 2026-01\.\n$/,
  );
  gateway.json('GET /api/v1/usage?days=7&person=per_1&channel=telegram', 200, { ...body, usage: [], budgets: [] });
  assert.match(
    (await run('usage', '--days', '7', '--person', 'per_1', '--channel', 'telegram')).out,
    /^Nothing was used\./,
  );
  for (const days of ['0', '367', 'x', '-1']) assert.equal((await run('usage', '--days', days)).code, 2, days);
});

test('people budget shows limits, and sets exactly those that are given', async (t) => {
  const { gateway, run } = await rig(t);
  const body = {
    limits: { usd_day: 2.5, usd_month: null, tokens_day: 1000, tokens_month: null },
    own: { usd_day: 2.5 },
    budgets: [budget],
  };
  gateway.json('GET /api/v1/people/per_1/budget', 200, body);
  assert.match(
    (await run('people', 'budget', 'per_1')).out,
    /^usd_day +2\.5 \(their own\)\nusd_month +no limit\n.*Left:/s,
  );
  gateway.json('POST /api/v1/people/per_1/budget', 200, body);
  await run('people', 'budget', 'per_1', '--usd-day', '2.50', '--tokens-day', 'none', '--usd-month', 'default');
  assert.deepEqual(JSON.parse(gateway.asked.at(-1)?.body ?? ''), {
    usd_day: 2.5,
    usd_month: 'default',
    tokens_day: null,
  });
  for (const line of [
    ['--usd-day', '$5'],
    ['--tokens-day', '1.5'],
    ['--usd-day', '-1'],
    ['--tokens-month', 'many'],
  ])
    assert.equal((await run('people', 'budget', 'per_1', ...line)).code, 2, line.join(' '));
});

test('people settings shows them, changes what is given, and takes back with default', async (t) => {
  const { gateway, run } = await rig(t);
  const body = { language: 'de', model: null, time_zone: 'Europe/Berlin', quiet_hours: null, notices: true };
  gateway.json('GET /api/v1/people/owner/preferences', 200, body);
  assert.match((await run('people', 'settings', 'owner')).out, /language +de\nmodel +not set\n.*notices +on\n$/s);
  gateway.json('POST /api/v1/people/owner/preferences', 200, body);
  await run(
    'people',
    'settings',
    'owner',
    '--time-zone',
    'default',
    '--quiet-hours',
    '22:00-07:00',
    '--notices',
    'off',
  );
  assert.deepEqual(JSON.parse(gateway.asked.at(-1)?.body ?? ''), {
    time_zone: null,
    quiet_hours: '22:00-07:00',
    notices: false,
  });
  assert.equal((await run('people', 'settings', 'owner', '--notices', 'loud')).code, 2);
});
