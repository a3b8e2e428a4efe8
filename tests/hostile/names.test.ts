/** B-29: names that do not resolve, on every channel that asks: no tight loop, no end, and back as soon as they do. */
import assert from 'node:assert/strict';
import type { LookupFunction } from 'node:net';
import { test, type TestContext } from 'node:test';
import { createDiscordChannel } from '../../src/adapters/channels/discord/index.ts';
import { createMatrixChannel } from '../../src/adapters/channels/matrix/index.ts';
import { createSlackChannel } from '../../src/adapters/channels/slack/index.ts';
import { createTelegramChannel } from '../../src/adapters/channels/telegram/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { Channel } from '../../src/core/ports/channel.ts';
import type { HttpClient } from '../../src/core/ports/http-client.ts';
import { Secret } from '../../src/core/secret.ts';
import { HastyClock, KeepingSink } from '../support/discord-rig.ts';
import { startDiscordServer } from '../support/discord-server.ts';
import { CountedMetrics, KeptLog } from '../support/door.ts';
import { MatrixServer } from '../support/matrix-server.ts';
import { SlackServer, tokens } from '../support/slack-server.ts';
import { startTelegramServer } from '../support/telegram-server.ts';

const failures = 8;
const patienceMs = 60_000;

/** A channel whose platform is known under a name; `url` is where the platform really is. */
type Platform = (t: TestContext) => Promise<{ url: string; channel: (http: HttpClient, url: string) => Channel }>;

/** Counts the pauses of a second and more that were slept to their end: deadlines that were kept are none. */
class PausingClock extends HastyClock {
  pauses = 0;

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    await super.sleep(ms, signal);
    if (ms >= 1000) this.pauses++;
  }
}

const random = systemRandom;
const account = 'main';

const platforms: Record<string, Platform> = {
  telegram: async (t) => {
    const server = await startTelegramServer();
    t.after(() => server.close());
    const token = new Secret(server.botToken);
    return {
      url: server.apiRoot,
      channel: (http, apiRoot) => createTelegramChannel({ account, token, apiRoot, http, random, pollTimeoutMs: 1000 }),
    };
  },
  discord: async (t) => {
    const server = await startDiscordServer();
    t.after(() => server.close());
    const token = new Secret(server.token);
    return {
      url: server.apiRoot,
      channel: (http, apiRoot) => createDiscordChannel({ account, token, apiRoot, http, random }),
    };
  },
  slack: async (t) => {
    const server = await new SlackServer().listen();
    t.after(() => server.close());
    const [botToken, appToken] = [new Secret(tokens.bot), new Secret(tokens.app)];
    return {
      url: server.apiRoot,
      channel: (http, apiRoot) => createSlackChannel({ account, botToken, appToken, apiRoot, http, random }),
    };
  },
  matrix: async (t) => {
    const server = await new MatrixServer().listen();
    t.after(() => server.close());
    const token = new Secret(server.token);
    return {
      url: server.url,
      channel: (http, homeserver) =>
        createMatrixChannel({ account, homeserver, token, joins: () => false, http, random }),
    };
  },
};

for (const [name, start] of Object.entries(platforms)) {
  test(`B-29: ${name} waits out a name that does not resolve, and one that flaps, under once a second`, async (t) => {
    const { url, channel: make } = await start(t);
    let lookups = 0;
    const resolver: LookupFunction = (_host, options, callback) => {
      lookups++;
      // Nothing at first, then every other time.
      const fails = lookups <= failures || (lookups < failures * 2 && lookups % 2 === 0);
      if (fails) return callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), '', 4);
      if (options.all === true) return callback(null, [{ address: '127.0.0.1', family: 4 }]);
      return callback(null, '127.0.0.1', 4);
    };
    const log = new KeptLog();
    const http = createHttpClient({ log, metrics: new CountedMetrics(), resolver });
    const clock = new PausingClock(100);
    const channel = make(http, url.replace('127.0.0.1', 'platform.example'));
    const stop = new AbortController();
    t.after(async () => {
      await channel.stop(2000);
      stop.abort();
      http.close();
    });
    channel.start(new KeepingSink(), { signal: stop.signal, cursors: new Map(), clock, log });
    const until = async (what: string, condition: () => boolean): Promise<void> => {
      const deadline = performance.now() + patienceMs;
      while (!condition()) {
        if (performance.now() > deadline) throw new Error(`${what}: ${JSON.stringify([channel.health(), lookups])}`);
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    };
    await until('it says so', () => channel.health().state === 'degraded');
    assert.match(channel.health().detail, /ENOTFOUND|resolve|reach/i);
    await until('it tries on', () => lookups >= failures);
    assert.ok(clock.pauses >= failures - 2, `${lookups} look-ups in ${clock.pauses} pauses`);
    await until('it is back', () => channel.health().state === 'connected');
  });
}
