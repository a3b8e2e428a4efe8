import type { Channel } from '../../../core/ports/channel.ts';

export function createSlackChannel(): Channel {
  throw new Error('not built yet');
}
