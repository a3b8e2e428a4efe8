import type { OutboundBody } from '../../core/message.ts';

const mark = '\n\n(sent again after an interruption)';

/** What is left of a platform's limits for the text itself, so that a repeat can always be marked as one. */
export function withRoomForMark<T extends { maxLength: number }>(limits: T): T {
  const maxLength = limits.maxLength - mark.length;
  return maxLength < mark.length ? limits : { ...limits, maxLength };
}

/** The body of a part that may have arrived already, as far as the platform takes it. */
export const markedAsRepeat = (body: OutboundBody, maxLength: number): OutboundBody =>
  body.text.length + mark.length > maxLength ? body : { ...body, text: body.text + mark };
