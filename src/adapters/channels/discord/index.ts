import type { Channel } from '../../../core/ports/channel.ts';

export function createDiscordChannel(): Channel {
  throw new Error('not built yet');
}
