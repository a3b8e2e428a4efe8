/**
 * SMS for Open Clanker, by a provider that speaks as Twilio does. The provider posts incoming messages to /sms, this
 * bridge signs them for the gateway, and what the gateway posts to /answers goes out as SMS. No packages are needed.
 *
 *   [channels.webhook.sms]
 *   secret = "${WEBHOOK_SECRET}"
 *   url = "http://127.0.0.1:8080/answers"
 *   max_length = 1600
 *
 *   GATEWAY=http://127.0.0.1:18789/hooks/sms WEBHOOK_SECRET=whsec_… \
 *   SMS_ACCOUNT=AC… SMS_TOKEN=… SMS_NUMBER=+15550100 SMS_PUBLIC_URL=https://sms.example.org/sms \
 *   node examples/sms-bridge.mjs
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { createServer } from 'node:http';

const env = process.env;
const apiRoot = env.SMS_API_ROOT ?? 'https://api.twilio.com';
const key = Buffer.from(env.WEBHOOK_SECRET.slice('whsec_'.length), 'base64');
const maxBody = 1_000_000;
const maxRemembered = 10_000;
/** Answers that were sent as SMS, by webhook-id: a repeat is not sent twice. */
const sent = new Set();

const sign = (id, timestamp, body) =>
  `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64')}`;
const equal = (a, b) => a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/** Twilio signs the address and the sorted fields with the account's token. */
function isFromProvider(form, signature) {
  const fields = [...form].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => name + value);
  const text = env.SMS_PUBLIC_URL + fields.join('');
  return equal(signature, createHmac('sha1', env.SMS_TOKEN).update(text).digest('base64'));
}

function isFromGateway(headers, body) {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures = '' } = headers;
  const fresh = Math.abs(Date.now() / 1000 - Number(timestamp)) <= 300;
  return fresh && signatures.split(' ').some((signature) => equal(signature, sign(id, timestamp, body)));
}

/** An SMS came. The provider tries again on anything but 2xx, and the gateway knows a message by its id. */
async function receive(headers, body) {
  const form = new URLSearchParams(body.toString());
  if (!isFromProvider(form, headers['x-twilio-signature'] ?? '')) return 403;
  const [id, from] = [form.get('MessageSid'), form.get('From')];
  const message = JSON.stringify({ text: form.get('Body'), conversation: from, sender: from });
  const timestamp = String(Math.floor(Date.now() / 1000));
  const signed = {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': sign(id, timestamp, message),
  };
  const answer = await fetch(env.GATEWAY, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...signed },
    body: message,
  });
  return answer.ok ? 204 : 502;
}

/** An answer of the assistant: 2xx only once the provider has it. */
async function answer(headers, body) {
  if (!isFromGateway(headers, body)) return 401;
  const id = headers['webhook-id'];
  if (sent.has(id)) return 200;
  const { text, conversation } = JSON.parse(body);
  const response = await fetch(`${apiRoot}/2010-04-01/Accounts/${env.SMS_ACCOUNT}/Messages.json`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(`${env.SMS_ACCOUNT}:${env.SMS_TOKEN}`).toString('base64')}` },
    body: new URLSearchParams({ To: conversation, From: env.SMS_NUMBER, Body: text }),
  });
  if (!response.ok) return response.status === 429 ? 429 : response.status < 500 ? 422 : 502;
  sent.add(id);
  if (sent.size > maxRemembered) sent.delete(sent.values().next().value);
  return 200;
}

const server = createServer((request, response) => void serve(request, response));

async function serve(request, response) {
  const handle = { '/sms': receive, '/answers': answer }[request.url];
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size <= maxBody) chunks.push(chunk);
  }
  const status =
    handle === undefined || request.method !== 'POST'
      ? 404
      : size > maxBody
        ? 413
        : await handle(request.headers, Buffer.concat(chunks)).catch(() => 502);
  response.writeHead(status).end();
}

server.listen(Number(env.PORT ?? 8080), '127.0.0.1', () => {
  process.stdout.write(`the SMS bridge listens on port ${server.address().port}\n`);
});
