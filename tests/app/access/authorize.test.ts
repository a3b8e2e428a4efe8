import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  allowLine,
  authorize as judge,
  mayWriteTo,
  type AccessMode,
  type AccessPolicy,
  type GroupPolicy,
  type KnownSender,
  type Verdict,
} from '../../../src/app/access/authorize.ts';
import type { InboundEvent } from '../../../src/core/ports/channel.ts';

const policy = (users: string[], chats: string[], more: Partial<AccessPolicy> = {}): AccessPolicy => ({
  users: new Set(users),
  chats: new Set(chats),
  ...more,
});
const kinds = ['message', 'edit', 'reaction', 'action', 'lifecycle'] as const;
const modes: AccessMode[] = ['allowlist', 'pairing', 'open'];
const authorize = (here: AccessPolicy, what: InboundEvent, known: KnownSender | null = null): Verdict =>
  judge(here, what, known);

function event(
  chat: 'direct' | 'group',
  native: string,
  sender: string,
  over: Partial<InboundEvent> = {},
): InboundEvent {
  return {
    dedupe: '1',
    kind: 'message',
    conversation: { channel: 'telegram', account: 'main', native },
    native: '10',
    sender: { native: sender, display: 'Ada', isBot: false },
    chat: { type: chat, addressed: true },
    text: 'hi',
    attachments: [],
    occurredAt: 0,
    ...over,
  };
}

test('empty lists admit nobody', () => {
  assert.equal(authorize(policy([], []), event('direct', '1', '1')).verdict, 'refused');
  assert.equal(authorize(policy([], []), event('group', '-5', '1')).verdict, 'refused');
});

test('a direct chat needs the sender or the chat', () => {
  assert.equal(authorize(policy(['1'], []), event('direct', '1', '1')).verdict, 'admitted');
  assert.equal(authorize(policy([], ['1']), event('direct', '1', '1')).verdict, 'admitted');
  assert.equal(authorize(policy(['2'], ['3']), event('direct', '1', '1')).verdict, 'refused');
});

test('a group needs the chat, and the sender too once users are listed', () => {
  assert.equal(authorize(policy(['1'], []), event('group', '-5', '1')).verdict, 'refused');
  assert.equal(authorize(policy([], ['-5']), event('group', '-5', '9')).verdict, 'admitted');
  assert.equal(authorize(policy(['1'], ['-5']), event('group', '-5', '9')).verdict, 'refused');
  assert.equal(authorize(policy(['1'], ['-5']), event('group', '-5', '1')).verdict, 'admitted');
});

test('every kind of event passes the same gate', () => {
  const stranger = { sender: { native: '2', display: 'Ada', isBot: false } };
  for (const kind of kinds) {
    for (const text of ['hi', '/new', '/pair ABCD-EFGH', '']) {
      const at = (chat: 'direct' | 'group', native: string) => event(chat, native, '2', { kind, text, ...stranger });
      const label = `${kind} ${text}`;
      assert.equal(authorize(policy(['1'], []), at('direct', '2')).verdict, 'refused', label);
      assert.equal(authorize(policy(['1'], [], { access: 'pairing' }), at('direct', '2')).verdict, 'refused', label);
      assert.equal(authorize(policy([], []), at('group', '-5')).verdict, 'refused', label);
      const inGroup = authorize(policy(['1'], ['-5']), at('group', '-5')).verdict;
      // What happens to a listed chat itself is told by whoever did it.
      assert.equal(inGroup, kind === 'lifecycle' ? 'admitted' : 'refused', label);
      assert.equal(
        authorize(policy([], ['-5'], { groupPolicy: 'never' }), at('group', '-5')).verdict,
        'ignored',
        label,
      );
      assert.equal(authorize(policy(['2'], []), at('direct', '2')).verdict, 'admitted', label);
    }
  }
});

test('bots and what is not addressed to us leave no trace', () => {
  const bot = event('direct', '1', '1', { sender: { native: '1', display: 'Bot', isBot: true } });
  assert.equal(authorize(policy(['1'], []), bot).verdict, 'ignored');
  const chatter = event('group', '-5', '1', { chat: { type: 'group', addressed: false } });
  assert.equal(authorize(policy([], ['-5']), chatter).verdict, 'ignored');
});

test('the line that would admit a refused sender keeps those who are in already', () => {
  const refused = {
    channel: 'telegram',
    account: 'main',
    sender: '42',
    conversation: '42',
    reason: 'sender is not in allowed_user_ids',
  };
  assert.equal(allowLine(policy(['7'], []), refused), '[channels.telegram] allowed_user_ids = [7, 42]');
  const group = { ...refused, account: 'work', conversation: '-100', reason: 'group is not in allowed_chat_ids' };
  assert.equal(allowLine(policy([], []), group), '[channels.telegram.accounts.work] allowed_chat_ids = [-100]');
});

test('a webhook stands in the configuration under its own name', () => {
  const refused = { channel: 'webhook', account: 'sms', sender: 'anna', conversation: 'anna', reason: 'sender' };
  assert.equal(allowLine(policy([], []), refused), '[channels.webhook.sms] allowed_user_ids = ["anna"]');
});

const approved: KnownSender = { person: 'p', role: 'member', admitted: true };

test('an approval counts where approving is a way in, and only for oneself and in direct chats', () => {
  for (const access of modes) {
    const here = policy([], ['-5'], { access });
    const verdict = (sender: KnownSender | null) => authorize(here, event('direct', '9', '9'), sender).verdict;
    assert.equal(verdict(approved), access === 'allowlist' ? 'refused' : 'admitted', access);
    assert.equal(verdict({ ...approved, admitted: false }), access === 'open' ? 'admitted' : 'refused', access);
  }
  const users = policy(['1'], ['-5'], { access: 'pairing' });
  assert.equal(authorize(users, event('group', '-6', '9'), approved).verdict, 'refused');
  assert.equal(authorize(users, event('group', '-5', '9'), approved).verdict, 'refused');
});

test('only a stranger in a direct chat of a pairing account may ask to be let in', () => {
  const asks = (access: AccessMode, chat: 'direct' | 'group'): boolean => {
    const verdict = authorize(policy([], [], { access }), event(chat, '9', '9'), null);
    return verdict.verdict === 'refused' && verdict.mayPair;
  };
  assert.deepEqual(
    modes.flatMap((access) => [asks(access, 'direct'), asks(access, 'group')]),
    [false, false, true, false, false, false],
  );
});

test('a role is the one the store knows, else listed people are members and all others guests', () => {
  const roleOf = (here: AccessPolicy, what: InboundEvent, known: KnownSender | null = null): string => {
    const verdict = authorize(here, what, known);
    return verdict.verdict === 'admitted' ? verdict.role : verdict.verdict;
  };
  assert.equal(roleOf(policy(['9'], []), event('direct', '9', '9')), 'member');
  assert.equal(roleOf(policy([], ['9']), event('direct', '9', '9')), 'member');
  assert.equal(roleOf(policy([], [], { access: 'open' }), event('direct', '9', '9')), 'guest');
  assert.equal(roleOf(policy([], ['-5']), event('group', '-5', '9')), 'guest');
  assert.equal(roleOf(policy(['9'], ['-5']), event('group', '-5', '9')), 'member');
  assert.equal(roleOf(policy([], ['-5']), event('group', '-5', '9'), { ...approved, role: 'owner' }), 'owner');
  assert.equal(roleOf(policy(['9'], []), event('direct', '9', '9'), { ...approved, role: 'guest' }), 'member');
  const open = policy([], [], { access: 'open' });
  assert.equal(roleOf(open, event('direct', '9', '9'), { ...approved, role: 'guest' }), 'guest');
});

test('a group is answered when addressed, always or never, as its own line says before that of all', () => {
  const heard = (groupPolicy: GroupPolicy, groups: [string, GroupPolicy][], addressed: boolean, text = 'hi'): string =>
    authorize(
      policy([], ['-5', '80'], { groupPolicy, groups: new Map(groups) }),
      event('group', '-5', '9', { text, chat: { type: 'group', addressed, parents: ['80', '90'] } }),
    ).verdict;
  assert.equal(heard('mention', [], false), 'ignored');
  assert.equal(heard('mention', [], true), 'admitted');
  assert.equal(heard('always', [], false), 'admitted');
  assert.equal(heard('always', [], false, '/new@other_bot'), 'ignored');
  assert.equal(heard('always', [], true, '/new@me and @other_bot'), 'admitted');
  assert.equal(heard('always', [['-5', 'mention']], false), 'ignored');
  assert.equal(heard('never', [['-5', 'always']], false), 'admitted');
  assert.equal(heard('always', [['-5', 'never']], true), 'ignored');
  assert.equal(heard('mention', [['90', 'always']], false), 'admitted');
  assert.equal(
    heard(
      'mention',
      [
        ['90', 'always'],
        ['80', 'never'],
      ],
      true,
    ),
    'ignored',
  );
});

test('a list may name what a group is part of', () => {
  const inGuild = event('group', '70', '9', { chat: { type: 'group', addressed: true, parents: ['80', '90'] } });
  assert.equal(authorize(policy([], ['90']), inGuild).verdict, 'admitted');
  assert.equal(authorize(policy([], ['80']), inGuild).verdict, 'admitted');
  assert.equal(authorize(policy([], ['91']), inGuild).verdict, 'refused');
});

test('unasked we write to whom the lists name, whom an owner let in, and in an open account to everybody', () => {
  const verdicts = modes.map((access) => {
    const here = policy(['1'], ['-5'], { access });
    return [
      mayWriteTo(here, '1', null),
      mayWriteTo(here, '-5', null),
      mayWriteTo(here, '9', approved),
      mayWriteTo(here, '9', null),
    ];
  });
  assert.deepEqual(verdicts, [
    [true, true, false, false],
    [true, true, true, false],
    [true, true, true, true],
  ]);
});
