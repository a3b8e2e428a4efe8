import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pacer } from '../../../src/app/delivery/pacer.ts';
import type { ConversationRef } from '../../../src/core/message.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const chat = (native: string, thread?: string): ConversationRef => ({
  channel: 'scripted',
  account: 'main',
  native,
  ...(thread === undefined ? {} : { thread }),
});

function rig(accountPerSecond = 1000) {
  const clock = new VirtualClock();
  return { clock, pacer: new Pacer(clock, { accountPerSecond, conversationPerSecond: 1, groupPerMinute: 20 }) };
}

test('the topics of a chat share its pace, and other chats have their own', () => {
  const { pacer } = rig();
  for (const topic of ['a', 'b', 'c']) assert.equal(pacer.reserve(chat('1', topic), false), 0);
  assert.equal(pacer.reserve(chat('1', 'd'), false), 1000);
  assert.equal(pacer.reserve(chat('2'), false), 0);
});

test('a group has the pace of groups', () => {
  const { pacer } = rig();
  for (let n = 0; n < 5; n++) assert.equal(pacer.reserve(chat('-1'), true), 0);
  assert.equal(pacer.reserve(chat('-1'), true), 3000);
});

test('a turn that was given back can be had again', () => {
  const { pacer } = rig(1);
  assert.equal(pacer.reserve(chat('1'), false), 0);
  pacer.giveBack(chat('1'), false);
  assert.equal(pacer.reserve(chat('2'), false), 0);
  assert.equal(pacer.crowded, false);
  assert.equal(pacer.reserve(chat('3'), false), 1000);
  assert.equal(pacer.crowded, true);
});

test('what a platform asks to wait holds for whom it named, and no later word shortens it', async () => {
  const { pacer, clock } = rig();
  pacer.block(chat('1'), false, 'conversation', 30_000);
  pacer.block(chat('1'), false, 'conversation', 5000);
  await clock.advance(10_000);
  assert.equal(pacer.reserve(chat('1', 'topic'), false), 20_000);
  assert.equal(pacer.spare(chat('1'), false), false);
  assert.equal(pacer.reserve(chat('2'), false), 0);
  pacer.block(chat('2'), false, 'account', 60_000);
  assert.equal(pacer.reserve(chat('3'), false), 60_000);
  assert.equal(pacer.spare(chat('3'), false), false);
  await clock.advance(60_000);
  assert.equal(pacer.reserve(chat('1'), false), 0);
});

test('what may be dropped leaves the last turn of an account to messages', () => {
  const { pacer } = rig(3);
  assert.equal(pacer.spare(chat('1'), false), true);
  assert.equal(pacer.spare(chat('2'), false), true);
  assert.equal(pacer.spare(chat('3'), false), false);
  assert.equal(pacer.reserve(chat('3'), false), 0);
});

test('five thousand chats are kept in mind, and who was served longest ago is forgotten first', () => {
  const { pacer } = rig(100_000);
  for (const native of ['busy', 'quiet']) for (let n = 0; n < 3; n++) pacer.reserve(chat(native), false);
  for (let n = 0; n < 4998; n++) pacer.reserve(chat(String(n)), false);
  assert.ok(pacer.reserve(chat('busy'), false) > 0, 'all are known');
  pacer.reserve(chat('one more'), false);
  assert.equal(pacer.reserve(chat('quiet'), false), 0);
  assert.ok(pacer.reserve(chat('busy'), false) > 0);
});
