import type { Channel } from '../../../core/ports/channel.ts';

export function createEmailChannel(): Channel {
  throw new Error('not built yet');
}
