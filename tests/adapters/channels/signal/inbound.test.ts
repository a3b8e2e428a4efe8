import assert from 'node:assert/strict';
import test from 'node:test';
import { translate } from '../../../../src/adapters/channels/signal/inbound.ts';
import type { InboundEvent } from '../../../../src/core/ports/channel.ts';

const bot = { number: '+15550000000', uuid: '00000000-0000-4000-8000-00000000b070' };
const ada = { number: '+15550000001', uuid: '00000000-0000-4000-8000-000000000001' };
const context = { account: 'main', number: bot.number, aci: bot.uuid, listed: new Set<string>() };
const groupInfo = { groupId: 'EdSqI90cS0UomDpgUXOlCoObWvQOXlH5G3Z2d3f4ayE=', groupName: 'Us' };

function envelope(more: object, about = context): InboundEvent | null {
  const whole = { sourceNumber: ada.number, sourceUuid: ada.uuid, sourceName: 'Ada', timestamp: 7, ...more };
  const translated = translate({ envelope: whole }, about);
  assert.ok(translated.ok, JSON.stringify(translated));
  return translated.event;
}

const say = (message: string, more: object = {}): InboundEvent | null =>
  envelope({ dataMessage: { timestamp: 7, message, ...more } });

test('people are known by their account id, or by their number where that is listed', () => {
  const listed = { ...context, listed: new Set([ada.number]) };
  const dataMessage = { timestamp: 7, message: 'x' };
  const ids = [
    envelope({ dataMessage }),
    envelope({ dataMessage }, listed),
    envelope({ dataMessage, sourceUuid: undefined }),
    envelope({ dataMessage, sourceNumber: undefined }, listed),
  ].map((event) => [event?.sender.native, event?.conversation.native]);
  assert.deepEqual(ids, [
    [ada.uuid, ada.uuid],
    [ada.number, ada.number],
    [ada.number, ada.number],
    [ada.uuid, ada.uuid],
  ]);
});

test('a message has one key, whichever id its author is known by', () => {
  const dataMessage = { timestamp: 7, message: 'x' };
  const listed = { ...context, listed: new Set([ada.number]) };
  assert.equal(envelope({ dataMessage })?.dedupe, envelope({ dataMessage }, listed)?.dedupe);
});

test('in a group being addressed is a mention, an answer to us or a command', () => {
  const at = (start: number, who: object): object => ({
    groupInfo,
    mentions: [{ start, length: 1, name: 'Bot', ...who }],
  });
  const cases: [InboundEvent | null, string, boolean][] = [
    [say('hello', { groupInfo }), 'hello', false],
    [say('\ufffc hello', at(0, { number: bot.number })), 'hello', true],
    [say('hey \ufffc, hello', at(4, { uuid: bot.uuid })), 'hey @Bot, hello', true],
    [say('\ufffc', at(0, { number: bot.number })), '@Bot', true],
    [say('\ufffc hello', at(0, { number: ada.number })), '@Bot hello', false],
    [say('hello', { groupInfo, quote: { authorNumber: bot.number } }), 'hello', true],
    [say('hello', { groupInfo, quote: { authorUuid: ada.uuid } }), 'hello', false],
    [say('/new', { groupInfo }), '/new', true],
    [say('@Bot hello', { groupInfo }), '@Bot hello', false],
  ];
  for (const [event, text, addressed] of cases)
    assert.deepEqual([event?.text, event?.chat.addressed, event?.chat.title], [text, addressed, 'Us'], text);
});

test('edits and reactions name their message; one of ours by the id it was sent under', () => {
  const edit = envelope({ editMessage: { targetSentTimestamp: 5, dataMessage: { timestamp: 9, message: 'new' } } });
  assert.deepEqual([edit?.kind, edit?.native, edit?.text], ['edit', `5:${ada.uuid}`, 'new']);
  const reaction = { emoji: '👍', targetSentTimestamp: 5, targetAuthorNumber: bot.number, isRemove: false };
  const given = say('', { reaction });
  assert.deepEqual([given?.kind, given?.native, given?.text], ['reaction', '5', '👍']);
  assert.equal(say('', { reaction: { ...reaction, isRemove: true } })?.text, '');
  const other = say('', { groupInfo, reaction: { ...reaction, targetAuthorNumber: ada.number } });
  assert.deepEqual([other?.native, other?.chat.addressed], [`5:${ada.number}`, false]);
});

test('what nobody said leaves no event', () => {
  assert.equal(envelope({ receiptMessage: {} }), null);
  assert.equal(envelope({ typingMessage: {} }), null);
  assert.equal(envelope({ syncMessage: { sentMessage: { message: 'mine' } } }), null);
  assert.equal(envelope({ sourceNumber: bot.number, dataMessage: { timestamp: 7, message: 'to myself' } }), null);
  assert.equal(say('', { groupInfo: { ...groupInfo, type: 'UPDATE' } }), null);
  assert.equal(say('', { remoteDelete: { timestamp: 5 } }), null);
  assert.equal(say('', { expiresInSeconds: 60, isExpirationUpdate: true }), null);
});

test('files, stickers and contacts are something said', () => {
  const attachments = [{ id: 'a b.png', contentType: 'image/png', size: 5, filename: 'cat.png' }, { id: 7 }];
  const file = say('', { attachments });
  assert.deepEqual(
    [file?.text, file?.attachments],
    ['[file]', [{ native: `a%20b.png ${ada.uuid}`, mimeType: 'image/png', size: 5, name: 'cat.png' }]],
  );
  assert.equal(say('', { sticker: { emoji: '😀' } })?.text, '[sticker 😀]');
  assert.equal(say('', { contacts: [{}] })?.text, '[contact]');
});
