/** MCP servers as the gateway has them, with pauses that do not last and a log that can be waited for. */
import path from 'node:path';
import type { TestContext } from 'node:test';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { McpServers } from '../../src/adapters/mcp/index.ts';
import { type McpServerOptions, mcpOptions } from '../../src/adapters/mcp/options.ts';
import { systemClock, systemRandom } from '../../src/adapters/system/index.ts';
import type { JsonObject } from '../../src/core/message.ts';
import type { Clock, Metrics } from '../../src/core/ports/system.ts';
import type { Tool, ToolCall, ToolOutput } from '../../src/core/ports/tool.ts';
import { CountedMetrics, KeptLog } from './door.ts';

type Written = Record<string, Partial<McpServerOptions> | Record<string, unknown>>;

export interface McpRig {
  servers: McpServers;
  log: KeptLog;
  metrics: CountedMetrics;
  /** Milliseconds of every pause that was asked for. */
  pauses: number[];
  /** Files that were kept, with their owners. */
  kept: { owner: string; mimeType: string; size: number }[];
  configure(written: Written): Promise<void>;
  /** Resolves when the server is there. */
  up(name: string): Promise<void>;
  until(holds: () => boolean): Promise<void>;
  tool(name: string): Tool;
  call(name: string, args?: JsonObject, more?: Partial<ToolCall>): Promise<ToolOutput>;
}

export const program = (name: string): string => path.join(import.meta.dirname, name);
export const rogue = (...args: string[]): { command: string; args: string[]; timeout: string } => ({
  command: process.execPath,
  args: [program('mcp-rogue.ts'), ...args],
  timeout: '10s',
});

export const toolCall = (more: Partial<ToolCall> = {}): ToolCall => ({
  id: 'call_1',
  runId: 'run_1',
  person: 'ada',
  role: 'member',
  agent: null,
  depth: 0,
  sessionKey: 'api:ada:main',
  channel: 'api',
  account: 'main',
  conversation: null,
  chatType: 'direct',
  language: null,
  signal: new AbortController().signal,
  ...more,
});

const longestWaitMs = 60_000;

export function openMcp(
  t: TestContext,
  options: { env?: NodeJS.ProcessEnv; clock?: Partial<Clock>; metrics?: Metrics } = {},
): McpRig {
  const log = new KeptLog();
  const metrics = new CountedMetrics();
  const http = createHttpClient({ log, metrics });
  const pauses: number[] = [];
  const kept: McpRig['kept'] = [];
  const clock: Clock = {
    ...systemClock,
    sleep(ms, signal) {
      pauses.push(ms);
      return systemClock.sleep(Math.min(ms, 20), signal);
    },
    ...options.clock,
  };
  const servers = new McpServers({
    http,
    clock,
    random: systemRandom,
    log,
    metrics: options.metrics ?? metrics,
    version: '0.0.0',
    env: options.env ?? process.env,
    keepFile(owner, mimeType, bytes) {
      kept.push({ owner, mimeType, size: bytes.length });
      return Promise.resolve({ id: `file_${kept.length}`, mimeType, size: bytes.length });
    },
  });
  t.after(async () => {
    await servers.stop();
    http.close();
  });
  const until = async (holds: () => boolean): Promise<void> => {
    const begun = performance.now();
    while (!holds()) {
      if (performance.now() - begun > longestWaitMs) {
        throw new Error(`waited in vain: ${JSON.stringify(servers.status())} ${JSON.stringify(log.lines.slice(-10))}`);
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  };
  const tool = (name: string): Tool => {
    const found = servers.groups().flatMap(({ tools }) => tools.filter((one) => one.name === name));
    if (found[0] === undefined) throw new Error(`There is no tool ${name}.`);
    return found[0];
  };
  return {
    servers,
    log,
    metrics,
    pauses,
    kept,
    configure: (written) => servers.configure(mcpOptions().parse({ servers: written }).servers),
    up: (name) => until(() => servers.status().some((one) => one.name === name && one.state === 'up')),
    until,
    tool,
    call(name, args = {}, more = {}) {
      const prepared = tool(name).prepare(args);
      if ('problem' in prepared) return Promise.resolve({ text: prepared.problem, isError: true });
      return prepared.run(toolCall(more));
    },
  };
}
