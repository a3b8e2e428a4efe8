import type { Channel } from '../../../core/ports/channel.ts';

export function createWebhookChannel(): Channel {
  throw new Error('not built yet');
}
