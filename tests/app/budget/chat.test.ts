/** What people read about what they may spend, over the whole way of a message. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { amountText, budgetNotice } from '../../../src/app/budget/notice.ts';
import type { BudgetSettings } from '../../../src/app/budget/budgets.ts';
import { BudgetRefusal } from '../../../src/app/budget/budgets.ts';
import { noLimits, type Limits } from '../../../src/core/budget.ts';
import { languages } from '../../../src/core/languages.ts';
import { wordsIn } from '../../../src/core/notices/index.ts';
import { messagePath, said } from '../../support/message-path.ts';

type Path = Awaited<ReturnType<typeof messagePath>>;

async function ask(path: Path, text: string, over: Parameters<typeof said>[1] = {}): Promise<string> {
  const before = path.channel.shown.length;
  await path.ingress.sinkFor('scripted', 'main').commit([said(text, over)]);
  while (path.channel.shown.length === before) await path.clock.sleep(50);
  return path.channel.shown.at(-1)?.texts.at(-1) ?? '';
}

const limits = (more: Partial<Limits>): Limits => ({ ...noLimits, ...more });
const settings = (member: Limits, more: Partial<BudgetSettings> = {}): BudgetSettings => ({
  total: noLimits,
  roles: { owner: noLimits, member, guest: noLimits },
  channels: {},
  job: noLimits,
  ...more,
});

test('who has spent it all reads how much is left and when there is more, in their language; nothing waits for an owner', async (t) => {
  const path = await messagePath(t, undefined, { budgets: settings(limits({ tokensDay: 10_000 })) });
  path.attach();
  assert.match(await ask(path, 'one', { language: 'de' }), /Hello/);
  const message = path.provider.hits;
  const refused = await ask(path, `two ${'word '.repeat(4000)}`, { language: 'de' });
  assert.match(refused, /Dein Budget für heute reicht .* nicht: Übrig sind 9983 von 10\.0k Tokens\. In \d+[hms]/);
  assert.equal(path.provider.hits, message, 'no model was asked');
  assert.deepEqual((await path.store.deadLetters(null, { limit: 5 })).items, []);
  await ask(path, '/new');
  assert.match(await ask(path, 'three'), /Hello/, 'a smaller question still fits');
});

test('the budget that all share is not told in figures', async (t) => {
  const path = await messagePath(t, undefined, { budgets: settings(noLimits, { total: limits({ usdMonth: 0 }) }) });
  path.attach();
  const refused = await ask(path, 'hello');
  assert.match(refused, /My budget for this month does not reach for this answer\. It is renewed in/);
  assert.doesNotMatch(refused, /\$/);
});

test('/usage shows each their own; an owner sees everybody in a direct chat, and nobody does in a group', async (t) => {
  const path = await messagePath(t, undefined, {
    policy: { users: new Set(['7', '8']), chats: new Set(['-1']) },
    budgets: settings(limits({ usdDay: 1, tokensMonth: 1_000_000 })),
  });
  path.attach();
  const bob = {
    conversation: { channel: 'scripted', account: 'main', native: '8' },
    sender: { native: '8', display: 'Bob', isBot: false },
  };
  assert.match(await ask(path, '/usage'), /Today: nothing.*\$1\.00 of \$1\.00/s);
  await ask(path, 'hello');
  await ask(path, 'hello', bob);
  await ask(path, 'again', bob);
  const own = await ask(path, '/usage');
  assert.match(own, /Today: 1 request, 17 tokens, \$0\.00003/);
  assert.match(own, /scripted\/m1: 1 request/);
  assert.match(own, /you, this month: 999\.9k of 1\.0M tokens/);
  assert.doesNotMatch(own, /Bob|Everybody/);
  const { person = '' } = (await path.store.identity({ channel: 'scripted', account: 'main', native: '7' })) ?? {};
  await path.store.setRole(person, 'owner');
  path.directory.forget();
  const all = await ask(path, '/usage');
  assert.match(all, /Everybody, this month:.*Bob.*2 requests.*prices are those of 20/s);
  assert.match(all, /Nothing limits you/);
  const group = {
    conversation: { channel: 'scripted', account: 'main', native: '-1' },
    chat: { type: 'group' as const, addressed: true },
  };
  assert.doesNotMatch(await ask(path, '/usage', group), /Everybody|Bob/);
});

test('in a group who asks pays, not whose conversation it is', async (t) => {
  const path = await messagePath(t, undefined, { policy: { users: new Set(['7', '8']), chats: new Set(['-1']) } });
  path.attach();
  await ask(path, 'hello', {
    conversation: { channel: 'scripted', account: 'main', native: '-1' },
    chat: { type: 'group', addressed: true },
  });
  const { person = '' } = (await path.store.identity({ channel: 'scripted', account: 'main', native: '7' })) ?? {};
  const rows = await path.store.usage(0, null, 'scripted');
  assert.deepEqual(
    rows.map(({ owner, calls }) => [owner, calls]),
    [[person, 1]],
  );
});

test('every language says all that there is to say about budgets', () => {
  const check = { account: 'person:ann' as const, period: '2026-01-15', nano: 1e9, tokens: null };
  const standing = { spent: { nano: 0.58e9, tokens: 0 }, reserved: { nano: 0, tokens: 0 } };
  const now = Date.UTC(2026, 0, 15, 20);
  for (const language of Object.keys(languages)) {
    const words = wordsIn(language);
    const told = budgetNotice(new BudgetRefusal({ check, unit: 'usd', standing }, 'p/m', now), words) ?? '';
    for (const part of ['$0.42', '$1.00', '4h']) assert.ok(told.includes(part), `${language}: ${told}`);
    const unpriced = budgetNotice(new BudgetRefusal({ check, unit: 'price', standing }, 'p/m', now), words) ?? '';
    assert.ok(unpriced.includes('p/m') && !unpriced.includes('$'), language);
    assert.equal(budgetNotice(new Error('another'), words), null);
    const { summaries, settings } = words;
    assert.ok(summaries['usage'] !== undefined && summaries['settings'] !== undefined, language);
    assert.ok(settings.set('a', 'b').includes('b') && settings.wrong('a', 'form').includes('form'), language);
  }
});

test('amounts are short and never nothing that is something', () => {
  const cases: ['usd' | 'tokens', number, string][] = [
    ['usd', 0, '$0.00'],
    ['usd', 0.42, '$0.42'],
    ['usd', 0.29, '$0.29'],
    ['usd', 0.99997, '$0.99'],
    ['usd', 0.00003, '$0.00003'],
    ['usd', 0.00031, '$0.00031'],
    ['usd', 1e-9, '$0.000000001'],
    ['usd', 1234.5, '$1234.50'],
    ['tokens', 0, '0'],
    ['tokens', 9999, '9999'],
    ['tokens', 12_345, '12.3k'],
    ['tokens', 999_983, '999.9k'],
    ['tokens', 1_234_567, '1.2M'],
  ];
  for (const [unit, amount, text] of cases) assert.equal(amountText(unit, amount), text);
});
