/** The built daemon on a strict Cloud API: the question of the dashboard, an answer, a stranger, and a lost answer. */
import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { runCli, startDaemon, type Daemon } from '../support/daemon.ts';
import { ask, type Answered } from '../support/raw.ts';
import { WhatsAppServer } from '../support/whatsapp-server.ts';

const patienceMs = 60_000;
const appSecret = 'an-app-secret-of-32-characters-00';
const [ada, mallory] = ['491701234567', '33612345678'];

describe('WhatsApp', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-whatsapp-'));
  const platform = new WhatsAppServer();
  let daemon: Daemon;

  before(async () => {
    await platform.server.listen();
    const config = `[channels.whatsapp]
access_token = "${platform.token}"
app_secret = "${appSecret}"
verify_token = "a-verify-token-of-ours"
phone_number_id = "${platform.number}"
api_root = "${platform.root}"
allowed_user_ids = ["${ada}"]
`;
    daemon = await startDaemon({ dir, config });
    platform.taken = ({ id, to, callback }) => {
      const status = { id, status: 'sent', timestamp: '1', recipient_id: to, biz_opaque_callback_data: callback };
      void tell({ statuses: [status] }).catch(() => undefined);
    };
  });
  after(async () => {
    await daemon.stop();
    await platform.server.close();
    rmSync(dir, { recursive: true, force: true });
  });

  const at = (): { host: string; port: number } => ({ host: '127.0.0.1', port: daemon.port });
  function tell(value: object): Promise<Answered> {
    const metadata = { display_phone_number: '15550100', phone_number_id: platform.number };
    const changes = [{ field: 'messages', value: { messaging_product: 'whatsapp', metadata, ...value } }];
    const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [{ id: '1', changes }] });
    const signature = createHmac('sha256', appSecret).update(body).digest('hex');
    return ask(at(), { path: '/hooks/whatsapp/main', body, headers: { 'x-hub-signature-256': `sha256=${signature}` } });
  }
  async function say(from: string, text: string): Promise<void> {
    const id = `wamid.${randomUUID()}`;
    platform.people.add(from);
    platform.received.add(id);
    const message = { from, id, timestamp: String(Math.floor(Date.now() / 1000)), type: 'text', text: { body: text } };
    for (let waited = 0; waited < patienceMs; waited += 50) {
      const { status } = await tell({ messages: [message] });
      if (status === 200) return;
      assert.equal(status, 503);
      await pause(50);
    }
    throw new Error('it was never taken');
  }
  const until = async (holds: () => boolean): Promise<void> => {
    for (let waited = 0; waited < patienceMs && !holds(); waited += 20) await pause(20);
    assert.ok(holds(), daemon.output());
  };
  const answersTo = (to: string): string[] => platform.sent.filter((each) => each.to === to).map(({ words }) => words);

  it('answers who is allowed', async () => {
    await say(ada ?? '', 'hello');
    await until(() => answersTo(ada ?? '').length === 1);
    assert.match(answersTo(ada ?? '')[0] ?? '', /hello/);
  });

  it('is asked by the dashboard and gives the challenge back', async () => {
    const query = 'hub.mode=subscribe&hub.verify_token=a-verify-token-of-ours&hub.challenge=42';
    const answer = await ask(at(), { path: `/hooks/whatsapp/main?${query}` });
    assert.deepEqual([answer.status, answer.text], [200, '42']);
  });

  it('finds by its status an answer whose send was cut, and does not send it again', async () => {
    platform.next = 'cut_after';
    const before = answersTo(ada ?? '').length;
    await say(ada ?? '', 'and now?');
    await until(() => daemon.output().includes('a send did not succeed'));
    await say(ada ?? '', 'the third');
    await until(() => answersTo(ada ?? '').length >= before + 2);
    assert.equal(answersTo(ada ?? '').filter((words) => words.includes('and now?')).length, 1);
  });

  it('gives a stranger no answer, tells the operator the line, and shows no secret anywhere', async () => {
    await say(mallory ?? '', 'let me in');
    const { stdout } = await runCli({ dir }, 'status');
    assert.match(stdout, new RegExp(`allowed_user_ids = \\[.*${mallory}.*\\]`));
    assert.equal(answersTo(mallory ?? '').length, 0);
    for (const secret of [platform.token, appSecret, 'a-verify-token-of-ours']) {
      assert.ok(!daemon.output().includes(secret));
      assert.ok(!stdout.includes(secret));
    }
  });
});
