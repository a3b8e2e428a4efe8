import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it } from 'node:test';
import type { TestContext } from 'node:test';
import { createLog } from '../../../src/adapters/logging/index.ts';
import type { LogOptions, RootLog } from '../../../src/adapters/logging/index.ts';
import { ClankerError } from '../../../src/core/errors.ts';
import { registerSecret } from '../../../src/core/redact.ts';
import { Secret } from '../../../src/core/secret.ts';

const at = Date.UTC(2026, 10, 21, 12, 0, 0, 7);

/** A log that writes to a descriptor of a file, and what stands there when it is closed. */
function logged(t: TestContext, options: Partial<LogOptions> = {}): { log: RootLog; lines: () => Promise<string[]> } {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-log-'));
  const fd = openSync(path.join(dir, 'out'), 'a');
  t.after(() => {
    closeSync(fd);
    rmSync(dir, { recursive: true });
  });
  const log = createLog({
    level: 'info',
    output: 'stdout',
    service: 'test',
    format: 'json',
    env: {},
    fd,
    now: () => at,
    ...options,
  });
  const lines = async (): Promise<string[]> => {
    await log.close();
    return readFileSync(path.join(dir, 'out'), 'utf8').split('\n').slice(0, -1);
  };
  return { log, lines };
}

const parsed = (line: string | undefined): Record<string, unknown> => JSON.parse(line ?? '') as Record<string, unknown>;

describe('how a line looks', () => {
  it('json has time, level, service and message first, then the fields', async (t) => {
    const { log, lines } = logged(t);
    log
      .with({ component: 'runs', correlation_id: 'msg_1' })
      .info('started', { n: 1, ok: true, none: undefined, list: ['a'] });
    assert.deepEqual(await lines(), [
      '{"time":"2026-11-21T12:00:00.007Z","level":"info","service":"test","message":"started","component":"runs","correlation_id":"msg_1","n":1,"ok":true,"list":["a"]}',
    ]);
  });

  it('logfmt quotes what needs it and flattens what is nested', async (t) => {
    const { log, lines } = logged(t, { format: 'logfmt' });
    log.warn('it is "so"', { 'a b': 'x=y', deep: { n: 1 }, empty: '', path: '/a/b' });
    assert.deepEqual(await lines(), [
      'time=2026-11-21T12:00:00.007Z level=warn service=test message="it is \\"so\\"" a_b="x=y" deep.n=1 empty="" path=/a/b',
    ]);
  });

  it('pretty is for people, without colours when it is no terminal', async (t) => {
    const { log, lines } = logged(t, { format: 'pretty' });
    log.error('it broke', { n: 1 });
    assert.deepEqual(await lines(), ['12:00:00.007 ERROR it broke  n=1']);
  });

  for (const format of ['json', 'logfmt', 'pretty'] as const) {
    it(`${format}: a text cannot make a second line, colour the terminal or turn its direction`, async (t) => {
      const { log, lines } = logged(t, { format });
      const evil = 'a\nlevel=error message=forged\r\u001b[31m\u009b2J\u2028\u202e\0';
      log.info(evil, { evil, [`k\n${evil}`]: 1 });
      const [line = '', ...more] = await lines();
      assert.deepEqual(more, []);
      // eslint-disable-next-line no-control-regex -- control characters are what is looked for
      assert.doesNotMatch(line, format === 'json' ? /[\u0000-\u001f]/ : /[\u0000-\u001f\u007f-\u009f\u2028\u202e]/);
    });
  }

  it('a field never hides what every line has', async (t) => {
    const { log, lines } = logged(t);
    log.info('real', { message: 'forged', level: 'error', time: 0 });
    const line = parsed((await lines())[0]);
    assert.deepEqual(
      [line['message'], line['level'], line['message_'], line['level_']],
      ['real', 'info', 'forged', 'error'],
    );
  });

  it('an error is its kind, code and message; its stack only at debug', async (t) => {
    const cause = new Error('ECONNREFUSED');
    const error = new ClankerError('provider', 'timeout', 'It took too long.', { cause });
    const { log, lines } = logged(t);
    log.error('failed', { error });
    log.setLevel('debug');
    log.error('failed', { error });
    const [plain, detailed] = (await lines()).map(parsed);
    assert.deepEqual(plain?.['error'], {
      kind: 'provider',
      code: 'timeout',
      message: 'It took too long.',
      cause: { kind: 'Error', message: 'ECONNREFUSED' },
    });
    assert.match(JSON.stringify(detailed?.['error']), /"stack":".*log\.test\.ts/);
  });

  it('systemd gets priorities: where the output is the stream of the journal, and with output journald', async (t) => {
    const out = path.join(mkdtempSync(path.join(tmpdir(), 'clanker-log-')), 'stream');
    const fd = openSync(out, 'a');
    t.after(() => {
      closeSync(fd);
      rmSync(path.dirname(out), { recursive: true });
    });
    const { dev, ino } = fstatSync(fd, { bigint: true });
    const stream = createLog({
      level: 'info',
      output: 'stdout',
      service: 'x',
      fd,
      env: { JOURNAL_STREAM: `${dev}:${ino}` },
    });
    stream.warn('x');
    await stream.close();
    assert.match(readFileSync(out, 'utf8'), /^<4>\{/);
    // Inherited from a service or a desktop, with an output that is piped elsewhere.
    const piped = logged(t, { env: { JOURNAL_STREAM: '8:1' } });
    piped.log.warn('x');
    assert.match((await piped.lines()).join(), /^\{/);
    const { log, lines } = logged(t, { output: 'journald', level: 'trace', format: 'logfmt' });
    for (const level of ['error', 'warn', 'info', 'debug', 'trace'] as const) log[level]('x');
    assert.deepEqual(
      (await lines()).map((line) => line.slice(0, 3)),
      ['<3>', '<4>', '<6>', '<7>', '<7>'],
    );
  });
});

describe('what is written', () => {
  it('only what is important enough, and a new level counts at once, also for bound logs', async (t) => {
    const { log, lines } = logged(t, { level: 'warn' });
    const bound = log.with({ component: 'x' });
    bound.info('no');
    log.setLevel('trace');
    bound.trace('yes');
    log.setLevel('error');
    bound.warn('no');
    assert.deepEqual(
      (await lines()).map((line) => parsed(line)['message']),
      ['yes'],
    );
  });

  it('no secret: by value, by name, by pattern, in messages, fields, errors, causes and keys bound before', async (t) => {
    const { log, lines } = logged(t, { level: 'debug' });
    registerSecret('canary-by-value');
    const error = new Error('GET https://x/?token=canary-in-url failed', { cause: 'canary-by-value' });
    const bound = log.with({ api_key: 'canary-by-name', key: new Secret('canary-secret') });
    bound.info('canary-by-value and sk-CANARYCANARYCANARY', {
      error,
      nested: { authorization: 'canary-nested', list: ['canary-by-value', { password: 'canary-list' }] },
      url: 'https://api.telegram.org/bot123:CANARY-token/getMe',
      prompt_tokens: 5,
    });
    const text = (await lines()).join('\n');
    assert.doesNotMatch(text, /canary-|CANARY/);
    assert.match(text, /"prompt_tokens":5/);
  });

  it('anything, without throwing: cycles, getters that throw, proxies, huge texts and lists', async (t) => {
    const { log, lines } = logged(t);
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    const trap = {
      get boom(): never {
        throw new Error('no');
      },
    };
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    log.info('x', {
      cycle,
      trap,
      proxy,
      big: 'x'.repeat(1e6),
      many: Array(1e5).fill(1),
      n: 1n,
      f: () => 1,
      nan: Number.NaN,
      bytes: new Uint8Array(9),
      date: new Date(Number.NaN),
    });
    log.info('y'.repeat(1e6));
    log.info('bad', trap);
    const written = await lines();
    assert.equal(written.length, 3);
    for (const line of written) assert.ok(line.length < 40_000, `${line.length}`);
    assert.equal(log.dropped, 0);
  });

  it('every line, in order, and what is left when the process ends without closing', async (t) => {
    const { log, lines } = logged(t);
    for (let i = 0; i < 5000; i++) {
      log.info('n', { i });
      if (i % 1000 === 0) await log.flush();
    }
    assert.deepEqual(
      (await lines()).map((line) => parsed(line)['i']),
      Array.from({ length: 5000 }, (_, i) => i),
    );
  });
});

describe('a file', () => {
  const options = (t: TestContext): LogOptions & { file: string; dir: string } => {
    const dir = mkdtempSync(path.join(tmpdir(), 'clanker-log-'));
    t.after(() => rmSync(dir, { recursive: true }));
    return {
      level: 'info',
      output: 'file',
      format: 'logfmt',
      service: 't',
      env: {},
      dir,
      file: path.join(dir, 'logs', 'a.log'),
    };
  };

  it('is rotated by size, keeps as many as it should, loses no line, and only its owner may read it', async (t) => {
    const { dir, ...rest } = options(t);
    const log = createLog({ ...rest, rotation: { max_size: 2000, keep: 3 } });
    for (let i = 0; i < 200; i++) {
      log.info('line', { i });
      await log.flush();
    }
    await log.close();
    const logs = path.join(dir, 'logs');
    const names = readdirSync(logs).sort();
    assert.deepEqual(names, ['a.log', 'a.log.1', 'a.log.2', 'a.log.3']);
    for (const name of names) {
      assert.ok(statSync(path.join(logs, name)).size <= 2000);
      assert.equal(statSync(path.join(logs, name)).mode & 0o777, 0o600);
    }
    const numbers = [...names]
      .reverse()
      .flatMap((name) =>
        Array.from(readFileSync(path.join(logs, name), 'utf8').matchAll(/ i=(\d+)$/gm), ([, n]) => Number(n)),
      );
    assert.equal(numbers.at(-1), 199);
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, i) => (numbers[0] ?? 0) + i),
    );
  });

  it('is continued after a restart, and begun anew where none is kept', async (t) => {
    const { dir: _, ...rest } = options(t);
    for (const n of [1, 2]) {
      const log = createLog(rest);
      log.info('start', { n });
      await log.close();
    }
    assert.equal(readFileSync(rest.file, 'utf8').split('\n').length, 3);
    const log = createLog({ ...rest, rotation: { max_size: 10, keep: 0 } });
    log.info('again');
    await log.close();
    assert.equal(readFileSync(rest.file, 'utf8').split('\n').length, 2);
  });

  it('that cannot be opened costs its lines, counted, and nothing else', async (t) => {
    const { dir, ...rest } = options(t);
    const log = createLog({ ...rest, file: dir });
    log.error('lost');
    await log.flush();
    assert.equal(log.dropped, 1);
    await log.close();
  });

  it('says why it cannot be written where it still can, once, and no more when it can again', async (t) => {
    const { dir, ...rest } = options(t);
    const said = path.join(dir, 'complaints');
    const complaints = openSync(said, 'a');
    t.after(() => closeSync(complaints));
    const file = path.join(dir, 'file');
    mkdirSync(file);
    const log = createLog({ ...rest, file, complaints });
    for (const n of [1, 2]) {
      log.error('lost', { n });
      await log.flush();
    }
    assert.equal(log.failure, 'EISDIR');
    rmSync(file, { recursive: true });
    log.error('kept');
    await log.flush();
    assert.equal(log.failure, null);
    await log.close();
    assert.match(
      readFileSync(said, 'utf8'),
      /^open-clanker: the log cannot be written \(EISDIR.*\); see \[logging\][^\n]*\n$/,
    );
  });
});
