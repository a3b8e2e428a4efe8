import type { OutboundBody } from '../../core/message.ts';
import { notices, type Words } from '../../core/notices/index.ts';
import type { ChannelCapabilities } from '../../core/ports/channel.ts';

const room = Math.max(...Object.values(notices).map(({ repeated }) => markOf(repeated).length));

/** What is left of a platform's limits for the text itself, so that a repeat can always be marked as one. */
export function withRoomForMark<T extends { maxLength: number }>(limits: T): T {
  const maxLength = limits.maxLength - room;
  return maxLength < room ? limits : { ...limits, maxLength };
}

/** The body of a part that may have arrived already, as far as the platform takes it. */
export function markedAsRepeat(
  body: OutboundBody,
  { maxLength, measure = ({ text }) => text.length }: ChannelCapabilities['text'],
  words: Words,
): OutboundBody {
  const marked = { ...body, text: body.text + markOf(words.repeated) };
  return measure(marked) > maxLength ? body : marked;
}

function markOf(words: string): string {
  return `\n\n${words}`;
}
