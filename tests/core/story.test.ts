import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stories } from '../../src/core/notices/story.ts';
import { storyOf } from '../../src/core/story.ts';
import type { InboxRow } from '../../src/core/ports/inbox-store.ts';
import type { OutboxRow } from '../../src/core/ports/outbox-store.ts';
import type { MessageTrace } from '../../src/core/ports/overview-store.ts';
import type { AttemptRow, RunRow } from '../../src/core/ports/run-store.ts';

const inbox: InboxRow = {
  id: 'msg_1',
  runId: 'run_1',
  kind: 'message',
  channel: 'telegram',
  account: 'main',
  dedupe: '7',
  owner: 'owner',
  sessionKey: 'telegram:main:42',
  conversation: { channel: 'telegram', account: 'main', native: '42' },
  native: '7',
  sender: { native: '42', display: 'Ann' },
  chatType: 'direct',
  text: 'hello',
  attachments: [],
  outside: null,
  state: 'done',
  reason: null,
  bodyHash: null,
  agent: null,
  model: null,
  correlation: 'c',
  receivedAt: 0,
  seq: 1,
  starts: 1,
  error: null,
  finishedAt: 2000,
};
const run: RunRow = {
  id: 'run_1',
  sessionKey: 'telegram:main:42',
  owner: 'owner',
  messageId: 'msg_1',
  state: 'finished',
  starts: 1,
  model: 'openai/x',
  finishReason: 'stop',
  error: null,
  usage: null,
  cost: null,
  replyId: 'm2',
  startedAt: 1000,
  finishedAt: 2000,
};
const attempt: AttemptRow = {
  runId: 'run_1',
  n: 1,
  owner: 'owner',
  provider: 'openai',
  model: 'x',
  startedAt: 1000,
  finishedAt: 1500,
  outcome: 'ok',
  phase: null,
  status: 200,
  detail: null,
  usage: null,
  cost: null,
};
const part: OutboxRow = {
  id: 'out_1',
  idempotencyKey: 'run_1:0',
  runId: 'run_1',
  sessionKey: 'telegram:main:42',
  owner: 'owner',
  conversation: { channel: 'telegram', account: 'main', native: '42' },
  chatType: 'direct',
  replyTo: '7',
  part: 0,
  body: { text: 'hi', spans: [] },
  correlation: 'c',
  createdAt: 1500,
  expiresAt: 9000,
  seq: 1,
  state: 'sent',
  attempts: 1,
  ref: '8',
  resent: false,
  plain: false,
  nextAttemptAt: 1500,
  error: null,
  finishedAt: 2000,
};
const whole: MessageTrace = {
  inbox,
  run,
  attempts: [attempt],
  calls: [],
  outbox: [part],
  feedback: [],
  mergedInto: null,
};
const failure = { kind: 'provider', code: 'provider', message: 'It is down.', retryable: true } as const;

const told: [string, MessageTrace, RegExp][] = [
  ['answered and delivered', whole, /It was answered and delivered\.$/],
  ['answered to an API client', { ...whole, outbox: [] }, /It was answered\.$/],
  [
    'refused',
    { ...whole, run: null, attempts: [], outbox: [], inbox: { ...inbox, state: 'refused', reason: 'not on the list' } },
    /It was refused: not on the list\. Nothing was sent to a model\.$/,
  ],
  [
    'handled',
    { ...whole, inbox: { ...inbox, state: 'handled', reason: 'command /help' } },
    /needed no model: command \/help/,
  ],
  [
    'merged',
    { ...whole, mergedInto: 'msg_2', inbox: { ...inbox, state: 'merged' } },
    /together with msg_2; see: open-clanker why msg_2$/,
  ],
  [
    'waiting',
    { ...whole, run: null, inbox: { ...inbox, state: 'queued', starts: 2 } },
    /waits for its turn\. It was started twice before\.$/,
  ],
  ['working', { ...whole, inbox: { ...inbox, state: 'running' } }, /It is being worked on\.$/],
  [
    'failed',
    { ...whole, inbox: { ...inbox, state: 'failed' }, run: { ...run, error: failure } },
    /It stopped here: It is down\.$/,
  ],
  [
    'dead',
    { ...whole, inbox: { ...inbox, state: 'dead', error: failure }, run: null },
    /given up: It is down\. To try again: open-clanker dead retry msg_1$/,
  ],
  ['crashed in between', { ...whole, run: { ...run, starts: 2 } }, /started twice: the gateway stopped in between/],
  [
    'with calls of tools, between the requests',
    {
      ...whole,
      attempts: [attempt, { ...attempt, n: 2, startedAt: 3000, finishedAt: 3500 }],
      calls: [
        { tool: 'notes_save', outcome: 'done', at: 2000 },
        { tool: 'calculator', outcome: 'failed', at: 2000 },
        { tool: 'send_message', outcome: 'asked', at: 2000 },
      ],
    },
    /Asked[^\n]*\n[^\n]*Called notes_save\.\n[^\n]*calculator; it came to an error\.\n[^\n]*Asked a person whether send_message may be called\.\n[^\n]*Asked openai/,
  ],
  [
    'the answer to a question about a call',
    { ...whole, attempts: [], calls: [{ tool: 'exec', outcome: 'denied', at: 2000 }] },
    /It denied the call of exec\./,
  ],
  ['cut in a model call', { ...whole, attempts: [{ ...attempt, outcome: null }] }, /no outcome was recorded/],
  [
    'refused by the model',
    { ...whole, attempts: [{ ...attempt, outcome: 'auth', status: 401, detail: 'bad key' }] },
    /failed after 500 ms: bad key \(HTTP 401\)/,
  ],
  [
    'undeliverable',
    { ...whole, outbox: [{ ...part, state: 'dead', attempts: 5, error: 'blocked' }] },
    /could not be delivered to telegram:main after 5 attempts: blocked/,
  ],
  [
    'delivered perhaps',
    { ...whole, outbox: [{ ...part, state: 'uncertain', error: 'timeout' }] },
    /whether all arrived is not certain\.$/,
  ],
  ['delivered twice perhaps', { ...whole, outbox: [{ ...part, resent: true }] }, /it may have arrived twice/],
  ['on its way', { ...whole, outbox: [{ ...part, state: 'planned' }] }, /delivery goes on\.$/],
  [
    'stopped by who asked',
    { ...whole, outbox: [], run: { ...run, state: 'aborted' } },
    /It was stopped by who asked\.$/,
  ],
];
for (const [what, trace, expected] of told) {
  test(`the story of a message that was ${what} says so`, () => {
    assert.match(storyOf(trace).join('\n'), expected);
  });
}

for (const [language, words] of Object.entries(stories)) {
  test(`in ${language} every story has as many stations, with nothing missing in them`, () => {
    for (const [what, trace] of told) {
      const story = storyOf(trace, words);
      assert.equal(story.length, storyOf(trace).length, what);
      assert.doesNotMatch(story.join('\n'), /undefined|null|NaN|\[object/, what);
      if (language !== 'en') assert.equal(story.filter((line) => storyOf(trace).includes(line)).length, 0, what);
    }
  });
}
