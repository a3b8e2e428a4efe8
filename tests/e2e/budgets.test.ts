/** The built daemon and its budget: fifty questions at once, and a death in the middle of an answer. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { BudgetLine } from '../../src/core/budget.ts';
import type { UsageLine } from '../../src/core/ports/gateway.ts';
import { freePort, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { newMarker, startMockOpenAi } from '../support/mock-openai.ts';

const limit = 1;
const outputPrice = 100;
const maxTokens = 1000;
/** The answer alone; what is read costs next to nothing here. */
const reservedUsd = (maxTokens * outputPrice) / 1e6;

async function rig(t: TestContext) {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-budgets-'));
  const model = await startMockOpenAi();
  const port = await freePort();
  const config = `
[budgets.total]
usd_day = ${limit}
[agent]
max_tokens = ${maxTokens}
[providers]
default = "m"
[providers.m]
base_url = "${model.baseUrl}"
api_key = "key-of-the-budget-test"
model = "m1"
max_concurrency = 100
prices = { input = 0.01, output = ${outputPrice} }
`;
  const daemons: Daemon[] = [];
  t.after(async () => {
    for (const daemon of daemons) await daemon.kill();
    await model.close();
    rmSync(dir, { recursive: true, force: true });
  });
  const start = async (): Promise<Daemon> => {
    const daemon = await startDaemon({ dir, port, config });
    daemons.push(daemon);
    return daemon;
  };
  return { model, start };
}

const say = (daemon: Daemon, text: string, session: string) =>
  ask({ url: daemon.url, token: daemon.token() }, 'POST', '/api/v1/chat', {
    text,
    session,
    idempotency_key: `key-${session}`,
  });

async function usage(daemon: Daemon): Promise<{ budget: BudgetLine; cost: number; lines: UsageLine[] }> {
  const { body } = await ask<{ usage: UsageLine[]; budgets: BudgetLine[] }>(
    { url: daemon.url, token: daemon.token() },
    'GET',
    '/api/v1/usage',
  );
  const [budget] = body.budgets;
  assert.ok(budget !== undefined);
  return { budget, cost: body.usage.reduce((sum, { cost }) => sum + (cost ?? 0), 0), lines: body.usage };
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-9;

test('fifty questions at once with a dollar left: it is never overrun, and what was spent is what the answers cost', async (t) => {
  const { model, start } = await rig(t);
  await model.setPace({ ttftMs: 300 });
  const daemon = await start();
  const answers = await Promise.all(Array.from({ length: 50 }, (_, i) => say(daemon, `question ${i}`, `s${i}`)));
  const good = answers.filter(({ status }) => status === 200);
  const refused = answers.filter(({ status }) => status !== 200);
  assert.equal((await model.report()).calls, good.length);
  assert.ok(good.length >= Math.floor(limit / (reservedUsd * 1.01)) && refused.length > 0, String(good.length));
  for (const { status, body, headers } of refused) {
    assert.deepEqual([status, body.error?.code], [429, 'budget_exceeded']);
    assert.ok(Number(headers['retry-after']) > 0);
  }
  const { budget, cost } = await usage(daemon);
  assert.ok(budget.spent <= limit && budget.reserved === 0);
  assert.ok(near(budget.spent, cost) && near(budget.left, limit - cost));
});

test('a kill between reserving and settling frees no money', async (t) => {
  const { start } = await rig(t);
  const first = await start();
  await say(first, 'a cheap one', 'before');
  const before = await usage(first);
  const marker = newMarker();
  const lost = say(first, `${marker} [ttft=60000]`, 'cut').catch(() => undefined);
  while ((await usage(first)).budget.reserved === 0) await new Promise((resolve) => setTimeout(resolve, 10));
  await first.kill();
  await lost;
  const again = await start();
  const { budget, cost, lines } = await usage(again);
  const cut = budget.spent - before.budget.spent;
  assert.ok(cut > reservedUsd && cut < reservedUsd * 1.01, `the call that was cut counts as reserved: ${cut}`);
  assert.ok(near(budget.spent, cost), 'and stands in the usage of the day');
  assert.equal(
    lines.reduce((sum, { calls }) => sum + calls, 0),
    2,
  );
});
