/** What people are told about being let in, as rows of the outbox. Names of strangers are data: no markup, no controls. */
import type { MintId } from '../../core/ids.ts';
import type { Button, ConversationRef } from '../../core/message.ts';
import type { ChannelCapabilities } from '../../core/ports/channel.ts';
import type { Identity } from '../../core/ports/people-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Words } from '../../core/notices/index.ts';
import { ownerPerson } from '../../core/principal.ts';
import { plainText } from '../../core/rich-text.ts';
import { splitRich } from '../../core/split.ts';
import { withRoomForMark } from '../delivery/repeat-mark.ts';
import { codeLifeMs, showCode } from './codes.ts';
import { nameOf } from './names.ts';

export interface Notice {
  text: string;
  buttons?: Button[];
  sensitive?: true;
}

export const whoIs = (display: string, { channel, account, native }: Identity): string =>
  `${nameOf(display)} (id ${nameOf(native)} on ${channel}:${account})`;

export function askNotice(code: string, { access }: Words): Notice {
  const shown = showCode(code);
  const text = access.ask({
    code: shown,
    approve: `/pair approve ${shown}`,
    command: `open-clanker pairing approve ${shown}`,
  });
  return { text, sensitive: true };
}

export const knockNotice = (who: string, id: string, { access }: Words): Notice => ({
  text: access.knock(who),
  buttons: [
    { label: access.letIn, command: `/pair approve ${id}` },
    { label: access.reject, command: `/pair reject ${id}` },
  ],
});

export interface NoticeDeps {
  clock: Clock;
  mintId: MintId;
  /** What the account can show. */
  limits: (channel: string, account: string) => { text: ChannelCapabilities['text']; buttons?: boolean };
}

/** `key` is unique for each thing that is told. */
export function noticeRows(key: string, to: ConversationRef, notice: Notice, deps: NoticeDeps): NewOutbound[] {
  const { clock, mintId, limits } = deps;
  const { text, buttons = [], sensitive } = notice;
  const now = clock.now();
  const { text: textLimits, buttons: canPress = false } = limits(to.channel, to.account);
  const commands = canPress ? [] : buttons.map(({ label, command }) => `${label}: ${command}`);
  const parts = splitRich(plainText([text, ...commands].join('\n')), withRoomForMark(textLimits));
  return parts.map((body, part) => ({
    id: mintId('out'),
    idempotencyKey: `${key}:${part}`,
    runId: null,
    sessionKey: null,
    owner: ownerPerson,
    conversation: to,
    chatType: 'direct',
    replyTo: null,
    part,
    body: {
      ...body,
      ...(canPress && buttons.length > 0 && part === parts.length - 1 ? { buttons } : {}),
      ...(sensitive === undefined ? {} : { sensitive }),
    },
    correlation: key,
    createdAt: now,
    expiresAt: now + codeLifeMs,
  }));
}
