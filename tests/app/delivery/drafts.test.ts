/** Replies that show as a draft while they are written. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createMarkdown } from '../../../src/adapters/markdown/index.ts';
import { ReplyStream } from '../../../src/app/delivery/reply-stream.ts';
import type { OutboundPart, SendOutcome } from '../../../src/core/ports/channel.ts';
import type { NewOutbound, OutboxRow } from '../../../src/core/ports/outbox-store.ts';
import { messagePath } from '../../support/message-path.ts';

const conversation = { channel: 'scripted', account: 'main', native: '7' };
const opening = 'Once upon a time there was a gateway';

async function rig(t: TestContext, refusal: SendOutcome | null = null) {
  const path = await messagePath(t);
  const drafts: { key: string; text: string }[] = [];
  Object.assign(path.channel, {
    draft: ({ idempotencyKey, body }: OutboundPart): Promise<SendOutcome> => {
      drafts.push({ key: idempotencyKey, text: body.text });
      return Promise.resolve(refusal ?? { ok: true, ref: '' });
    },
  });
  path.attach();
  const row: NewOutbound = {
    id: 'out_1',
    idempotencyKey: 'run_1:0',
    runId: 'run_1',
    sessionKey: null,
    owner: 'owner',
    conversation,
    chatType: 'direct',
    replyTo: null,
    part: 0,
    body: { text: '', spans: [] },
    correlation: 'msg_1',
    createdAt: path.clock.now(),
    expiresAt: path.clock.now() + 3_600_000,
  };
  const deps = { ...path, markdown: createMarkdown(), crash: () => undefined };
  const streamOf = (over: Partial<NewOutbound> = {}, left: OutboxRow | null = null): ReplyStream =>
    new ReplyStream(deps, left ?? { ...row, ...over }, left, true);
  const until = async (done: () => boolean): Promise<void> => {
    while (!done()) await path.clock.sleep(50);
  };
  return { ...path, row, drafts, streamOf, until };
}

test('a draft grows under one key, opens no row and makes no message', async (t) => {
  const { drafts, streamOf, until, channel, store, row } = await rig(t);
  const stream = streamOf();
  stream.push(opening);
  await until(() => drafts.length === 1);
  assert.equal(stream.visible, true);
  stream.push(' that went on');
  await until(() => drafts.length === 2);
  assert.equal(await stream.settle(), `${opening} that went on`);
  assert.deepEqual(
    drafts.map(({ key, text }) => [key, text]),
    [
      ['run_1:0', opening],
      ['run_1:0', `${opening} that went on`],
    ],
  );
  assert.deepEqual([channel.shown, await store.outbound(row.id)], [[], null]);
});

test('a draft that is refused is followed by a message that grows', async (t) => {
  const refused: SendOutcome = { ok: false, kind: 'refused', code: 'forbidden', detail: 'no drafts here' };
  const { drafts, streamOf, until, channel } = await rig(t, refused);
  const stream = streamOf();
  stream.push(opening);
  await until(() => channel.shown.length === 1);
  stream.push(' and on');
  await until(() => channel.shown[0]?.texts.length === 2);
  await stream.settle();
  assert.equal(drafts.length, 1);
});

test('in a group, and where an earlier start began a message, there are no drafts', async (t) => {
  const { drafts, streamOf, until, channel, store, row } = await rig(t);
  const inGroup = streamOf({ chatType: 'group', conversation: { ...conversation, native: '-1' } });
  inGroup.push(opening);
  await until(() => channel.shown.length === 1);
  await inGroup.settle();
  const opened = await store.openStream({ ...row, id: 'out_2', idempotencyKey: 'run_2:0' });
  assert.ok(opened);
  channel.shown.push({ chat: '7', ref: '77', texts: ['Once'] });
  const continued = streamOf({}, { ...opened, ref: '77' });
  continued.push(opening);
  await until(() => channel.shown[1]?.texts.length === 2);
  await continued.settle();
  assert.deepEqual(drafts, []);
});
