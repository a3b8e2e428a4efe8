import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

const call = (method: 'GET' | 'POST', path: string, token?: string, body?: object) =>
  ask(
    { host: '127.0.0.1', port: door.port },
    {
      method,
      path: `/api/v1/${path}`,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(token === undefined ? {} : { token }),
    },
  );

test('limits are set with admin, preferences with send, and both are read with read', async () => {
  const order = ['read', 'send', 'manage', 'admin'] as const;
  const cases = [
    ['GET', 'people/per_ada/budget', 'read', undefined],
    ['POST', 'people/per_ada/budget', 'admin', { usd_day: 1 }],
    ['GET', 'people/per_ada/preferences', 'read', undefined],
    ['POST', 'people/per_ada/preferences', 'send', { notices: false }],
    ['GET', 'usage?person=owner&channel=telegram', 'read', undefined],
  ] as const;
  for (const [method, path, needed, body] of cases) {
    assert.equal((await call(method, path, undefined, body)).status, 401, path);
    for (const scope of order) {
      const { status } = await call(method, path, tokens[scope], body);
      assert.equal(status, order.indexOf(scope) < order.indexOf(needed) ? 403 : 200, `${method} ${path} with ${scope}`);
    }
  }
});

test('limits that are none, names that do not exist and people who are not there are refused', async () => {
  const budget = (body: object, person = 'per_ada') => call('POST', `people/${person}/budget`, tokens.admin, body);
  for (const body of [
    { usd_day: -1 },
    { usd_day: 1e9 },
    { usd_day: '5' },
    { usd_day: 'none' },
    { tokens_day: 1.5 },
    { tokens_week: 1 },
    { usdDay: 1 },
    { owner: 'per_bob', usd_day: 1 },
  ])
    assert.equal((await budget(body)).status, 400, JSON.stringify(body));
  assert.equal((await budget({ usd_day: 1 }, 'per_nobody')).status, 404);
  const settings = (body: object) => call('POST', 'people/per_ada/preferences', tokens.send, body);
  for (const body of [{ notices: 'off' }, { person: 'per_bob' }, { time_zone: '' }, { model: 'x'.repeat(201) }])
    assert.equal((await settings(body)).status, 400, JSON.stringify(body));
  for (const query of ['days=0', 'days=367', 'channel=Telegram', 'person=..', 'owner=x'])
    assert.equal((await call('GET', `usage?${query}`, tokens.admin)).status, 400, query);
});

test('usage carries what is left, and when the built-in prices were looked up', async () => {
  const { json } = await call('GET', 'usage', tokens.read);
  const { usage, budgets, prices_as_of } = json as {
    usage: unknown[];
    budgets: { left: number }[];
    prices_as_of: string;
  };
  assert.equal(usage.length, 1);
  assert.equal(budgets[0]?.left, 0.75);
  assert.match(prices_as_of, /^20\d\d-\d\d$/);
});
