/** The example channel as a plugin keeps the promises of every channel: what contains a plugin takes nothing from it. */
import path from 'node:path';
import { after } from 'node:test';
import { PluginSet } from '../../src/adapters/plugins/index.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { conformance } from '../support/conformance.ts';
import { CountedMetrics, KeptLog } from '../support/door.ts';
import { Board } from './board-server.ts';

const log = new KeptLog();
const http = createHttpClient({ log, metrics: new CountedMetrics() });
const plugins = new PluginSet({ clock: systemClock, random: systemRandom, log, http, folder: '/nonexistent' });
const folder = path.join(import.meta.dirname, '../../examples/channel-board');
after(() => plugins.stop(1000));

conformance('the example board as a plugin', () =>
  Board.open(async ({ apiRoot, token }) => {
    const options = { token: token.reveal(), api_root: apiRoot };
    const grant = ['channel', 'network'];
    await plugins.configure([{ name: 'board', path: folder, grant, sha256: null, options, fingerprint: apiRoot }]);
    return plugins.channel('board');
  }),
);
