import type { Channel } from '../../../core/ports/channel.ts';

export function createWhatsAppChannel(): Channel {
  throw new Error('not built yet');
}
