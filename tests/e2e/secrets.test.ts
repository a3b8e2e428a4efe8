/** Canaries instead of secrets, everywhere a secret can stand: none may come out where it does not belong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { runCli, spawnDaemon } from '../support/daemon.ts';
import { ask, connect } from '../support/gateway-client.ts';
import { ada, ben, Observed } from '../support/observed.ts';
import { wireFrames } from '../support/provider-wire.ts';

/** No pattern knows them, only their value; each begins and ends in a way that is found in a part of it, too. */
const canary = (name: string): string => `${name}head7f3a${'0123456789'.repeat(3)}${name}tail9c1e`;
const secrets = {
  bot: `4242:${canary('bot')}`,
  operator: canary('operator'),
  /** From `.env`, through `${NAME}`. */
  dotenv: canary('dotenv'),
  /** From the environment, through `api_key_env`. */
  environment: canary('environment'),
  /** From the environment, by the name that other programs use. */
  alias: canary('alias'),
  /** From a file, through `api_key_file`. */
  file: canary('file'),
  header: canary('header'),
};
const shared = ['head7f3a', 'tail9c1e'];
const wrong = 'wrongtokenhead7f3a-tail9c1e';
const pasted = 'sk-proj-pastedbyaperson0123456789';

/** Fails when a text holds any part of a canary. */
function clean(text: string, where: string): void {
  for (const part of shared) {
    const at = text.indexOf(part);
    assert.equal(at, -1, `${where}: …${text.slice(Math.max(0, at - 150), at + 80)}…`);
  }
}

interface Echo {
  url: string;
  close(): void;
}

/** A model API that repeats its caller's key in every way the last message asks for. */
async function startEcho(): Promise<Echo> {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    let body = '';
    for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
    const key = (request.headers.authorization ?? '').replace('Bearer ', '');
    const all = `${key} ${encodeURIComponent(key)} ${JSON.stringify(request.headers)} /v1?api_key=${key}`;
    const asked = body.match(/\[echo (\w+)\]/g)?.at(-1);
    const error = JSON.stringify({ error: { message: `Incorrect API key provided: ${all}`, type: 'x', code: key } });
    const stream = { 'content-type': 'text/event-stream' };
    const { head, output, tail } = wireFrames('openai-chat', 'echo', {
      text: 'Fine.',
      deltas: 1,
      usage: { prompt: 1, output: 1 },
    });
    switch (asked) {
      case '[echo json]':
        return void response.writeHead(401, { 'content-type': 'application/json', 'x-request-id': key }).end(error);
      case '[echo page]':
        return void response
          .writeHead(500, { 'content-type': 'text/html' })
          .end(`<html>${all} ${body.slice(-300)}</html>`);
      case '[echo long]':
        // The key lies across every bound at which a text may be cut.
        return void response
          .writeHead(400, { 'content-type': 'application/json' })
          .end(JSON.stringify({ error: { message: `${'x'.repeat(37)}${key}`.repeat(200) } }));
      case '[echo stream]':
        return void response.writeHead(200, stream).end(`${head.join('')}data: ${error}\n\n`);
      case '[echo redirect]':
        return void response.writeHead(302, { location: `http://127.0.0.1:1/?key=${key}` }).end();
      case '[echo nonsense]':
        return void response.writeHead(200, stream).end(`data: {${all}\n\n`);
      default:
        return void response.writeHead(200, stream).end([...head, ...output, ...tail].join(''));
    }
  };
  const server = createServer((request, response) => void answer(request, response)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`, close };
}

const echoes = ['json', 'page', 'long', 'stream', 'redirect', 'nonsense'];

describe('a gateway full of canaries', () => {
  let gateway: Observed;
  let echo: Echo;
  /** Everything that was answered over HTTP and WebSocket. */
  const answers: [where: string, text: string][] = [];

  const get = async (where: string, init: RequestInit & { token?: string } = {}): Promise<string> => {
    const { token = gateway.target.token, ...rest } = init;
    const headers = { ...(rest.headers as Record<string, string>), authorization: `Bearer ${token}` };
    const response = await fetch(`${gateway.target.url}${where}`, { ...rest, headers });
    const text = `${JSON.stringify([...response.headers])}\n${await response.text()}`;
    answers.push([`${rest.method ?? 'GET'} ${where} ${response.status}`, text]);
    return text;
  };
  const post = (where: string, body: unknown): Promise<string> =>
    get(where, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } });

  before(async () => {
    echo = await startEcho();
    gateway = await Observed.open({
      botToken: secrets.bot,
      operatorToken: secrets.operator,
      env: { LOG_LEVEL: 'trace', CANARY_KEY: secrets.environment, OPENAI_API_KEY: secrets.alias },
      defaultModel: 'dotenv/echo',
      provider: 'api_key_file = "key-file"',
      telegram: 'stream = false',
      tail: `
[providers.dotenv]
base_url = "${echo.url}"
api_key = "\${CANARY_DOTENV}"
model = "echo"
[providers.environment]
base_url = "${echo.url}"
api_key_env = "CANARY_KEY"
headers = { "X-Api-Key" = "${secrets.header}" }
model = "echo"
[providers.openai]
base_url = "${echo.url}"
model = "echo"
`,
      prepare: (dir) => {
        writeFileSync(path.join(dir, '.env'), `CANARY_DOTENV=${secrets.dotenv}\n`);
        writeFileSync(path.join(dir, 'key-file'), `${secrets.file}\n`);
      },
    });
  });
  after(async () => {
    echo.close();
    await gateway.close();
  });

  it('the canaries are in use: the model and the platform were shown them', async () => {
    for (const model of ['dotenv', 'environment', 'openai', 'm'])
      assert.match(await post('/api/v1/chat', { text: 'hello', model }), /"finish_reason":"stop"/, model);
    const [asked] = gateway.model.ledger;
    assert.equal(asked?.headers['authorization'], `Bearer ${secrets.file}`);
    await gateway.telegram.until(() => gateway.telegram.calls('getUpdates').length > 0);
  });

  it('a provider that repeats the key in its error reaches neither the client nor the chat', async () => {
    for (const kind of echoes) {
      for (const model of ['environment', 'openai']) {
        const text = await post('/api/v1/chat', { text: `[echo ${kind}]`, session: `${model}-${kind}`, model });
        assert.match(text, /"error"/, `${model} ${kind}`);
      }
      await post('/api/v1/chat', { text: `[echo ${kind}]`, session: `sse-${kind}`, stream: true });
    }
    await gateway.talk('[echo json]');
    const shown = gateway.telegram.messages(ada).map(({ text }) => text);
    assert.match(shown.join('\n'), /could not answer/);
    clean(shown.join('\n'), 'Telegram');
  });

  it('a platform that repeats the token in its errors leaves no trace of it either', async () => {
    const description = `Bad Request: POST https://api.telegram.org/bot${secrets.bot}/sendMessage failed`;
    gateway.telegram.fail(5, { mode: 'code', code: 400, description }, 'sendMessage');
    gateway.telegram.inject({ chatId: ben, text: 'hello' });
    await gateway.daemon.printed('a message could not be delivered');
    gateway.telegram.fail(2, { mode: 'code', code: 500, description }, 'getUpdates');
    gateway.telegram.inject({ chatId: ada, text: 'hello' });
    await gateway.daemon.printed('Telegram failed');
    const dead = JSON.parse((await get('/api/v1/dead')).split('\n')[1] ?? '') as { dead: { id: string }[] };
    assert.ok(dead.dead.length >= 1);
    for (const { id } of dead.dead) await get(`/api/v1/dead/${id}`);
  });

  it('a key that a person pastes is kept as it was written, and masked in the log', async () => {
    gateway.telegram.inject({ chatId: ada, text: `my key is ${pasted}, is it safe? [echo json]` });
    await post('/api/v1/chat', { text: `my key is ${pasted} [echo page]`, session: 'pasted' });
    const history = await ask(gateway.target, 'GET', '/api/v1/sessions/pasted/messages');
    assert.ok(JSON.stringify(history.body).includes(pasted));
    assert.ok(!gateway.daemon.output().includes(pasted));
  });

  it('a token in the wrong place, or a wrong one, is told to nobody', async () => {
    await get(`/api/v1/status?token=${secrets.operator}`, { token: wrong });
    await get(`/api/v1/sessions/${secrets.operator}`, { token: wrong });
    await get(`/ws?token=${secrets.operator}`);
    await get('/api/v1/status', { token: wrong });
    await post(`/api/v1/message`, { channel: secrets.operator, target: secrets.bot, content: 'x' }).catch(() => '');
    // What a client itself wrote may come back to it, and to it alone.
    answers.splice(-5);
  });

  it('a token is told once, to who made it', async () => {
    const made = await ask<{ token: string; id: string }>(gateway.target, 'POST', '/api/v1/tokens', {
      name: 'x',
      scopes: ['read'],
    });
    const { token, id } = made.body;
    assert.match(await get('/api/v1/status', { token }), /"version"/);
    const listed = await get('/api/v1/tokens');
    assert.ok(listed.includes(id) && !listed.includes(token));
    assert.ok(!gateway.daemon.output().includes(token));
    for (const file of filesUnder(gateway.daemon.dataDir)) assert.ok(!readFileSync(file).includes(token), file);
  });

  it('nothing that the gateway answers holds one', async () => {
    const sessions = JSON.parse((await get('/api/v1/sessions')).split('\n')[1] ?? '') as {
      sessions: { key: string }[];
    };
    for (const { key } of sessions.sessions) {
      const history = await get(`/api/v1/sessions/${key}/messages`);
      await get(`/api/v1/sessions/${key}/export`);
      for (const [id] of history.matchAll(/msg_\w+/g)) await get(`/api/v1/messages/${id}/trace`);
    }
    for (const where of ['/', '/assets/page.js', '/assets/page.css', '/openapi.json', '/health', '/ready', '/metrics'])
      await get(where);
    for (const what of ['status', 'config', 'channels', 'usage', 'tokens', 'dead']) await get(`/api/v1/${what}`);
    const socket = await connect(gateway.target);
    socket.send('subscribe', { all: true });
    socket.send('chat.send', { text: '[echo json]', session: 'ws', idempotency_key: 'k' });
    answers.push(['/ws', JSON.stringify(await socket.next(({ type }) => type === 'run.failed'))]);
    await socket.close();
    answers.push(['/api/v1/events', await eventsOfFailure()]);
    for (const [where, text] of answers) clean(text, where);
    assert.ok(answers.length > 100, `only ${answers.length} answers were looked at`);
  });

  /** What a reader of the events is told of a run that fails. */
  async function eventsOfFailure(): Promise<string> {
    const leaving = new AbortController();
    const headers = { authorization: `Bearer ${gateway.target.token}` };
    const response = await fetch(`${gateway.target.url}/api/v1/events`, { headers, signal: leaving.signal });
    void post('/api/v1/chat', { text: '[echo json]', session: 'told', model: 'environment' });
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      if (text.includes('event: run.failed')) break;
    }
    leaving.abort();
    return text;
  }

  it('no command prints one', async () => {
    const env = {
      OPEN_CLANKER_URL: gateway.target.url,
      OPEN_CLANKER_TOKEN: gateway.target.token,
      CANARY_KEY: secrets.environment,
    };
    const config = ['--config', path.join(gateway.dir, 'config.toml')];
    const [failed] = gateway.lines().filter(({ message }) => message === 'a run ended without an answer');
    for (const command of [
      ['config', 'show'],
      ['config', 'show', '--json'],
      ['config', 'validate'],
      ['status', '--json'],
      ['doctor', '--json'],
      ['why', String(failed?.correlation_id)],
      ['dead', 'list', '--json'],
      ['tokens', 'list', '--json'],
    ]) {
      const { stdout, stderr } = await runCli({ dir: gateway.dir, env }, ...config, ...command);
      assert.ok(`${stdout}${stderr}`.length > 0, command.join(' '));
      clean(stdout + stderr, command.join(' '));
    }
  });

  it('a reload, a bad configuration and a new key tell none', async () => {
    const file = path.join(gateway.dir, 'config.toml');
    const good = readFileSync(file, 'utf8');
    writeFileSync(file, good.replace('[channels.telegram]', `[channels.telegram]\nbot_tokn = "${secrets.bot}"`));
    clean(await post('/api/v1/config/reload', {}), 'a refused reload');
    writeFileSync(file, good.replace(`"${secrets.operator}"`, `"${secrets.operator}-new"`));
    await post('/api/v1/config/reload', {});
    assert.match(await get('/api/v1/status', { token: `${secrets.operator}-new` }), /"version"/);
  });

  it('what the database and the other files hold is clean, and nobody else may read it', () => {
    const files = filesUnder(gateway.daemon.dataDir);
    for (const file of files) {
      assert.equal(statSync(file).mode & 0o777, 0o600, file);
      if (path.basename(file) !== 'token') clean(readFileSync(file, 'latin1'), file);
    }
    assert.ok(files.some((file) => file.endsWith('.db')) && files.some((file) => file.endsWith('.db-wal')));
  });

  it('the log is clean, down to trace', async () => {
    assert.match(gateway.daemon.output(), /answers with dotenv/, 'the log is looked at from its first line');
    await gateway.daemon.stop();
    clean(gateway.daemon.output(), 'the log');
    assert.match(gateway.daemon.output(), /\[secret\]/);
  });
});

function filesUnder(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));
}

describe('a gateway that ends badly', () => {
  let dir = '';
  before(() => {
    dir = mkdtempSync(path.join(tmpdir(), 'clanker-secrets-'));
  });
  after(() => rmSync(dir, { recursive: true, force: true }));

  it('prints no secret when it crashes, and has kept its folder to itself', async () => {
    const bomb = path.join(dir, 'bomb.mjs');
    writeFileSync(
      bomb,
      `process.on('SIGUSR2', () => { const key = process.env.OPENAI_API_KEY;
        throw Object.assign(new Error('failed with ' + key, { cause: 'Bearer ' + key }), { headers: { key } }); });`,
    );
    const data = path.join(dir, 'fresh');
    const daemon = await spawnDaemon({
      dir,
      env: {
        OPEN_CLANKER_DATA: data,
        OPEN_CLANKER_PROVIDERS__DEFAULT: 'demo',
        OPENAI_API_KEY: secrets.alias,
        NODE_OPTIONS: `--import ${pathToFileURL(bomb).href}`,
        LOG_LEVEL: 'debug',
      },
    });
    await daemon.printed('talk to it');
    const token = readFileSync(path.join(data, 'token'), 'utf8').trim();
    const file = await fetch(`${daemon.url}/api/v1/files`, {
      method: 'POST',
      body: 'bytes',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'text/plain' },
    });
    assert.equal(file.status, 201, await file.text());
    assert.ok(filesUnder(data).some((name) => name.startsWith(path.join(data, 'files'))));
    for (const folder of [data, path.join(data, 'files')]) assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
    for (const file of filesUnder(data)) assert.equal(statSync(file).mode & 0o777, 0o600, file);
    daemon.signal('SIGUSR2');
    const { code } = await daemon.exit;
    assert.equal(code, 1);
    assert.match(daemon.output(), /an unexpected failure stops the gateway/);
    clean(daemon.output(), 'the last words');
    assert.ok(!daemon.output().includes(token));
  });

  /** In a wrong place a key is known only by its looks. */
  const key = `sk-proj-${secrets.dotenv}`;
  const cases: [what: string, config: string, env?: Record<string, string>][] = [
    ['a text that is not closed', `[channels.telegram]\nbot_token = "${secrets.bot}\n`],
    ['a secret with a space', `[channels.telegram]\nbot_token = "${secrets.bot} x"\n`],
    ['a secret without quotes', `[channels.telegram]\nbot_token = ${secrets.bot}\n`],
    ['a secret in a list', `[channels.telegram]\nbot_token = ["${secrets.bot}"]\n`],
    ['a secret under a misspelt key', `[channels.telegram]\nbot_tokn = "${secrets.bot}"\n`],
    ['a secret where a URL belongs', `[providers.m]\nbase_url = "http://x:${key}@host/"\n`],
    ['a secret as a key', `[channels.telegram]\n"${key}" = "x"\n`],
    ['a secret as a level of the log', `[logging]\nlevel = "${key}"\n`],
    ['a secret given twice', `[providers.m]\napi_key = "${key}"\napi_key_env = "K"\n`, { K: secrets.file }],
    ['a secret where a name of a variable belongs', `[providers.m]\napi_key_env = "${key}"\n`],
    ['a secret where a file belongs', `[providers.m]\napi_key_file = "${key}"\n`],
    ['a token that is too short', '', { OPEN_CLANKER_SERVER__AUTH__TOKEN: 'shorthead7f3a' }],
    ['a key in the environment of another setting', '', { OPEN_CLANKER_LOGGING__FORMAT: key }],
  ];
  for (const [what, config, env = {}] of cases) {
    it(`refuses ${what} without repeating it`, async () => {
      const file = path.join(dir, 'bad.toml');
      writeFileSync(file, config);
      for (const command of [
        ['gateway', '--port', '0'],
        ['config', 'validate'],
      ]) {
        const { code, stdout, stderr } = await runCli({ dir, env }, '--config', file, ...command);
        assert.equal(code, 78, stdout + stderr);
        clean(stdout + stderr, command.join(' '));
      }
    });
  }
});
