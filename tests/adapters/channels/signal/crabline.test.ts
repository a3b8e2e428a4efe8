/** The channel against a daemon of other people. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { startSignalServer } from '@openclaw/crabline';
import { createSignalChannel } from '../../../../src/adapters/channels/signal/index.ts';
import { createHttpClient } from '../../../../src/adapters/http-client/index.ts';
import { createMarkdown } from '../../../../src/adapters/markdown/index.ts';
import { systemRandom } from '../../../../src/adapters/system/index.ts';
import { CountedMetrics, KeptLog } from '../../../support/door.ts';
import { Listener } from '../../../support/listener.ts';
import { group, startSignalCounterpart } from '../../../support/signal-counterpart.ts';

const forever = new AbortController().signal;

test('messages of people and groups go in, answers go out, and a restart hears what was said meanwhile', async (t) => {
  const folder = await mkdtemp(path.join(tmpdir(), 'signal-'));
  const server = await startSignalServer({ recorderPath: path.join(folder, 'calls.jsonl') });
  const { account: number, adminToken, baseUrl, endpoints } = server.manifest;
  const http = createHttpClient({ log: new KeptLog(), metrics: new CountedMetrics() });
  const counterpart = await startSignalCounterpart();
  const options = { account: 'main', apiRoot: baseUrl, number, listed: new Set<string>(), http, random: systemRandom };
  counterpart.channel = () => Promise.resolve(createSignalChannel(options));
  const listener = new Listener(t, counterpart);
  t.after(async () => {
    await listener.end();
    http.close();
    await server.close();
    await counterpart.close();
    await rm(folder, { recursive: true });
  });
  const inject = async (body: object): Promise<void> => {
    const answer = await fetch(endpoints.adminInboundUrl, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-crabline-admin-token': adminToken },
      body: JSON.stringify({ sourceNumber: '+15550000001', sourceName: 'Ada', ...body }),
    });
    assert.ok(answer.ok, await answer.text());
  };
  const channel = await listener.begin();
  await inject({ text: 'hello' });
  await inject({ text: '/new', groupId: group });
  for (const text of ['hello', '/new']) {
    const { conversation, native } = await listener.message(text);
    const body = createMarkdown().parse('**Hi** `there`');
    const sent = await channel.send({ idempotencyKey: 'k', conversation, replyTo: native, body }, forever);
    assert.ok(sent.ok, JSON.stringify(sent));
    await channel.typing?.(conversation, forever);
  }
  await listener.end();
  await inject({ text: 'while away' });
  await listener.begin();
  await listener.message('while away');
});
