import type { Channel } from '../../../core/ports/channel.ts';

export function createMattermostChannel(): Channel {
  throw new Error('not built yet');
}
