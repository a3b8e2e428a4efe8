import { nameOf } from '../access/names.ts';
import type { InboundEvent } from '../../core/ports/channel.ts';

/** What of the message that is replied to goes along. */
const maxQuoted = 500;
/** A code that we told somebody is no business of a model, nor of the history. */
const offeredCode = /\/pair\s+[0-9A-Z]{4}-[0-9A-Z]{4}\b/gi;

/** The words of a message, with those it replies to in front: "this one" means nothing without them. */
export function withQuote({ text, quote }: Pick<InboundEvent, 'text' | 'quote'>): string {
  const quoted = quote?.text.trim() ?? '';
  if (quoted === '') return text;
  const shown = quoted.length > maxQuoted ? `${quoted.slice(0, maxQuoted).toWellFormed()}…` : quoted;
  const lines = shown
    .replaceAll(offeredCode, '/pair …')
    .split(/\r\n|[\n\r\u2028\u2029]/)
    .map((line) => `> ${line}`);
  const author = nameOf(quote?.author ?? '').replaceAll(/[[\]]/g, '');
  return `[in reply to ${author}]\n${lines.join('\n')}\n\n${text}`;
}

/** Where a text comes from that its sender did not write, or not all of it; null: it is their own. */
export function passedOn({ conversation, chat, forwarded, quote }: InboundEvent): string | null {
  if (forwarded === true) return 'a forwarded message';
  if (conversation.channel === 'email') return 'mail';
  // Alone with us, what is replied to is theirs or ours.
  return chat.type === 'group' && quote !== undefined ? 'a quoted message' : null;
}
