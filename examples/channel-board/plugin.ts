/** The same channel as a plugin: what stands in `[channels.NAME]` for one of ours comes by `[plugins.board.options]`. */
import type { PluginHost, PluginParts } from 'open-clanker/plugin';
import { Secret } from '../../src/core/secret.ts';
import { BoardChannel } from './index.ts';

export function activate({ options, http, random }: PluginHost): PluginParts {
  const { token, api_root: apiRoot } = options;
  if (typeof token !== 'string') throw new Error('options.token is missing; it takes the token of the board');
  if (typeof apiRoot !== 'string') throw new Error('options.api_root is missing; it takes the address of the board');
  if (http === undefined) throw new Error('the manifest does not ask for "network"');
  return { channel: () => new BoardChannel({ account: 'main', token: new Secret(token), apiRoot, http, random }) };
}
