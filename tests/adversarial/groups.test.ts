/** Several people in one conversation: whose rights hold when their messages meet in one run, or in one history. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { defineTool } from '../../src/core/define-tool.ts';
import type { Effect, Tool } from '../../src/core/ports/tool.ts';
import { answering, asking, calling, calls, defaultPolicy, inGroup } from '../support/asking.ts';
import { said } from '../support/message-path.ts';
import { finish, start, text } from '../support/scripted-provider.ts';

const policy = { access: 'open', users: new Set<string>(), chats: new Set(['-1']) } as const;
/** Taint decides nothing: what is left is the role. */
const untainted = { ...defaultPolicy, base: { ...defaultPolicy.base, tainted: 'allow' } } as const;

for (const [who, done] of [
  [['9', '7'], []],
  [['7', '7'], ['buy']],
] as const) {
  test(`messages of ${who.join(' and ')} that are answered together have the rights of the least of them`, async (t) => {
    const go = Promise.withResolvers<void>();
    const slow = [start, text('one moment'), { until: go.promise }, finish];
    const rig = await asking(t, [answering('hello'), slow, calling(calls('buy')), answering('done')], {
      policy,
      queueMode: 'collect',
      toolPolicy: untainted,
    });
    await rig.say('hello', inGroup('7'));
    await rig.setRole('7', 'owner');
    const sink = rig.ingress.sinkFor('scripted', 'main');
    await sink.commit([said('wait', inGroup('7'))]);
    await rig.event('run.delta', ({ text: words }) => words === 'one moment');
    const receipts = await sink.commit(who.map((native) => said('do buy it', inGroup(native))));
    go.resolve();
    const [first] = receipts ?? [];
    await rig.event('run.finished', ({ answer }) => answer.message_id === first?.messageId);
    assert.deepEqual(
      rig.done.map((what) => what.split(' ')[0]),
      done,
    );
  });
}

test('what somebody else writes while a run is at work does not join it, and has the rights of who wrote it', async (t) => {
  const [began, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const bought: string[] = [];
  const tool = (name: string, effect: Effect, run: () => Promise<void>): Tool =>
    defineTool({
      name,
      description: name,
      effects: [effect],
      role: 'guest',
      input: () => z.strictObject({}),
      run: async () => {
        await run();
        return { text: 'done' };
      },
    });
  const slow = tool('slow', 'read', () => {
    began.resolve();
    return go.promise;
  });
  const buy = tool('buy', 'spend', async () => void bought.push('something'));
  const scripts = [
    answering('hello'),
    calling(calls('slow')),
    answering('slowly'),
    calling(calls('buy')),
    answering('no'),
  ];
  const groups = [{ name: 'deeds', about: 'deeds', keywords: ['do'], tools: [slow, buy] }];
  const rig = await asking(t, scripts, { policy, queueMode: 'steer', toolPolicy: untainted, groups });
  await rig.say('hello', inGroup('7'));
  await rig.setRole('7', 'owner');
  const sink = rig.ingress.sinkFor('scripted', 'main');
  await sink.commit([said('do it slowly', inGroup('7'))]);
  await began.promise;
  const receipts = await sink.commit([said('do buy it', inGroup('9'))]);
  go.resolve();
  await rig.event('run.finished', ({ answer }) => answer.message_id === receipts?.[0]?.messageId);
  assert.equal(rig.provider.hits, 5, 'it is answered by a run of its own');
  assert.deepEqual(bought, [], 'in which a guest buys nothing');
});

test('a summary of what one person of a group wrote is outside text for the others', async (t) => {
  const long = 'the plan is as follows, word by word and in full. '.repeat(600);
  const limits = { timeoutMs: 600_000, steps: 5, callsPerStep: 4, cost: null, contextTokens: 16_000 };
  const rig = await asking(
    t,
    [
      answering('noted'),
      answering('noted'),
      // The summary is made in a run of the very person whose words it stands for.
      answering('They want the plan to be followed.'),
      ...Array.from({ length: 4 }, () => answering('noted')),
      calling(calls('save', { text: 'x' })),
    ],
    { policy, agent: { historyWindow: 2, limits } },
  );
  for (const words of [long, long, 'that is all']) await rig.say(words, inGroup('9'));
  for (const words of ['one', 'two', 'three']) await rig.say(words, inGroup('7'));
  await rig.setRole('7', 'owner');
  await rig.say('do save it', inGroup('7'));
  const read = JSON.stringify(rig.provider.requests.at(-1)?.messages);
  assert.ok(read.includes('They want the plan to be followed.'));
  assert.ok(!read.includes('word by word') && !read.includes('that is all'), 'the words themselves are gone');
  assert.deepEqual(rig.done, []);
  assert.equal((await rig.questions())[0]?.tool, 'save');
});
