import type { Channel } from '../../../core/ports/channel.ts';

export function createSignalChannel(): Channel {
  throw new Error('not built yet');
}
