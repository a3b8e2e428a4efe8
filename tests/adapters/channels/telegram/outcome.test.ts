import assert from 'node:assert/strict';
import test from 'node:test';
import { TelegramApi } from '../../../../src/adapters/channels/telegram/api.ts';
import { failedOutcome } from '../../../../src/adapters/channels/telegram/outcome.ts';
import type { Attempt } from '../../../../src/adapters/channels/telegram/outcome.ts';
import type { HttpClient } from '../../../../src/core/ports/http-client.ts';
import { Secret } from '../../../../src/core/secret.ts';
import { httpBody } from '../../../support/http-body.ts';

function outcome(code: number, description: string, extra: object = {}, attempt: Attempt = 'send'): string {
  const accepted = code >= 500 || code === 0 ? 'maybe' : 'no';
  const failure = { ok: false as const, code, description, accepted, retryAfterMs: null, migratedTo: null } as const;
  const result = failedOutcome({ ...failure, tooLarge: false, foreign: false, ...extra }, attempt);
  return result.kind === 'refused' ? `refused ${result.code}` : result.kind;
}

test('each answer of the platform becomes the one outcome delivery must act on', () => {
  const cases: [string, number, string, object?][] = [
    ['rate_limited', 429, 'Too Many Requests: retry after 5', { retryAfterMs: 5000 }],
    ['moved', 400, 'Bad Request: group chat was upgraded to a supergroup chat', { migratedTo: '-100' }],
    ['bad_format', 400, "Bad Request: can't parse entities: Unsupported start tag"],
    ['bad_format', 400, 'Bad Request: ENTITY_TEXTURL_INVALID'],
    ['refused too_long', 400, 'Bad Request: message is too long'],
    ['refused empty', 400, 'Bad Request: message text is empty'],
    ['refused chat_not_found', 400, 'Bad Request: chat not found'],
    ['refused thread_gone', 400, 'Bad Request: message thread not found'],
    ['refused not_allowed', 400, 'Bad Request: not enough rights to send text messages to the chat'],
    ['refused bad_request', 400, 'Bad Request: something new'],
    ['refused blocked', 403, 'Forbidden: bot was blocked by the user'],
    ['refused kicked', 403, 'Forbidden: bot was kicked from the supergroup chat'],
    ['refused deactivated', 403, 'Forbidden: user is deactivated'],
    ['refused not_started', 403, "Forbidden: bot can't initiate conversation with a user"],
    ['refused forbidden', 403, 'Forbidden: something new'],
    ['refused bad_token', 401, 'Unauthorized'],
    ['refused bad_token', 404, 'Not Found'],
    ['unreachable', 404, 'HTTP 404 without an answer of Telegram', { foreign: true }],
    ['transient', 409, 'Conflict'],
    ['ambiguous', 500, 'Internal Server Error: restart'],
    ['ambiguous', 502, 'HTTP 502 without an answer of Telegram'],
    ['ambiguous', 0, 'sendMessage failed: ECONNRESET'],
    ['unreachable', 0, 'sendMessage failed: ECONNREFUSED', { accepted: 'no' }],
  ];
  for (const [expected, code, description, extra] of cases) {
    assert.equal(outcome(code, description, extra), expected, description);
  }
});

test('an edit is never ambiguous: done twice is done once', () => {
  assert.equal(outcome(0, 'reset', {}, 'edit'), 'transient');
  assert.equal(outcome(502, 'bad gateway', {}, 'edit'), 'transient');
  assert.equal(outcome(400, 'Bad Request: message to edit not found', {}, 'edit'), 'refused edit_gone');
  assert.equal(outcome(400, "Bad Request: message can't be edited", {}, 'edit'), 'refused edit_gone');
});

test('B-23: a wait is passed on as long as it was told, and never as nothing', () => {
  const failure = {
    ok: false as const,
    code: 429,
    description: 'x',
    accepted: 'no',
    migratedTo: null,
    tooLarge: false,
    foreign: false,
  } as const;
  for (const [told, waits] of [
    [37_000, 37_000],
    [null, 5000],
  ] as const) {
    const result = failedOutcome({ ...failure, retryAfterMs: told }, 'send');
    assert.ok(result.kind === 'rate_limited' && result.retryAfterMs === waits && result.scope === 'conversation');
  }
});

/** The API over a server that answers as it is told, and what it was asked for. */
function apiOver(status: number, answer: object): { api: TelegramApi; urls: string[] } {
  const urls: string[] = [];
  async function* body(): AsyncGenerator<Uint8Array> {
    yield Buffer.from(JSON.stringify(answer));
  }
  const http: HttpClient = {
    request: ({ url }) => {
      urls.push(url);
      return Promise.resolve({ status, headers: {}, body: httpBody(body()) });
    },
  };
  return { api: new TelegramApi(http, 'https://api.example.org', new Secret('1:token')), urls };
}

test('a failure that the front of the platform tells may come after the message was sent', async () => {
  const tell = async (error_code: number): Promise<string | null> => {
    const { api } = apiOver(error_code, { ok: false, error_code, description: 'Bad Gateway' });
    const answer = await api.call('sendMessage', {}, new AbortController().signal);
    return answer.ok ? null : failedOutcome(answer, 'send').kind;
  };
  assert.equal(await tell(502), 'ambiguous');
  assert.equal(await tell(500), 'ambiguous');
  assert.equal(await tell(400), 'refused');
});

test('the path of a file never leaves the place of files', async () => {
  const { api, urls } = apiOver(200, {});
  await api.file('../../bot1:token/./logOut', new AbortController().signal);
  await api.file('photos/a b?c#d.jpg', new AbortController().signal);
  assert.deepEqual(urls, [
    'https://api.example.org/file/bot1:token/bot1%3Atoken/logOut',
    'https://api.example.org/file/bot1:token/photos/a%20b%3Fc%23d.jpg',
  ]);
});
