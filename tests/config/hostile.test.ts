/** Rows F of the catalogue of hostile inputs: every one is refused quickly, with its place and key, or read exactly. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, it } from 'node:test';
import { folder, goodToken, issuesOf, issuesOfText, load, loadText } from './support.ts';

describe('F-01: text that is not TOML', () => {
  const broken: [title: string, text: string | Buffer, line: number, column: number, says: RegExp][] = [
    ['a syntax error', '[server]\nport 8080\n', 2, 6, /not valid TOML/],
    ['an unfinished string', '[server]\nhost = "127.0.0.1\n', 2, 18, /not closed/],
    [
      'an id without quotes',
      '[channels.discord]\nguild_id = 41771983423143936\n',
      2,
      12,
      /in quotes, "41771983423143936"/,
    ],
    ['a key given twice', '[server]\nport = 1\n\nport = 2\n', 4, 1, /already defined/],
    ['a table given twice', '[server]\nport = 1\n[server]\npublic = true\n', 3, 2, /already defined/],
    ['a NUL', 'a = 1\n\0', 2, 1, /NUL/],
    ['a NUL in a string', '[server]\nhost = "127.0.0.1\0"\n', 2, 18, /NUL/],
    ['a prototype key', '[server]\n__proto__ = 1\n', 2, 1, /unsafe/],
    ['a prototype table', '[constructor.prototype]\nx = 1\n', 1, 2, /unsafe/],
  ];
  for (const [title, text, line, column, says] of broken) {
    it(`${title} is refused with line and column`, (t) => {
      const [issue, ...more] = issuesOfText(t, text);
      assert.deepEqual({ line: issue?.line, column: issue?.column, more }, { line, column, more: [] });
      assert.match(issue?.message ?? '', says);
      assert.match(issue?.file ?? '', /open-clanker\.toml$/);
    });
  }

  it('bytes that are not UTF-8 are refused, not replaced', (t) => {
    assert.match(issuesOfText(t, Buffer.from([0x61, 0xff, 0xfe]))[0]?.message ?? '', /UTF-8/);
  });

  const accepted: [title: string, text: string][] = [
    ['tabs', '[server]\n\tport\t=\t8080\n'],
    ['Windows line ends', '[server]\r\nport = 8080\r\n'],
    ['a byte order mark', '\uFEFF[server]\nport = 8080\n'],
  ];
  for (const [title, text] of accepted) {
    it(`${title} are fine`, (t) => assert.equal(loadText(t, text).config.server.port, 8080));
  }
});

describe('F-02: a misspelt key is refused with the nearest known one', () => {
  const rows: [text: string, key: string, line: number, near: RegExp][] = [
    ['[channels.telegram]\nbot_tokn = "1:abcdef"\n', 'channels.telegram.bot_tokn', 2, /did you mean "bot_token"/],
    ['[server]\n\n  prot = 1\n', 'server.prot', 3, /did you mean "port"/],
    ['[sever]\nport = 1\n', 'sever', 1, /did you mean "server"/],
    ['port = 1\n', 'port', 1, /did you mean "server.port"/],
    ['[providers]\ndefualt = "demo"\n', 'providers.defualt', 2, /did you mean "default"/],
    ['[server]\nzzzzzzzzzzzz = 1\n', 'server.zzzzzzzzzzzz', 2, /known here: host, port/],
    [
      '[providers.mine]\nbase_url = "http://127.0.0.1:1"\nheaders_timeuot = "1s"\n',
      'providers.mine.headers_timeuot',
      3,
      /"headers_timeout"/,
    ],
  ];
  for (const [text, key, line, near] of rows) {
    it(key, (t) => {
      const [issue, ...more] = issuesOfText(t, text);
      assert.deepEqual({ key: issue?.key, line: issue?.line, more }, { key, line, more: [] });
      assert.match(issue?.message ?? '', near);
    });
  }
});

describe('F-04: too much, too deep, or not a file', () => {
  const limit = 1024 * 1024;
  it('a file of exactly 1 MiB is read, one byte more is refused', (t) => {
    const padded = (size: number): string => '# '.padEnd(size, 'x');
    assert.deepEqual(issuesOfText(t, padded(limit)), []);
    assert.match(issuesOfText(t, padded(limit + 1))[0]?.message ?? '', /larger than 1048576 bytes/);
  });
  it('lists nested 20,000 deep are refused', (t) => {
    assert.match(issuesOfText(t, `x = ${'['.repeat(20_000)}`)[0]?.message ?? '', /nested/);
  });
  it('a key of 20,000 dots is refused', (t) => {
    const [issue] = issuesOfText(t, `${Array(20_000).fill('a').join('.')} = 1`);
    assert.match(issue?.message ?? '', /nested deeper/);
    assert.ok((issue?.message.length ?? 0) < 300);
  });
  it('a folder is refused', (t) => {
    const dir = folder(t);
    mkdirSync(path.join(dir, 'config.toml'));
    assert.match(issuesOf(() => load(dir))[0]?.message ?? '', /directory/);
  });
  it('a FIFO that nobody writes to is refused and not waited for', (t) => {
    const dir = folder(t);
    execFileSync('sh', ['-c', 'mkfifo "$0"', path.join(dir, 'fifo')]);
    assert.match(issuesOf(() => load(dir, { file: 'fifo' }))[0]?.message ?? '', /not a regular file/);
  });
  it('/dev/zero is refused and not read', (t) => {
    assert.match(issuesOf(() => load(folder(t), { file: '/dev/zero' }))[0]?.message ?? '', /not a regular file/);
  });
  it('a link in a circle is refused', (t) => {
    const dir = folder(t);
    symlinkSync('loop.toml', path.join(dir, 'loop.toml'));
    assert.match(issuesOf(() => load(dir, { file: 'loop.toml' }))[0]?.message ?? '', /link/);
  });
  it('a link that leads nowhere is no missing file: the search does not go past it', (t) => {
    const dir = folder(t);
    symlinkSync('..data/config.toml', path.join(dir, 'config.toml'));
    assert.match(issuesOf(() => load(dir))[0]?.message ?? '', /link that leads nowhere/);
    assert.match(issuesOf(() => load(dir, { file: 'config.toml' }))[0]?.message ?? '', /link that leads nowhere/);
  });
  it('a file that was named but is missing is refused, by flag and by variable', (t) => {
    const dir = folder(t, { 'config.toml': '' });
    assert.match(issuesOf(() => load(dir, { file: 'no.toml' }))[0]?.message ?? '', /no such file/);
    assert.match(
      issuesOf(() => load(dir, { env: { OPEN_CLANKER_CONFIG: 'no.toml' } }))[0]?.message ?? '',
      /no such file/,
    );
  });
  it('an empty file and no file at all are the defaults', (t) => {
    const none = load(folder(t));
    assert.equal(none.file, null);
    assert.equal(none.config.server.port, 18_789);
    assert.deepEqual(loadText(t, '').config.server, none.config.server);
  });
});

describe('F-05: wrong values are refused by key', () => {
  const rows: [text: string, key: string, says: RegExp][] = [
    ['[server]\nport = 0', 'server.port', /found 0.*1 to 65535/],
    ['[server]\nport = 65536', 'server.port', /found 65536.*1 to 65535/],
    ['[server]\nport = "80"', 'server.port', /found "80".*whole number/],
    ['[server]\nport = 80.5', 'server.port', /found 80.5/],
    ['[server]\nport = 1e309', 'server.port', /found Infinity/],
    ['[server]\nport = nan', 'server.port', /found NaN/],
    ['[server]\nport = 2026-02-30', 'server.port', /found a date/],
    ['[server]\nport = []', 'server.port', /found a list/],
    ['[server]\nport = {}', 'server.port', /found a table/],
    ['[server]\npublic = "yes"', 'server.public', /true or false/],
    ['[server]\nmax_body = 5', 'server.max_body', /found 5;.*"5MB"/],
    ['[server]\nmax_body = "5 parsecs"', 'server.max_body', /found "5 parsecs"/],
    ['[agent.limits]\nrun_timeout = "-5s"', 'agent.limits.run_timeout', /found "-5s".*"30s"/],
    ['[agent.limits]\nrun_timeout = 30', 'agent.limits.run_timeout', /found 30;.*"30s"/],
    ['[agent.limits]\nrun_timeout = "90d"', 'agent.limits.run_timeout', /found "90d".*24d/],
    ['[agent]\ntemperature = 2.1', 'agent.temperature', /from 0 to 2/],
    ['[agent]\nhistory_window = -1', 'agent.history_window', /from 0/],
    ['[agent]\nqueue_mode = "random"', 'agent.queue_mode', /found "random".*"followup".*"steer"/],
    ['[logging]\nlevel = "verbose"', 'logging.level', /found "verbose".*"debug"/],
    ['server = 5', 'server', /found 5; it takes a table/],
    ['[server.tls]\ncert_path = "a.pem"', 'server.tls.key_path', /missing/],
    ['[channels.telegram]\nallowed_user_ids = ["@anna"]', 'channels.telegram.allowed_user_ids', /open-clanker status/],
    ['[channels.telegram]\nallowed_chat_ids = [1.5]', 'channels.telegram.allowed_chat_ids', /found 1.5/],
    ['[channels.telegram]\nbot_token = "abc"', 'channels.telegram.bot_token', /@BotFather/],
    ['[channels.telegram]\nenabled = true', 'channels.telegram.bot_token', /missing/],
    [
      '[channels.telegram]\nbot_token = "1:abcdef"\nmode = "webhook"',
      'channels.telegram.webhook_url',
      /missing.*https address/,
    ],
    [
      '[channels.telegram]\nbot_token = "1:abcdef"\nmode = "webhook"\nwebhook_url = "http://bot.example.org"',
      'channels.telegram.webhook_url',
      /https addresses on port 443/,
    ],
    ['[channels.telegram]\nwebhook_secret = "with space"', 'channels.telegram.webhook_secret', /space|1 to 256/],
    ['[channels.telegram]\nstream = "edits"', 'channels.telegram.stream', /true, false or "draft"/],
    ['[channels.telegram]\naccess = "everybody"', 'channels.telegram.access', /"allowlist", "pairing", "open"/],
    ['[channels.telegram.groups]\n-1 = "sometimes"', 'channels.telegram.groups.-1', /"mention", "always", "never"/],
    ['[channels.telegram.groups]\n"@club" = "never"', 'channels.telegram.groups.@club', /cannot look up who a name/],
    ['[channels.telegram]\ngroups = ["-1"]', 'channels.telegram.groups', /a table of chat ids/],
    ['[agents."Big One"]\nmodel = "demo"', 'agents.Big One', /cannot be a name/],
    ['[providers."a/b"]\nbase_url = "http://127.0.0.1:1"', 'providers.a/b', /cannot be a name/],
    ['[tools.shell]\nenabled = true', 'tools.shell', /unknown key/],
    ['[[bindings]]\nagent = "a"', 'bindings.agent', /no agent "a".*none/],
    ['bindings = "a"', 'bindings', /\[\[key\]\]/],
    ['[channels.discord]\nenabled = true', 'channels.discord.bot_token', /missing/],
    ['[channels.matrix]\naccess_token = "x"', 'channels.matrix.homeserver', /missing/],
    ['[channels.webhook.sms]\nurl = "http://127.0.0.1/"', 'channels.webhook.sms.secret', /missing/],
    ['[database]\nurl = "postgres://x"', 'database.url', /not available in this version/],
  ];
  for (const [text, key, says] of rows) {
    it(text.replaceAll('\n', ' '), (t) => {
      const issues = issuesOfText(t, text);
      assert.deepEqual(
        issues.map((issue) => issue.key),
        [key],
      );
      assert.match(issues[0]?.message ?? '', says);
      assert.notEqual(issues[0]?.line, null);
    });
  }
  it('a number no computer counts to is refused by the parser, with its place', (t) => {
    const [issue] = issuesOfText(t, '[server]\nport = 9007199254740993');
    assert.deepEqual([issue?.line, issue?.column], [2, 8]);
  });
  it('everything that is wrong is said at once, in the order of the file', (t) => {
    const text = '[server]\nport = "x"\nprot = 1\n[logging]\nlevel = 3\n[bridge]\n';
    assert.deepEqual(
      issuesOfText(t, text).map(({ key, line }) => [key, line]),
      [
        ['server.port', 2],
        ['server.prot', 3],
        ['logging.level', 5],
        ['bridge', 6],
      ],
    );
  });
});

describe('F-06: the environment inside texts', () => {
  const prompt = (value: string): string => `[agent]\nsystem_prompt = ${value}\n`;
  it('a variable that is not set is refused by name', (t) => {
    const [issue, ...more] = issuesOfText(t, prompt('"${MISSING}"'));
    assert.deepEqual([issue?.key, issue?.line, more.length], ['agent.system_prompt', 2, 0]);
    assert.match(issue?.message ?? '', /MISSING is not set/);
  });
  for (const text of ['${A${B}}', '${}', '${A', '${A-B}', '${1A}']) {
    it(`${text} is refused`, (t) => {
      const [issue] = issuesOfText(t, prompt(`"${text}"`), { env: { A: 'a', B: 'b' } });
      assert.equal(issue?.key, 'agent.system_prompt');
    });
  }
  it('a value is taken as it is: no second look, no TOML, no new keys', (t) => {
    const value = '${B}"\n[server]\npublic = true\n__proto__ = 1';
    const { config } = loadText(t, prompt('"<${A}>"'), { env: { A: value, B: 'b' } });
    assert.equal(config.agent.system_prompt, `<${value}>`);
    assert.equal(config.server.public, false);
  });
  it('$${ is a literal', (t) => {
    assert.equal(loadText(t, prompt('"$${HOME} costs $5"')).config.agent.system_prompt, '${HOME} costs $5');
  });
  it('a variable with our prefix sets its own key and can make no other', (t) => {
    const env = {
      OPEN_CLANKER_SERVER__HOST: '127.0.0.1"\npublic = true',
      OPEN_CLANKER_SERVER____PROTO____POLLUTED: 'x',
      OPEN_CLANKER_PROVIDERS____PROTO____MODEL: 'x',
      OPEN_CLANKER_SERVER: '{"public":true}',
      OPEN_CLANKER_SERVER__AUTH: '{"token":"x"}',
    };
    const issues = issuesOfText(t, '', { env });
    assert.deepEqual(
      issues.map(({ key, file }) => [key, file]),
      [['server.host', 'environment OPEN_CLANKER_SERVER__HOST']],
    );
    assert.equal(({} as Record<string, unknown>)['POLLUTED'], undefined);
    assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  });
  it('a list from the environment holds only what a list may hold', (t) => {
    const env = { OPEN_CLANKER_SERVER__ALLOWED_HOSTS: '[{"public":true}]' };
    assert.deepEqual(
      issuesOfText(t, '', { env }).map(({ key }) => key),
      ['server.allowed_hosts'],
    );
  });
});

describe('F-08: nothing is opened to other machines by accident', () => {
  const token = `[server.auth]\ntoken = "${goodToken}"\n`;
  for (const host of ['0.0.0.0', '::', '[::]', '192.168.1.5', 'example.com', '::ffff:10.0.0.1', '2001:db8::1']) {
    it(`${host} needs server.public and a token`, (t) => {
      const bind = `[server]\nhost = "${host}"\n`;
      assert.deepEqual(
        issuesOfText(t, bind).map(({ key }) => key),
        ['server.auth.token', 'server.host'],
      );
      assert.deepEqual(
        issuesOfText(t, `${bind}public = true\n`).map(({ key }) => key),
        ['server.auth.token'],
      );
      assert.deepEqual(
        issuesOfText(t, bind + token).map(({ key }) => key),
        ['server.host'],
      );
      const [issue] = issuesOfText(t, bind);
      assert.match(issue?.message ?? '', /server\.auth\.token.*server\.public = true/);
      assert.deepEqual(issuesOfText(t, `${bind}public = true\n${token}`), []);
    });
  }
  for (const host of ['127.0.0.1', '127.1.2.3', '::1', '[::1]', 'localhost']) {
    it(`${host} needs neither`, (t) => assert.deepEqual(issuesOfText(t, `[server]\nhost = "${host}"\n`), []));
  }
  for (const host of ['', ' ', '999.1.1.1', '127.0.0.1/8', 'a b', 'http://127.0.0.1']) {
    it(`${JSON.stringify(host)} is no address`, (t) => {
      assert.equal(issuesOfText(t, `[server]\nhost = "${host}"\n`)[0]?.key, 'server.host');
    });
  }
});

describe('F-09: secrets that are none', () => {
  const bad = [
    '',
    'changeme',
    'your-token',
    'short-token-of-23-chars',
    'a'.repeat(40),
    'changeme-changeme-changeme',
    `${goodToken} x`,
    `${goodToken}ä`,
  ];
  for (const token of bad) {
    it(`the token ${JSON.stringify(token)} is refused and not shown`, (t) => {
      const [issue, ...more] = issuesOfText(t, `[server.auth]\ntoken = ${JSON.stringify(token)}\n`);
      assert.deepEqual([issue?.key, issue?.line, more.length], ['server.auth.token', 2, 0]);
      assert.ok(token === '' || !(issue?.message ?? '').includes(token));
    });
  }
  it('24 random characters are enough', (t) => {
    assert.deepEqual(issuesOfText(t, '[server.auth]\ntoken = "abcdefghijklmnopqrstuvwx"\n'), []);
  });
  for (const key of ['', 'changeme', 'YOUR_API_KEY', '<key>', 'xxx', '...', 'sk-a b']) {
    it(`the key ${JSON.stringify(key)} is refused`, (t) => {
      const [issue] = issuesOfText(t, `[providers.openai]\napi_key = ${JSON.stringify(key)}\n`);
      assert.equal(issue?.key, 'providers.openai.api_key');
    });
  }
  it('a bot token under two names is refused: both would get nothing but conflicts', (t) => {
    const text =
      '[channels.telegram]\nbot_token = "1:abcdef"\n[channels.telegram.accounts.b]\nbot_token = "1:abcdef"\n';
    assert.deepEqual(
      issuesOfText(t, text).map(({ key }) => key),
      ['channels.telegram.accounts.b.bot_token'],
    );
  });
  it('the operator token is no key of a provider too', (t) => {
    const text = `[server.auth]\ntoken = "${goodToken}"\n[providers.openai]\napi_key = "${goodToken}"\n`;
    assert.deepEqual(
      issuesOfText(t, text).map(({ key }) => key),
      ['providers.openai.api_key'],
    );
  });
});

describe('F-10: lists that would let everybody in', () => {
  const rows: [key: string, value: string][] = [
    ['allowed_origins', '*'],
    ['allowed_origins', 'https://a.example/path'],
    ['allowed_origins', 'a.example'],
    ['allowed_origins', 'null'],
    ['allowed_origins', 'file://x'],
    ['allowed_origins', 'tauri://localhost/'],
    ['allowed_origins', 'chrome-extension://*'],
    ['trusted_proxies', '0.0.0.0/0'],
    ['trusted_proxies', '::/0'],
    ['trusted_proxies', '10.0.0.0/33'],
    ['trusted_proxies', 'proxy.example'],
    ['allowed_ips', '300.1.1.1'],
    ['allowed_hosts', '*'],
    ['allowed_hosts', '*.example.com'],
    ['allowed_hosts', 'https://example.com'],
    ['allowed_hosts', 'example.com:8443'],
  ];
  for (const [key, value] of rows) {
    it(`${key} = ["${value}"]`, (t) => {
      assert.deepEqual(
        issuesOfText(t, `[server]\n${key} = ["${value}"]\n`).map((issue) => issue.key),
        [`server.${key}`],
      );
    });
  }
  it('exact ones are fine', (t) => {
    const text =
      '[server]\nallowed_origins = ["https://a.example", "http://127.0.0.1:3000", "chrome-extension://abcdefghijklmnop", "tauri://localhost"]\ntrusted_proxies = ["10.0.0.0/8", "::1"]\nallowed_ips = ["fd00::/8"]\nallowed_hosts = ["a.example", "[fd00::1]", "open_clanker"]\n';
    assert.deepEqual(issuesOfText(t, text), []);
  });
});

describe('F-13: a base URL leads to a model API and nowhere else', () => {
  const refused = [
    'http://169.254.169.254/latest',
    'http://2852039166/',
    'http://0xa9fea9fe/',
    'http://[::ffff:169.254.169.254]/',
    'http://[fe80::1]/',
    'http://metadata.google.internal/',
    'http://metadata.google.internal./',
    'http://100.100.100.200/',
    'http://[fd00:ec2::254]/',
    'file:///etc/passwd',
    'ftp://a.example',
    'http://user:pass@a.example/v1',
    'http://a.example:0/',
    'http://a.example:65536/',
    'a.example/v1',
    '',
    'http://a.example/v1?key=1',
    'javascript:alert(1)',
  ];
  for (const url of refused) {
    it(`${JSON.stringify(url)} is refused`, (t) => {
      assert.deepEqual(
        issuesOfText(t, `[providers.mine]\nbase_url = "${url}"\n`).map(({ key }) => key),
        ['providers.mine.base_url'],
      );
    });
  }
  it('the same holds for the Bot API', (t) => {
    assert.deepEqual(
      issuesOfText(t, '[channels.telegram]\napi_root = "http://169.254.1.1"\n').map(({ key }) => key),
      ['channels.telegram.api_root'],
    );
  });
  for (const url of [
    'https://api.example.com/v1',
    'http://127.0.0.1:8080/v1',
    'http://[::1]:8080',
    'http://box.local/v1',
  ]) {
    it(`${url} is fine`, (t) => assert.deepEqual(issuesOfText(t, `[providers.mine]\nbase_url = "${url}"\n`), []));
  }
  it('/v1 on the native interface of Ollama is refused with the fix', (t) => {
    const [issue] = issuesOfText(t, '[providers.ollama]\nbase_url = "http://127.0.0.1:11434/v1/"\n');
    assert.match(issue?.message ?? '', /write "http:\/\/127\.0\.0\.1:11434"/);
  });
});

it('a file that changes into another kind between two loads is judged anew', (t) => {
  const dir = folder(t, { 'config.toml': '[server]\nport = 1\n' });
  assert.equal(load(dir).config.server.port, 1);
  writeFileSync(path.join(dir, 'config.toml'), '{"gateway":{}}');
  assert.match(issuesOf(() => load(dir))[0]?.message ?? '', /config import/);
});
