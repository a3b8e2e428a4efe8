import type { Command } from '../../app/commands/registry.ts';
import type { ChannelType, ConfiguredChannel } from '../../config/channels.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { HttpClient } from '../../core/ports/http-client.ts';
import type { Random } from '../../core/ports/system.ts';

export interface BuildDeps {
  http: HttpClient;
  random: Random;
  /** For the platform's own menu. */
  commands: Command[];
}

/** From the options of one account to its channel. */
export type Build<T extends ChannelType> = (
  account: string,
  options: ConfiguredChannel<T>,
  deps: BuildDeps,
) => {
  /** When a reload changes any of these, the account is begun anew; who may talk is asked for each message. */
  restartOn: unknown[];
  /** Loads the adapter, a chunk of its own. */
  create: () => Promise<Channel>;
};
