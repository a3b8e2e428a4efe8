import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { type PluginStatus, PluginSet, type WantedPlugin } from '../../../src/adapters/plugins/index.ts';
import { systemClock, systemRandom } from '../../../src/adapters/system/index.ts';
import type { JsonObject } from '../../../src/core/message.ts';
import type { HttpClient } from '../../../src/core/ports/http-client.ts';
import type { ToolCall, ToolOutput } from '../../../src/core/ports/tool.ts';
import { KeptLog } from '../../support/door.ts';

export const http = { request: () => Promise.reject(new Error('no network here')) } as HttpClient;

export const manifestOf = (name: string, change: object = {}): string =>
  JSON.stringify({
    name,
    version: '1.0.0',
    api: 1,
    entry: 'index.mjs',
    capabilities: ['tool'],
    description: 'A test.',
    ...change,
  });

export const toolCode = (run = '() => "done"', more = ''): string => `
export const activate = (host) => ({
  tools: { about: 'Tests', keywords: ['Test'], tools: [{
    name: 'try', description: 'Tries.', effects: ['read'], parameters: { type: 'object', properties: { text: { type: 'string', maxLength: 5 } }, required: ['text'] },
    run: ${run}, ${more}
  }] },
});`;

export interface Rig {
  dir: string;
  set: PluginSet;
  log: KeptLog;
  /** Writes a plugin; its folder. */
  plugin: (name: string, code: string, manifest?: object) => string;
  want: (name: string, change?: Partial<WantedPlugin>) => WantedPlugin;
  status: (name: string) => PluginStatus | undefined;
  call: (tool: string, args: JsonObject, signal?: AbortSignal) => Promise<ToolOutput>;
}

export function pluginRig(t: TestContext, more: { loadMs?: number } = {}): Rig {
  const dir = mkdtempSync(path.join(tmpdir(), 'clanker-plugins-'));
  const log = new KeptLog();
  const set = new PluginSet({
    clock: systemClock,
    random: systemRandom,
    log,
    http,
    folder: path.join(dir, 'data'),
    ...more,
  });
  t.after(async () => {
    await set.stop(1000);
    rmSync(dir, { recursive: true, force: true });
  });
  const folder = (name: string): string => path.join(dir, name);
  return {
    dir,
    set,
    log,
    plugin(name, code, manifest = {}) {
      mkdirSync(folder(name), { recursive: true });
      writeFileSync(path.join(folder(name), 'open-clanker.plugin.json'), manifestOf(name, manifest));
      writeFileSync(path.join(folder(name), 'index.mjs'), code);
      chmodSync(folder(name), 0o755);
      return folder(name);
    },
    want: (name, change = {}) => ({
      name,
      path: folder(name),
      grant: ['tool', 'provider', 'channel', 'network', 'files'],
      sha256: null,
      options: {},
      fingerprint: JSON.stringify(change),
      ...change,
    }),
    status: (name) => set.status().find((each) => each.name === name),
    async call(name, args, signal = new AbortController().signal) {
      const tool = set
        .groups()
        .flatMap(({ tools }) => tools)
        .find((each) => each.name === name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      const prepared = tool.prepare(args);
      if ('problem' in prepared) return { text: prepared.problem, isError: true };
      return prepared.run({ person: 'per_1', role: 'member', channel: 'api', signal } as ToolCall);
    },
  };
}
