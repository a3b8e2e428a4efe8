import type { InboundEvent } from '../../core/ports/channel.ts';

/** What of the message that is replied to goes along. */
const maxQuoted = 500;

/** The words of a message, with those it replies to in front: "this one" means nothing without them. */
export function withQuote({ text, quote }: Pick<InboundEvent, 'text' | 'quote'>): string {
  const quoted = quote?.text.trim() ?? '';
  if (quoted === '') return text;
  const shown = quoted.length > maxQuoted ? `${quoted.slice(0, maxQuoted).toWellFormed()}…` : quoted;
  const lines = shown.split('\n').map((line) => `> ${line}`);
  return `[in reply to ${quote?.author ?? ''}]\n${lines.join('\n')}\n\n${text}`;
}
