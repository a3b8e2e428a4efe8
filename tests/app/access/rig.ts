/** The message path with people in it: an owner (8), a listed member (7), and strangers. */
import type { TestContext } from 'node:test';
import { systemClock } from '../../../src/adapters/system/index.ts';
import type { AccessPolicy } from '../../../src/app/access/authorize.ts';
import type { InboundEvent } from '../../../src/core/ports/channel.ts';
import type { PersonRole } from '../../../src/core/principal.ts';
import { hasty, messagePath, said } from '../../support/message-path.ts';

export const hour = 3_600_000;
export const codePattern = /\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b/;

export async function accessRig(t: TestContext, policy: Partial<AccessPolicy> = {}) {
  const full = { access: 'pairing', users: new Set(['7', '8']), chats: new Set(['-1']), ...policy } as const;
  const path = await messagePath(t, undefined, { policy: full });
  path.attach();
  const { store } = path;
  const chatOf = (native: string) => ({ channel: 'scripted', account: 'main', native });

  /** Everything that was asked is answered, and everything that was planned is out. */
  async function settled(): Promise<void> {
    for (;;) {
      const { inboxQueued, inboxRunning, outboxPending } = await store.counts(0);
      if (inboxQueued + inboxRunning + outboxPending === 0) return;
      await systemClock.sleep(1);
    }
  }
  const texts = (chat: string): string[] =>
    path.channel.shown.filter((shown) => shown.chat === chat).map((shown) => shown.texts.at(-1) ?? '');

  return {
    ...path,
    settled,
    /** What a reader of the chat sees, oldest first. */
    texts,
    /** Time passes. */
    pass: (ms: number): void => hasty.pass(ms),
    /** Somebody who is a person already. */
    async known(native: string, person: string, role: PersonRole): Promise<void> {
      const row = { id: person, name: person, role, language: null, createdAt: path.clock.now() };
      await store.ensureIdentity(
        { ...chatOf(native), display: `name of ${native}`, conversation: chatOf(native) },
        row,
      );
      path.directory.forget();
    },
    /** Somebody writes in their direct chat; resolves with what they are told then. */
    async says(native: string, text: string, more: Partial<InboundEvent> = {}): Promise<string[]> {
      const chat = (more.conversation ?? chatOf(native)).native;
      const before = texts(chat).length;
      const sender = { native, display: `name of ${native}`, isBot: false };
      const event = said(text, { sender, conversation: chatOf(native), ...more });
      await path.ingress.sinkFor('scripted', 'main').commit([event]);
      await settled();
      return texts(chat).slice(before);
    },
    /** The code in the last of some texts. */
    codeIn: (shown: string[]): string => codePattern.exec(shown.at(-1) ?? '')?.[0] ?? '',
  };
}

export const inGroup = {
  chat: { type: 'group' as const, addressed: true },
  conversation: { channel: 'scripted', account: 'main', native: '-1' },
};
