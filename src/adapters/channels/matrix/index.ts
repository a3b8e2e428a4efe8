import type { Channel } from '../../../core/ports/channel.ts';

export function createMatrixChannel(): Channel {
  throw new Error('not built yet');
}
