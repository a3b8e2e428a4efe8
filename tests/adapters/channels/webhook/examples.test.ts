/** What the documentation shows is run as it stands there. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { createWebhookChannel } from '../../../../src/adapters/channels/webhook/index.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { plainText } from '../../../../src/core/rich-text.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { Listener } from '../../../support/listener.ts';
import { LoopbackServer, type Asked } from '../../../support/loopback-server.ts';
import { ask } from '../../../support/raw.ts';
import { WebhookCounterpart, webhookSecret } from '../../../support/webhook-counterpart.ts';

const root = path.resolve(import.meta.dirname, '../../../..');
const documentation = readFileSync(path.join(root, 'docs/channels/webhook.md'), 'utf8');

function example(language: string): string {
  const code = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(documentation)?.[1];
  assert.ok(code !== undefined, `the documentation has no example in ${language}`);
  return code;
}

async function open(t: TestContext): Promise<{ counterpart: WebhookCounterpart; listener: Listener }> {
  const counterpart = await WebhookCounterpart.open();
  t.after(() => counterpart.close());
  const listener = new Listener(t, counterpart);
  await listener.begin();
  return { counterpart, listener };
}

async function run(command: string, args: string[], env: Record<string, string>, input = ''): Promise<string> {
  const child = spawn(command, args, { env: { PATH: process.env['PATH'] ?? '', ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stdin.end(input);
  const [code] = (await once(child, 'close')) as [number | null];
  assert.equal(code, 0, output);
  return output;
}

const isThere = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

describe('the examples of the documentation', () => {
  const languages: [name: string, fence: string, command: string, args: string[], needs: [string, string][]][] = [
    ['Node', 'js', process.execPath, ['--input-type=module', '-'], []],
    ['Python', 'python', 'python3', ['-'], [['python3', '--version']]],
    [
      'Shell',
      'sh',
      'sh',
      ['-eu', '-s'],
      [
        ['curl', '--version'],
        ['openssl', 'version'],
        ['od', '--version'],
      ],
    ],
  ];
  for (const [name, fence, command, args, needs] of languages) {
    const missing = needs.find(([tool, flag]) => !isThere(tool, flag));
    const skip = missing === undefined ? false : `${missing[0]} is not here`;
    test(`${name}: it is taken and says what it says`, { skip, timeout: 120_000 }, async (t) => {
      const { counterpart, listener } = await open(t);
      const env = { HOOK: `${counterpart.caller.door.url}/hooks/orders`, SECRET: webhookSecret };
      const output = await run(command, args, env, example(fence));
      assert.match(output, /202/);
      assert.match(output, /message_id/);
      const event = await listener.message('Where is my order?');
      assert.equal(event.conversation.native, 'order 4711');
      assert.equal(event.sender.native, 'anna');
      assert.ok(example(fence).trim().split('\n').length <= 13, 'it stays short');
    });
  }
});

test('the SMS bridge carries a message in and its answer out, each once', { timeout: 120_000 }, async (t) => {
  const { counterpart, listener } = await open(t);
  const messages: Asked[] = [];
  let failures = 1;
  const provider = await new LoopbackServer((asked) => {
    messages.push(asked);
    return failures-- > 0 ? { status: 500 } : { status: 201, json: { sid: 'SM1' } };
  }).listen();
  t.after(() => provider.close());
  const publicUrl = 'https://sms.test/sms';
  const bridge = spawn(process.execPath, [path.join(root, 'examples/sms-bridge.mjs')], {
    env: {
      PORT: '0',
      GATEWAY: `${counterpart.caller.door.url}/hooks/orders`,
      WEBHOOK_SECRET: webhookSecret,
      SMS_ACCOUNT: 'AC1',
      SMS_TOKEN: 'the-token',
      SMS_NUMBER: '+15550100',
      SMS_PUBLIC_URL: publicUrl,
      SMS_API_ROOT: provider.url,
    },
  });
  t.after(() => bridge.kill('SIGKILL'));
  const [line] = (await once(bridge.stdout, 'data')) as [Buffer];
  const at = { host: '127.0.0.1', port: Number(/port (\d+)/.exec(line.toString())?.[1]) };

  const form = new URLSearchParams({ MessageSid: 'SM42', From: '+15550199', Body: 'Are you open?' });
  const signature = createHmac('sha1', 'the-token')
    .update(`${publicUrl}BodyAre you open?From+15550199MessageSidSM42`)
    .digest('base64');
  const sms = { path: '/sms', body: form.toString(), headers: { 'x-twilio-signature': signature } };
  assert.equal((await ask(at, { ...sms, headers: { 'x-twilio-signature': 'wrong' } })).status, 403);
  assert.equal((await ask(at, sms)).status, 204);
  const event = await listener.message('Are you open?');
  assert.deepEqual([event.dedupe, event.conversation.native, event.sender.native], ['SM42', '+15550199', '+15550199']);

  const channel = createWebhookChannel({
    account: 'orders',
    secrets: [new Secret(webhookSecret)],
    url: `http://127.0.0.1:${at.port}/answers`,
    maxLength: 1600,
    http: counterpart.http,
    clock: systemClock,
  });
  const part = { idempotencyKey: 'k', conversation: event.conversation, body: plainText('Until six.') };
  const forever = new AbortController().signal;
  const failed = await channel.send(part, forever);
  assert.ok(!failed.ok && failed.kind === 'ambiguous');
  assert.ok((await channel.send(part, forever)).ok);
  assert.ok((await channel.send(part, forever)).ok);
  assert.equal(messages.length, 2, 'a repeat is not sent again');
  const last = messages[1];
  assert.equal(last?.path.join('/'), '2010-04-01/Accounts/AC1/Messages.json');
  assert.deepEqual(
    [...new URLSearchParams(last.body.toString())],
    [
      ['To', '+15550199'],
      ['From', '+15550100'],
      ['Body', 'Until six.'],
    ],
  );
  assert.equal(last.headers.authorization, `Basic ${Buffer.from('AC1:the-token').toString('base64')}`);
});
