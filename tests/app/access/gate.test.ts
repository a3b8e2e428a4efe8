import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InboundEvent } from '../../../src/core/ports/channel.ts';
import { said } from '../../support/message-path.ts';
import { accessRig } from './rig.ts';

const kinds = ['message', 'edit', 'reaction', 'action', 'lifecycle'] as const;
const texts = ['hello', '/new', '/stop', '/pair', '/pair ABCD-EFGH', '/pair approve pair_0', '👍', ''];
const stranger = { native: '666', display: 'Mallory', isBot: false };
/** What the gateway asks by itself: for work, and for the way of the one code it tells. */
const own = /^(counts|claim\w+|dueConversations|recordSend)$/;
/** What may be asked of the store for a stranger; everything else would be an effect. */
const harmless = new Set(['identity', 'commitInbound', 'openRequest', 'ownerChats', 'code', 'redeemLink']);

for (const access of ['allowlist', 'pairing'] as const) {
  test(`whatever a stranger does to an account with ${access}, and wherever, nothing happens but that it is counted`, async (t) => {
    const rig = await accessRig(t, { access, users: new Set(['7']), chats: new Set() });
    await rig.says('7', 'a question that must not be touched');
    rig.channel.shown.length = 0;
    rig.failing.calls.length = 0;
    const hits = rig.provider.hits;
    const sink = rig.ingress.sinkFor('scripted', 'main');
    const events: InboundEvent[] = [];
    for (const kind of kinds) {
      for (const text of texts) {
        for (const [type, native] of [
          ['direct', '666'],
          ['group', '-9'],
        ] as const) {
          // A stranger's own chat, a group that is not listed, and the chat of somebody else.
          for (const place of [native, type === 'direct' ? native : '7']) {
            const conversation = { channel: 'scripted', account: 'main', native: place };
            events.push(
              said(text, { kind, sender: stranger, conversation, chat: { type, addressed: true }, movedTo: '-10' }),
            );
          }
        }
      }
    }
    await sink.commit(events);
    const { inboxQueued, inboxRunning, people } = await rig.store.counts(0);
    assert.deepEqual([inboxQueued, inboxRunning, people, rig.provider.hits - hits], [0, 0, 2, 0]);
    const effects = rig.failing.calls.filter((name) => !harmless.has(name) && !own.test(name));
    assert.deepEqual(effects, []);
    await rig.settled();
    const told = rig.channel.shown.map(({ chat }) => chat);
    assert.deepEqual(told, access === 'pairing' ? ['666'] : [], 'at most the one code, where only they read it');
  });
}
