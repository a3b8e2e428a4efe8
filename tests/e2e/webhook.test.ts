/** The built daemon and a program that only knows webhooks: killed at its worst moments, each message is answered once. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { freePort, runCli, startDaemon, type Daemon } from '../support/daemon.ts';
import { LoopbackServer } from '../support/loopback-server.ts';
import { ask, codeOf, type Answered } from '../support/raw.ts';
import { signed, signedHeaders, webhookSecret } from '../support/webhook-counterpart.ts';

const patienceMs = 60_000;
const retryMs = 50;

interface Post {
  id: string;
  text: string;
  inReplyTo: string;
}

describe('a webhook', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-webhook-'));
  const posts: Post[] = [];
  let receiver: LoopbackServer;
  let port: number;
  let daemon: Daemon | null = null;

  const start = async (crashAt?: string): Promise<Daemon> => {
    const config = `[channels.webhook.orders]\nsecret = "${webhookSecret}"\nurl = "${receiver.url}/answers"\n`;
    const env = crashAt === undefined ? {} : { OPEN_CLANKER_CRASH_AT: crashAt };
    daemon = await startDaemon({ dir, port, config, env });
    return daemon;
  };

  before(async () => {
    receiver = await new LoopbackServer(({ headers, body, json }) => {
      const id = String(headers['webhook-id']);
      const right = signed(id, body, Number(headers['webhook-timestamp']));
      if (headers['webhook-signature'] !== right) return { status: 401 };
      posts.push({ id, text: String(json['text']), inReplyTo: String(json['in_reply_to']) });
      return { status: 204 };
    }).listen();
    port = await freePort();
  });
  after(async () => {
    await daemon?.kill();
    await receiver.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const deliver = (id: string, text: string): Promise<Answered> => {
    const body = JSON.stringify({ text, conversation: 'c', sender: 'anna' });
    return ask({ host: '127.0.0.1', port }, { path: '/hooks/orders', body, headers: signedHeaders(id, body) });
  };
  /** As a program does: until it hears that it was taken. */
  const deliverUntilTaken = async (id: string, text: string): Promise<Answered> => {
    for (let waited = 0; waited < patienceMs; waited += retryMs) {
      const answer = await deliver(id, text).catch(() => null);
      if (answer !== null && answer.status < 300) return answer;
      if (answer !== null) assert.equal(answer.status, 503, answer.text);
      await pause(retryMs);
    }
    throw new Error('it was never taken');
  };
  const answersTo = async (id: string): Promise<Post[]> => {
    for (let waited = 0; waited < patienceMs; waited += retryMs) {
      if (posts.some(({ inReplyTo }) => inReplyTo === id)) return posts.filter(({ inReplyTo }) => inReplyTo === id);
      await pause(retryMs);
    }
    throw new Error(`no answer came: ${daemon?.output() ?? ''}`);
  };

  it('answers, tells a repeat the same and a conflict as one, and knows why', async () => {
    const running = await start();
    const id = `msg_${randomUUID()}`;
    const taken = await deliverUntilTaken(id, 'hello');
    assert.equal(taken.status, 202);
    const [answer] = await answersTo(id);
    assert.notEqual(answer?.text ?? '', '');
    assert.deepEqual((await deliver(id, 'hello')).json, taken.json);
    const conflict = await deliver(id, 'something else');
    assert.deepEqual([conflict.status, codeOf(conflict)], [409, 'idempotency_conflict']);
    const { stdout, code } = await runCli({ dir }, 'why', String(taken.json?.['message_id']));
    assert.equal(code, 0, stdout);
    assert.match(stdout, /webhook:orders/);
    assert.ok(!running.output().includes(webhookSecret));
    await running.stop();
  });

  for (const step of ['before_ack', 'after_model', 'after_send']) {
    it(`killed at ${step}, it answers after the restart, once for whoever remembers ids`, async () => {
      const doomed = await start(step);
      const id = `msg_${randomUUID()}`;
      const taken = deliverUntilTaken(id, 'hello again');
      assert.equal((await doomed.exit).signal, 'SIGKILL');
      const running = await start();
      assert.equal((await taken).status, 202);
      const answers = await answersTo(id);
      assert.equal((await deliverUntilTaken(id, 'hello again')).status, 202);
      await running.stop();
      const all = posts.filter(({ inReplyTo }) => inReplyTo === id);
      assert.equal(new Set(all.map((post) => post.id)).size, 1, JSON.stringify(all));
      assert.equal(new Set(all.map((post) => post.text)).size, 1);
      assert.ok(answers.length >= 1 && all.length <= 2);
    });
  }
});
