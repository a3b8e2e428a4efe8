import assert from 'node:assert/strict';
import test from 'node:test';
import { DiscordApi } from '../../../../src/adapters/channels/discord/api.ts';
import { Places } from '../../../../src/adapters/channels/discord/places.ts';
import { HttpFailure } from '../../../../src/core/ports/http-client.ts';
import type { HttpClient } from '../../../../src/core/ports/http-client.ts';
import { httpBody } from '../../../support/http-body.ts';
import { Secret } from '../../../../src/core/secret.ts';

const [guild, channel, thread] = ['900000000000000001', '900000000000000002', '900000000000000003'];

/** An API that fails as listed, then tells where the thread lies. */
function apiAfter(failures: (number | 'network')[]): DiscordApi {
  const http: HttpClient = {
    request() {
      const failure = failures.shift();
      if (failure === 'network') return Promise.reject(new HttpFailure('connect', 'no', 'ECONNRESET', 'reset'));
      const told = failure === undefined ? { id: thread, guild_id: guild, parent_id: channel, name: 'a thread' } : {};
      const bytes = new TextEncoder().encode(JSON.stringify(told));
      const body = (async function* () {
        yield await Promise.resolve(bytes);
      })();
      return Promise.resolve({ status: failure ?? 200, headers: {}, body: httpBody(body) });
    },
  };
  return new DiscordApi(http, 'http://127.0.0.1:1/api', new Secret('token'));
}

test('where a thread lies is asked again when Discord fails: without its channel nobody in it would be let in', async () => {
  const places = new Places(apiAfter(['network', 500]), new AbortController().signal);
  assert.equal((await places.find(thread))?.parent, channel);
});

test('what Discord does not tell is not asked for again', async () => {
  const failures = [403, 403];
  const places = new Places(apiAfter(failures), new AbortController().signal);
  assert.equal(await places.find(thread), null);
  assert.equal(failures.length, 1);
});
