import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { providerDefaults } from '../../src/adapters/providers/options.ts';
import { allowLine, refusal } from '../../src/app/access/authorize.ts';
import { dataDir, describeConfig } from '../../src/config/index.ts';
import { redact } from '../../src/core/redact.ts';
import { folder, goodToken, issuesOf, issuesOfText, load, loadText } from './support.ts';

describe('which file', () => {
  it('the first of the search order wins, a missing one is passed over', (t) => {
    const dir = folder(t);
    const home = path.join(dir, 'home');
    const places = ['open-clanker.toml', 'config.toml', 'home/.config/open-clanker/config.toml'];
    mkdirSync(path.join(home, '.config/open-clanker'), { recursive: true });
    for (const [i, place] of [...places].reverse().entries()) {
      writeFileSync(path.join(dir, place), `[server]\nport = ${1000 + i}\n`);
      const { file, config } = load(dir, { home });
      assert.deepEqual([file, config.server.port], [path.join(dir, place), 1000 + i]);
    }
  });

  it('a file that is written later is waited for, and so is one that would go before it', (t) => {
    const dir = folder(t);
    const [first, second] = ['open-clanker.toml', 'config.toml'].map((name) => path.join(dir, name));
    assert.ok([first, second].every((file) => load(dir).files.includes(file ?? '')));
    writeFileSync(second ?? '', '');
    const { file, files } = load(dir);
    assert.deepEqual([file, files.slice(0, 2)], [second, [first, second]]);
    assert.deepEqual(load(dir, { file: 'config.toml' }).files[0], second);
  });

  it('a certificate is looked for beside the file that names it, and watched', (t) => {
    const dir = folder(t, { 'config.toml': '[server.tls]\ncert_path = "a.pem"\nkey_path = "/b.key"\n' });
    const { config, files } = load('/', { file: path.join(dir, 'config.toml') });
    const pair = [path.join(dir, 'a.pem'), '/b.key'];
    assert.deepEqual(Object.values(config.server.tls ?? {}), pair);
    assert.deepEqual(files.slice(-2), pair);
  });

  it('--config beats $OPEN_CLANKER_CONFIG, which beats the search', (t) => {
    const dir = folder(t, {
      'config.toml': '[server]\nport = 1\n',
      'a.toml': '[server]\nport = 2\n',
      'b.toml': '[server]\nport = 3\n',
    });
    const env = { OPEN_CLANKER_CONFIG: 'a.toml' };
    assert.equal(load(dir, { env }).config.server.port, 2);
    assert.equal(load(dir, { env, file: 'b.toml' }).config.server.port, 3);
  });

  for (const [name, text, line] of [
    ['RustClaw', '[telegram]\nbot_token = "1:a"\n', 1],
    ['the Rust gateway', '[server]\nport = 1\n[agent]\nprovider = "openai"\n', 4],
    ['the Rust gateway, channels', '[channels.telegram]\nallowed_chats = [1]\n', 2],
    ['MiniBot', '[runtime]\nlog_level = "INFO"\n[llm]\nmodel = "x"\n', 1],
    ['OpenClaw', '\n{\n  "gateway": { "bind": "loopback" }\n}\n', 2],
  ] as const) {
    it(`a file of ${name} is refused with the command that reads it`, (t) => {
      const [issue, ...more] = issuesOfText(t, text);
      assert.match(issue?.message ?? '', /run `open-clanker config import .*open-clanker\.toml`/);
      assert.deepEqual([issue?.line, more.length], [line, 0]);
    });
  }
});

describe('which value', () => {
  it('flag beats environment beats .env beats file beats default, and each is remembered', (t) => {
    const dir = folder(t);
    const options = { env: {}, flags: {} as Record<string, unknown> };
    const port = (): [number, string | undefined] => {
      const loaded = load(dir, options);
      return [loaded.config.server.port, loaded.sources.get('server.port')];
    };
    assert.deepEqual(port(), [18_789, 'default']);
    writeFileSync(path.join(dir, 'config.toml'), '[server]\nport = 1\n');
    assert.deepEqual(port(), [1, 'file']);
    writeFileSync(path.join(dir, '.env'), 'OPEN_CLANKER_SERVER__PORT=2\n');
    assert.deepEqual(port(), [2, '.env OPEN_CLANKER_SERVER__PORT']);
    options.env = { OPEN_CLANKER_SERVER__PORT: '3' };
    assert.deepEqual(port(), [3, 'environment OPEN_CLANKER_SERVER__PORT']);
    options.flags = { 'server.port': 4 };
    assert.deepEqual(port(), [4, 'flag server.port']);
    options.flags = { 'server.port': undefined };
    assert.deepEqual(port(), [3, 'environment OPEN_CLANKER_SERVER__PORT']);
  });

  it('only the flag may ask for any free port', (t) => {
    const dir = folder(t);
    assert.equal(load(dir, { flags: { 'server.port': 0 } }).config.server.port, 0);
    assert.deepEqual(
      issuesOf(() => load(dir, { env: { OPEN_CLANKER_SERVER__PORT: '0' } })).map(({ key }) => key),
      ['server.port'],
    );
  });

  it('.env stands beside the file, else in the working directory; a folder of that name is none', (t) => {
    const dir = folder(t, { '.env': 'OPEN_CLANKER_SERVER__PORT=1\n' });
    const etc = path.join(dir, 'etc');
    mkdirSync(path.join(etc, '.env'), { recursive: true });
    writeFileSync(path.join(etc, 'c.toml'), '');
    assert.equal(load(dir, { file: 'etc/c.toml' }).config.server.port, 1);
    const other = path.join(dir, 'other');
    mkdirSync(other);
    writeFileSync(path.join(other, 'c.toml'), '');
    writeFileSync(path.join(other, '.env'), 'OPEN_CLANKER_SERVER__PORT=2\n');
    assert.equal(load(dir, { file: 'other/c.toml' }).config.server.port, 2);
  });

  it('every kind of key can come from the environment', (t) => {
    const env = {
      OPEN_CLANKER_SERVER__PUBLIC: 'true',
      OPEN_CLANKER_SERVER__ALLOWED_HOSTS: 'a.example, b.example',
      OPEN_CLANKER_SERVER__TRUSTED_PROXIES: '["10.0.0.0/8"]',
      OPEN_CLANKER_SERVER__MAX_BODY: '1MB',
      OPEN_CLANKER_AGENT__TEMPERATURE: '0.5',
      OPEN_CLANKER_AGENT__LIMITS__RUN_TIMEOUT: '2m',
      OPEN_CLANKER_PROVIDERS__MY_BOX__BASE_URL: 'http://127.0.0.1:1/v1',
      OPEN_CLANKER_PROVIDERS__MY_BOX__HEADERS: '{"X-A":"b"}',
      OPEN_CLANKER_PROVIDERS__MY_BOX__PRICES__INPUT: '1.25',
      OPEN_CLANKER_CHANNELS__TELEGRAM__ALLOWED_CHAT_IDS: '-1001,42',
    };
    const text = '[providers.my-box]\nmodel = "m"\n[channels.telegram]\nbot_token = "1:abcdef"\n';
    const { config, warnings } = loadText(t, text, { env });
    assert.deepEqual(warnings, []);
    assert.deepEqual(
      [config.server.public, config.server.allowed_hosts, config.server.trusted_proxies, config.server.max_body],
      [true, ['a.example', 'b.example'], ['10.0.0.0/8'], 1_000_000],
    );
    assert.deepEqual([config.agent.temperature, config.agent.limits.run_timeout], [0.5, 120_000]);
    const box = config.providers.named['my-box'];
    assert.deepEqual(
      [box?.base_url, box?.headers, box?.prices],
      ['http://127.0.0.1:1/v1', { 'X-A': 'b' }, { input: 1.25 }],
    );
    assert.deepEqual(config.channels.telegram.accounts['main']?.allowed_chat_ids, ['-1001', '42']);
  });

  it('a channel that is written down without its token is told to have no effect; an empty one is nothing', (t) => {
    const text =
      '[channels.telegram]\nallowed_user_ids = [42]\n[channels.slack]\n[channels.discord]\nenabled = false\n';
    const { warnings } = loadText(t, text);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /^\[channels\.telegram\] has no effect: bot_token is missing; .*@BotFather/);
  });

  it('a variable with our prefix that names no key warns with the nearest, and changes nothing', (t) => {
    const { warnings } = load(folder(t), {
      env: { OPEN_CLANKER_SERVER__PROT: '1', OPEN_CLANKER_URL: 'x', OPEN_CLANKER_DATA: '/tmp/x' },
    });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? '', /OPEN_CLANKER_SERVER__PROT .* did you mean OPEN_CLANKER_SERVER__PORT\?/);
  });

  it('a wrong value from the environment names its variable', (t) => {
    const [issue] = issuesOf(() => load(folder(t), { env: { OPEN_CLANKER_SERVER__PORT: 'eighty' } }));
    assert.deepEqual(
      [issue?.file, issue?.line, issue?.key],
      ['environment OPEN_CLANKER_SERVER__PORT', null, 'server.port'],
    );
  });
});

describe('names that users of related systems have', () => {
  it('each alias counts, with and without its prefix, weaker than the full name', (t) => {
    const dir = folder(t);
    const env = {
      TELEGRAM_BOT_TOKEN: '1:plain',
      OPENCLAW_TELEGRAM_BOT_TOKEN: '1:prefixed',
      OPENCLAW_OPENAI_API_KEY: 'sk-prefixed',
    };
    const { config } = load(dir, { env });
    assert.equal(config.channels.telegram.accounts['main']?.bot_token.reveal(), '1:plain');
    assert.equal(config.providers.named['openai']?.api_key?.reveal(), 'sk-prefixed');
    const full = load(dir, { env: { ...env, OPEN_CLANKER_CHANNELS__TELEGRAM__BOT_TOKEN: '1:full' } });
    assert.equal(full.config.channels.telegram.accounts['main']?.bot_token.reveal(), '1:full');
  });

  it('an empty alias is no value: compose files pass them on', (t) => {
    const { config } = load(folder(t), { env: { OPENAI_API_KEY: '', TELEGRAM_BOT_TOKEN: ' ', OLLAMA_HOST: '' } });
    assert.deepEqual([config.providers.named, config.channels.telegram.accounts], [{}, {}]);
  });

  const hosts: [text: string, url: string][] = [
    ['http://10.0.0.5:11434', 'http://10.0.0.5:11434'],
    ['https://ollama.example', 'https://ollama.example'],
    ['0.0.0.0', 'http://127.0.0.1:11434'],
    ['0.0.0.0:8000', 'http://127.0.0.1:8000'],
    ['box:8000', 'http://box:8000'],
    [':8000', 'http://127.0.0.1:8000'],
    ['box:80', 'http://box'],
  ];
  for (const [text, url] of hosts) {
    it(`OLLAMA_HOST=${text} is ${url}`, (t) => {
      assert.equal(load(folder(t), { env: { OLLAMA_HOST: text } }).config.providers.named['ollama']?.base_url, url);
    });
  }

  for (const [name, text, level] of [
    ['LOG_LEVEL', 'DEBUG', 'debug'],
    ['LOG_LEVEL', 'warning', 'warn'],
    ['RUST_LOG', 'hyper=debug,trace', 'trace'],
    ['RUSTCLAW_LOG_LEVEL', 'error', 'error'],
  ] as const) {
    it(`${name}=${text} is ${level}`, (t) => {
      assert.equal(load(folder(t), { env: { [name]: text } }).config.logging.level, level);
    });
  }
  it('a log level of another program is ignored with a warning, never a reason not to start', (t) => {
    const { config, warnings } = load(folder(t), { env: { RUST_LOG: 'hyper=debug', LOG_LEVEL: '7' } });
    assert.deepEqual([config.logging.level, warnings.length], ['info', 2]);
  });
  it('a token in the environment is enough for a channel to exist', (t) => {
    const env = { DISCORD_BOT_TOKEN: 'a-token-of-discord', OPENCLAW_SLACK_BOT_TOKEN: 'xoxb-a-token-of-slack' };
    const { channels } = load(folder(t), { env }).config;
    assert.equal(channels.discord.accounts['main']?.bot_token.reveal(), 'a-token-of-discord');
    assert.equal(channels.slack.accounts['main']?.bot_token.reveal(), 'xoxb-a-token-of-slack');
  });
});

describe('secrets', () => {
  it('a file holds a secret: trimmed, relative to the configuration, its source named', (t) => {
    const dir = folder(t, { token: `${goodToken}\n` });
    const etc = path.join(dir, 'etc');
    mkdirSync(etc);
    writeFileSync(path.join(etc, 'c.toml'), '[server.auth]\ntoken_file = "../token"\n');
    const loaded = load(dir, { file: 'etc/c.toml' });
    assert.equal(loaded.config.server.auth.token?.reveal(), goodToken);
    assert.equal(loaded.sources.get('server.auth.token'), `file ${path.join(dir, 'token')}`);
    assert.ok(loaded.files.includes(path.join(dir, 'token')));
  });
  it('a secret file that is missing or empty is refused by key', (t) => {
    const text = '[providers.openai]\napi_key_file = "nowhere"\n';
    assert.deepEqual(
      issuesOfText(t, text).map(({ key, line }) => [key, line]),
      [['providers.openai.api_key_file', 2]],
    );
    const dir = folder(t, { empty: '\n', 'config.toml': '[server.auth]\ntoken_file = "empty"\n' });
    assert.deepEqual(
      issuesOf(() => load(dir)).map(({ key, file, line }) => [key, file, line]),
      [['server.auth.token', `file ${path.join(dir, 'empty')}`, null]],
    );
  });
  it('a secret given twice in one place is refused; the environment beats a file without a word', (t) => {
    const dir = folder(t, {
      key: 'sk-from-the-file',
      'config.toml': '[providers.openai]\napi_key = "sk-direct"\napi_key_file = "key"\n',
    });
    assert.deepEqual(
      issuesOf(() => load(dir)).map(({ key }) => key),
      ['providers.openai.api_key_file'],
    );
    writeFileSync(path.join(dir, 'config.toml'), '[providers.openai]\napi_key_file = "key"\n');
    assert.equal(load(dir).config.providers.named['openai']?.api_key?.reveal(), 'sk-from-the-file');
    const { config } = load(dir, { env: { OPENAI_API_KEY: 'sk-env' } });
    assert.equal(config.providers.named['openai']?.api_key?.reveal(), 'sk-env');
  });
  it('api_key_env names the variable, and no other one answers for it', (t) => {
    const text = '[providers.openai]\napi_key_env = "WORK_KEY"\n';
    const env = { WORK_KEY: 'sk-work', OPENAI_API_KEY: 'sk-private' };
    assert.equal(loadText(t, text, { env }).config.providers.named['openai']?.api_key?.reveal(), 'sk-work');
    const issues = issuesOfText(t, text, { env: { OPENAI_API_KEY: 'sk-private' } });
    assert.deepEqual(
      issues.map(({ key }) => key),
      ['providers.openai.api_key_env'],
    );
    assert.match(issues[0]?.message ?? '', /WORK_KEY is not set/);
  });
  it('no secret stands in what `config show` prints, in the loaded data, or in a log afterwards', (t) => {
    const text = `[server.auth]\ntoken = "${goodToken}"\n[providers.openai]\napi_key = "sk-verysecret"\nheaders = { "X-Key" = "header-secret" }\n`;
    const loaded = loadText(t, text, { env: { TELEGRAM_BOT_TOKEN: '77:telegram-secret' } });
    const printed = JSON.stringify([loaded, [...loaded.sources], describeConfig(loaded)], (name, value: unknown) =>
      name === 'headers' ? undefined : value,
    );
    for (const value of [goodToken, 'sk-verysecret', '77:telegram-secret', 'header-secret'])
      assert.ok(!printed.includes(value), value);
    assert.equal(redact(`x${goodToken}y`), 'x[secret]y');
    const shown = new Map(describeConfig(loaded).map(({ key, value, source }) => [key, [value, source]]));
    assert.deepEqual(shown.get('channels.telegram.bot_token'), ['[secret]', 'environment TELEGRAM_BOT_TOKEN']);
    assert.deepEqual(shown.get('server.port'), [18_789, 'default']);
    assert.deepEqual(shown.get('server.tls.cert_path'), [null, 'not set']);
  });
});

describe('the query of an address', () => {
  it('often holds a token, so it is used but not shown', (t) => {
    const url = 'https://example.org/answers?id=7&sig=hidden-in-a-query';
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const loaded = loadText(t, `[channels.webhook.orders]\nsecret = "${secret}"\nurl = "${url}"\n`);
    const shown = describeConfig(loaded).find(({ key }) => key === 'channels.webhook.orders.url');
    assert.equal(shown?.value, 'https://example.org/answers?id=[secret]&sig=[secret]');
    assert.equal(loaded.config.channels.webhook.accounts['orders']?.url, url);
  });

  it('a key among the arguments of a program is not shown', (t) => {
    const args =
      '["serve", "--token", "abcdef1", "--api-key=abcdef2", "--db", "postgres://me:abcdef3@db/x", "--cache-token", "--fast", "-y"]';
    const loaded = loadText(t, `[mcp.servers.x]\ncommand = "program"\nargs = ${args}\n`);
    const shown = describeConfig(loaded).find(({ key }) => key === 'mcp.servers.x.args');
    const masked =
      '["serve", "--token", "[secret]", "--api-key=[secret]", "--db", "postgres://[secret]@db/x", "--cache-token", "--fast", "-y"]';
    assert.deepEqual(shown?.value, JSON.parse(masked));
    assert.equal(redact('was abcdef1'), 'was [secret]');
    assert.deepEqual(loaded.config.mcp.servers['x']?.args, JSON.parse(args), 'the program gets what was written');
  });
});

describe('what the program gets', () => {
  it('without anything it is whole: no provider, no channel, everything at its default', (t) => {
    const dir = folder(t);
    const { config, warnings, file } = load(dir);
    assert.deepEqual([warnings, file], [[], null]);
    assert.deepEqual(config.providers, { fallback: [], named: {} });
    assert.deepEqual(config.channels.telegram.accounts, {});
    assert.equal(config.database.path, path.join(dir, '.local/share/open-clanker/open-clanker.db'));
    assert.equal(config.server.max_body, 256_000);
  });
  it('a known provider needs only its key, and its defaults stand in one table', (t) => {
    const { config } = load(folder(t), {
      env: { OPENAI_API_KEY: 'sk-a', ANTHROPIC_API_KEY: 'sk-b', OLLAMA_BASE_URL: 'http://127.0.0.1:9' },
    });
    for (const name of ['openai', 'anthropic', 'ollama']) {
      assert.equal(config.providers.named[name]?.model, providerDefaults[name]?.model);
      assert.equal(config.providers.named[name]?.api, providerDefaults[name]?.api);
    }
    assert.equal(config.providers.named['ollama']?.base_url, 'http://127.0.0.1:9');
  });
  it('clocks are those of the place, unless they are given', (t) => {
    const clocks = (url: string, more = ''): (number | undefined)[] => {
      const provider = loadText(t, `[providers.mine]\nbase_url = "${url}"\n${more}`).config.providers.named['mine'];
      return [provider?.headers_timeout, provider?.first_output_timeout, provider?.idle_timeout];
    };
    const cloud = [30_000, 120_000, 60_000];
    const local = [300_000, 300_000, 120_000];
    assert.deepEqual(clocks('https://api.example.com/v1'), cloud);
    assert.deepEqual(clocks('http://8.8.8.8/v1'), cloud);
    assert.deepEqual(clocks('https://api.example.com', 'api = "ollama"\n'), local);
    for (const host of [
      '127.0.0.1',
      '[::1]',
      'localhost',
      '10.1.2.3',
      '172.31.0.1',
      '192.168.0.9',
      'gpu',
      'gpu.local',
      '[fd00::1]',
    ]) {
      assert.deepEqual(clocks(`http://${host}:8080/v1`), local, host);
    }
    assert.deepEqual(clocks('http://127.0.0.1:8080/v1', 'idle_timeout = "7s"\n'), [300_000, 300_000, 7000]);
  });
  it('a reference must lead to a provider and a model', (t) => {
    const server = '[providers.box]\nbase_url = "http://127.0.0.1:1/v1"\n';
    const keysOf = (text: string): string[] => issuesOfText(t, text).map(({ key }) => key);
    assert.deepEqual(keysOf(`[providers]\ndefault = "box/some/model"\nfallback = ["demo"]\n${server}`), []);
    assert.deepEqual(keysOf(`[providers]\ndefault = "box"\n${server}`), ['providers.default']);
    assert.deepEqual(keysOf(`[providers]\ndefault = "box/"\n${server}`), ['providers.default']);
    assert.deepEqual(keysOf('[providers]\ndefault = "openai/gpt-5"\nfallback = ["x/y"]\n'), [
      'providers.default',
      'providers.fallback',
    ]);
    assert.deepEqual(keysOf('[providers.default]\nbase_url = "http://127.0.0.1:1"\n'), ['providers.default']);
    assert.deepEqual(keysOf('[providers.box]\nmodel = "m"\n'), ['providers.box.base_url']);
    assert.deepEqual(keysOf('[providers.openai]\nmodel = "m"\n'), ['providers.openai.api_key']);
    assert.deepEqual(keysOf('[agent]\nmodel = "nope/x"\n[agents.b]\nmodel = "neither/x"\n'), [
      'agent.model',
      'agents.b.model',
    ]);
  });
  it('a further agent is the agent with its own words', (t) => {
    const text =
      '[agent]\nmax_tokens = 9\nhistory_window = 3\n[agent.limits]\nrun_timeout = "1m"\n[agents.brief]\nsystem_prompt = "Be brief."\n';
    const { agent, agents } = loadText(t, text).config;
    assert.deepEqual(agents['brief'], { ...agent, system_prompt: 'Be brief.' });
  });
  it('the line shown for who writes in the name of a group is taken: the group is then among the people', (t) => {
    const group = '-1001234567890';
    const policy = { users: new Set(['42']), chats: new Set([group]) };
    const reason = refusal(policy, { sender: group, conversation: group, chatType: 'group' });
    const refused = { channel: 'telegram', account: 'main', sender: group, conversation: group, reason: reason ?? '' };
    const [table = '', line = ''] = allowLine(policy, refused).split(/(?<=\]) /);
    const { accounts } = loadText(t, `${table}\nbot_token = "1:aaaaaa"\n${line}\n`).config.channels.telegram;
    assert.deepEqual(accounts['main']?.allowed_user_ids, ['42', group]);
  });
  it('bots have names, and the one of the plain table is main', (t) => {
    const text =
      '[channels.telegram]\nbot_token = "1:aaaaaa"\nallowed_user_ids = [42, "43"]\n[channels.telegram.accounts.second]\nbot_token = "2:bbbbbb"\nenabled = false\n';
    const { accounts } = loadText(t, text).config.channels.telegram;
    assert.deepEqual(
      Object.entries(accounts).map(([name, { enabled, allowed_user_ids }]) => [name, enabled, allowed_user_ids]),
      [
        ['main', true, ['42', '43']],
        ['second', false, []],
      ],
    );
    assert.deepEqual(
      issuesOfText(t, '[channels.telegram.accounts.main]\nbot_token = "1:aaaaaa"\n').map(({ key }) => key),
      ['channels.telegram.accounts.main'],
    );
  });
});

describe('where data is kept', () => {
  it('$OPEN_CLANKER_DATA, else the state directory of a service, else the home', () => {
    assert.equal(dataDir({ OPEN_CLANKER_DATA: '/d', STATE_DIRECTORY: '/s' }, '/h'), '/d');
    assert.equal(dataDir({ OPEN_CLANKER_DATA: 'd' }, '/h', '/c'), '/c/d');
    assert.equal(dataDir({ STATE_DIRECTORY: '/var/lib/open-clanker:/x' }, '/h'), '/var/lib/open-clanker');
    assert.equal(dataDir({ OPEN_CLANKER_DATA: '' }, '/h'), '/h/.local/share/open-clanker');
  });
  it('relative paths start there', (t) => {
    const text = '[database]\npath = "a.db"\n[logging]\noutput = "file"\nfile = "logs/a.log"\n';
    const { config } = loadText(t, text, { env: { OPEN_CLANKER_DATA: '/d' } });
    assert.deepEqual([config.database.path, config.logging.file], ['/d/a.db', '/d/logs/a.log']);
  });
});

it('who may talk: lists by default, the secret of a webhook proves its caller, groups may differ from the rest', (t) => {
  const text = `
[channels.telegram]
bot_token = "1:abcdef"
group_policy = "never"
[channels.telegram.groups]
-100 = "always"
"-200" = "mention"
[channels.webhook.sms]
secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
`;
  const { channels } = loadText(t, text).config;
  const { access, group_policy, groups } = channels.telegram.accounts['main'] ?? {};
  assert.deepEqual([access, group_policy], ['allowlist', 'never']);
  assert.deepEqual({ ...groups }, { '-100': 'always', '-200': 'mention' });
  assert.equal(channels.webhook.accounts['sms']?.access, 'open');
  const listed = loadText(t, `${text}allowed_user_ids = ["+491701234567"]`).config.channels.webhook.accounts['sms'];
  assert.equal(listed?.access, 'allowlist', 'a list that lets everybody else in as well would be a trap');
  const env = { OPEN_CLANKER_CHANNELS__TELEGRAM__GROUPS: '{"-300":"never"}' };
  const changed = loadText(t, text, { env }).config.channels.telegram.accounts['main']?.groups;
  assert.deepEqual({ ...changed }, { '-300': 'never' });
});
