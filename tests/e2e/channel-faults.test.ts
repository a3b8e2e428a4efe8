/** What networks and platforms do to channels, on five of them at once: everything is answered once, or says so. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { newMarker } from '../support/mock-openai.ts';
import type { Fault } from '../support/fault-proxy.ts';
import { FaultyLines, thorough, wrongWith, type Line } from './proofs/faulty-line.ts';

/** `npm run prove -- faults`: all of it, and for longer. */
const partitionMs = thorough ? 60_000 : 2500;
const conflicts = thorough ? 12 : 2;

describe('faults of channels', () => {
  let faulty: FaultyLines;
  before(async () => {
    faulty = await FaultyLines.open();
  });
  after(() => faulty.close());

  /** Fails when a text holds a secret of a platform, most of one, or one as a URL would have it. */
  const clean = (where: string, text: string): void => {
    const forms = faulty.lines
      .flatMap((line) => line.secrets)
      .flatMap((secret) => [
        secret.slice(0, Math.ceil(secret.length * 0.7)),
        secret.slice(Math.floor(secret.length * 0.3)),
        encodeURIComponent(secret),
      ]);
    assert.ok(forms.length >= 6 * 3);
    for (const form of forms) {
      const at = text.indexOf(form);
      assert.equal(at, -1, `${where}: …${text.slice(Math.max(0, at - 150), at + 60)}…`);
    }
  };
  // Only the last of the log is kept.
  afterEach(() => clean('the log', faulty.daemon.output()));

  /** Each line at once; fails with the words of all that went wrong. */
  const onEach = async (run: (line: Line) => Promise<string[]>): Promise<void> => {
    const wrong = await Promise.all(
      faulty.lines.map(async (line) => {
        const answers = await run(line).catch((error: unknown) => String(error));
        return typeof answers === 'string' ? answers : wrongWith(line, answers);
      }),
    );
    assert.deepEqual(
      wrong.filter((each) => each !== null),
      [],
      faulty.daemon.output().slice(-3000),
    );
  };

  const sendFaults: [id: string, what: string, fault: (line: Line) => Fault][] = [
    ['B-25', 'a send whose answer is lost', () => ({ mode: 'lost' })],
    ['B-25', 'a send that was taken and answered with 502', () => ({ mode: 'late_502' })],
    ['B-25', 'a send whose answer is cut in the middle', () => ({ mode: 'cut', bytes: 10, reset: true })],
    ['B-25', 'a send that comes twice', () => ({ mode: 'duplicate' })],
    ['B-30', 'a send that never leaves', () => ({ mode: 'reset' })],
    ['B-31', 'a send whose answer trickles', () => ({ mode: 'trickle', bytes: 20, ms: 5 })],
    ['B-18', 'a send that is answered with what is no HTTP', () => ({ mode: 'garbage' })],
  ];
  for (const [id, what, fault] of sendFaults) {
    it(`${id}: ${what} is one message, or a marked second one where the platform knows no better`, () =>
      onEach((line) => {
        // What the platform itself would do with the twin is not ours: only Telegram and Discord's reader would see two.
        if (fault(line).mode === 'duplicate' && line.name !== 'matrix' && line.name !== 'webhook')
          return Promise.resolve([]);
        line.proxy.next(1, fault(line), line.sends);
        return faulty.talk(line);
      }));
  }

  it('B-17: errors of a platform that repeat the token are waited out', () =>
    onEach((line) => {
      const body = JSON.stringify({
        ok: false,
        error_code: 500,
        description: `failed for ${line.secrets.join(' ')}`,
        message: line.secrets[0],
        error: line.secrets.at(-1),
      });
      line.proxy.next(
        1,
        {
          mode: 'status',
          status: 500,
          body,
          headers: { 'content-type': 'application/json', 'x-echo': line.secrets[0] ?? '' },
        },
        line.sends,
      );
      return faulty.talk(line);
    }));

  it('B-23: a pause that one chat is told is kept to the letter, while all others go on', async () => {
    const { telegram, lines } = faulty;
    const [first] = lines as [Line];
    const chat = Number(first.config.match(/allowed_chat_ids = \["(\d+)"\]/)?.[1]);
    telegram.chats.limit(chat, 3);
    const limited = faulty.talk(first);
    await Promise.all(lines.slice(1).map((line) => faulty.talk(line)));
    assert.equal(wrongWith(first, await limited), null);
    assert.deepEqual(telegram.violations, [], 'nothing was sent before its time');
  });

  it('B-22: a second poller is waited out, and status says what is wrong', async () => {
    const { telegram, lines } = faulty;
    const [first] = lines as [Line];
    const polls = telegram.calls('getUpdates').length;
    telegram.conflict(conflicts);
    await telegram.until(() => telegram.calls('getUpdates').length > polls + 1);
    const question = `what about ${newMarker()}?`;
    await first.say(question);
    let seen = '';
    while (!/another|other program|second/i.test(seen)) seen = await faulty.get('/api/v1/status');
    assert.equal(wrongWith(first, await faulty.answers(first, question)), null);
  });

  /** Each is about another platform. */
  describe('lines that hang and sockets that go', { concurrency: true }, () => {
    it(
      'B-26: a poll that is never answered is given up, and no second one runs beside it',
      { skip: !thorough },
      async () => {
        const [first] = faulty.lines as [Line];
        first.proxy.next(1, { mode: 'half_open' }, /getUpdates/);
        while ((first.proxy.met.half_open ?? 0) === 0) await sleep(20);
        assert.equal(wrongWith(first, await faulty.talk(first)), null);
        assert.deepEqual(faulty.telegram.violations, []);
      },
    );

    it('B-27: reconnects, invalid sessions and missed heartbeats of a gateway lose nothing that is said meanwhile', async () => {
      const { discord, lines } = faulty;
      const line = lines.find(({ name }) => name === 'discord') as Line;
      const { gateway } = discord;
      const troubles: (() => void)[] = [
        () => gateway.reconnect(),
        () => gateway.invalidate(true),
        () => gateway.close(4000),
        ...(thorough
          ? [
              () => gateway.invalidate(false),
              () => gateway.deafen(),
              () => gateway.close(4009),
              () => gateway.drop(),
              () => gateway.askForHeartbeat(),
            ]
          : []),
      ];
      gateway.most = 0;
      for (const trouble of troubles) {
        trouble();
        assert.equal(wrongWith(line, await faulty.talk(line)), null);
      }
      assert.ok(gateway.most <= 2);
      assert.deepEqual(discord.violations, []);
    });

    it('B-27: a socket that Slack takes away in every way loses nothing that is said meanwhile', async () => {
      const { slack, lines } = faulty;
      const line = lines.find(({ name }) => name === 'slack') as Line;
      for (const trouble of [
        () => slack.server.disconnect('refresh_requested'),
        () => slack.server.disconnect('warning'),
        () => void slack.server.drop(),
      ]) {
        trouble();
        assert.equal(wrongWith(line, await faulty.talk(line)), null);
        assert.ok(slack.connections() <= 2);
      }
    });
  });

  it('B-30: what people say during a partition is answered after it, once, and nothing hammers at the wall', async () => {
    const { lines, discord, slack } = faulty;
    const questions = lines.map(() => `what about ${newMarker()}?`);
    const met = lines.map(({ proxy }) => proxy.connections);
    await Promise.all(lines.map(({ proxy }) => proxy.refuse()));
    discord.gateway.drop();
    await slack.dropConnections();
    const said = lines.map((line, n) => line.say(questions[n] ?? ''));
    await sleep(partitionMs);
    await Promise.all(lines.map(({ proxy }) => proxy.accept()));
    await Promise.all(said);
    const wrong = await Promise.all(
      lines.map(async (line, n) => wrongWith(line, await faulty.answers(line, questions[n] ?? ''))),
    );
    assert.deepEqual(
      wrong.filter((each) => each !== null),
      [],
    );
    for (const [n, { proxy, name }] of lines.entries())
      assert.ok(proxy.connections - (met[n] ?? 0) < 40, `${name} connected ${proxy.connections - (met[n] ?? 0)} times`);
  });

  it('B-26: a line that is dead in the middle of everything is noticed by every channel that asks', () =>
    onEach(async (line) => {
      line.proxy.resetAll();
      return await faulty.talk(line);
    }));

  it('no token of any platform is in the log, in metrics, in answers or in the database', async () => {
    const { dir, discord, slack, telegram } = faulty;
    for (const secret of faulty.lines.flatMap((line) => line.secrets))
      assert.throws(() => clean('a text with one', `token=${secret}.`), 'what would be found is found');
    for (const where of [
      '/metrics',
      '/api/v1/status',
      '/api/v1/config',
      '/api/v1/channels',
      '/api/v1/dead',
      '/api/v1/sessions',
      '/api/v1/people',
      '/openapi.json',
      '/hooks/orders',
      '/api/v1/none',
    ])
      clean(where, await faulty.get(where));
    const file = path.join(dir, 'data/open-clanker.db');
    const database = new DatabaseSync(file, { readOnly: true });
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all() as { name: string }[];
    let rows = 0;
    for (const { name } of tables)
      for (const row of database.prepare(`SELECT * FROM "${name}"`).all()) {
        rows++;
        clean(`table ${name}`, JSON.stringify(row));
      }
    database.close();
    assert.ok(rows > 100, `${rows} rows were looked at`);
    for (const name of readdirSync(path.join(dir, 'data'))) {
      if (name.startsWith('open-clanker.db')) clean(name, readFileSync(path.join(dir, 'data', name), 'latin1'));
    }
    assert.deepEqual([...discord.violations, ...slack.server.workspace.violations, ...telegram.violations], []);
  });
});
