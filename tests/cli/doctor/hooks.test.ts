import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hookTrouble } from '../../../src/cli/doctor/hook-checks.ts';
import type { Facts } from '../../../src/cli/doctor/facts.ts';
import { probeWhatsApp } from '../../../src/cli/doctor/probe-whatsapp.ts';
import { WhatsAppServer } from '../../support/whatsapp-server.ts';

test('Meta is asked once, and what it says of token and number is told apart', async (t) => {
  const platform = new WhatsAppServer();
  await platform.server.listen();
  t.after(() => platform.server.close());
  const { root, number, token } = platform;
  const outcome = async (...about: Parameters<typeof probeWhatsApp>): Promise<string> =>
    (await probeWhatsApp(...about)).outcome;
  assert.equal(await outcome(root, number, token), 'ok');
  assert.equal(await outcome(`${root}/`, number, token), 'ok');
  const refused = await probeWhatsApp(root, number, 'EAAGwrong');
  assert.equal(refused.outcome, 'unauthorized');
  assert.ok(!JSON.stringify(refused).includes('EAAGwrong'));
  assert.equal(await outcome(root, '12345', token), 'no_such_number');
  assert.equal(await outcome(root.replace('v23.0', 'v1'), number, token), 'failing');
  await platform.server.close();
  assert.equal(await outcome(root, number, token), 'unreachable');
  assert.equal(platform.posts, 0);
});

test('what a hook complains of is told in its words, unless another check says it better', () => {
  const about = (id: string, detail: string): Pick<Facts, 'gateway' | 'whatsapp' | 'webhooks'> => ({
    gateway: {
      reach: 'up',
      url: 'u',
      status: { channels: [{ id, health: { state: 'connected', detail } }] },
    } as unknown as Facts['gateway'],
    whatsapp: [{ id: 'whatsapp:main', enabled: true, publicNames: 1, outcome: 'ok', detail: '', clockOffMs: null }],
    webhooks: [
      { id: 'webhook:a', name: 'a', enabled: true, url: 'http://x' },
      { id: 'webhook:b', name: 'b', enabled: true, url: null },
    ],
  });
  const problems = (id: string, detail: string): string[] =>
    [hookTrouble(about(id, detail) as Facts) ?? []].flat().map(({ problem }) => problem);
  assert.deepEqual(problems('webhook:a', 'none has passed yet'), ['webhook:a is in trouble: none has passed yet']);
  assert.deepEqual(problems('whatsapp:main', 'not delivered'), ['whatsapp:main is in trouble: not delivered']);
  assert.deepEqual(problems('webhook:a', ''), []);
  assert.deepEqual(problems('webhook:b', 'no answer can be given'), []);
});
