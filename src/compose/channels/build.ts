import { notices } from '../../core/notices/index.ts';
import type { ChannelType, ConfiguredChannel } from '../../config/channels.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { HttpClient } from '../../core/ports/http-client.ts';
import type { Random } from '../../core/ports/system.ts';

/** A command as a platform's menu shows it. */
export interface MenuCommand {
  name: string;
  /** English. */
  summary: string;
  /** By ISO 639-1 code, English not among them. */
  translations: Readonly<Record<string, string>>;
}

export const menuOf = (commands: readonly { name: string }[]): MenuCommand[] =>
  commands.map(({ name }) => {
    const { en, ...others } = notices;
    const translations = Object.entries(others).map(([code, { summaries }]) => [code, summaries[name] ?? name]);
    return { name, summary: en.summaries[name] ?? name, translations: Object.fromEntries(translations) };
  });

export interface BuildDeps {
  http: HttpClient;
  random: Random;
  /** For the platform's own menu. */
  commands: MenuCommand[];
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
