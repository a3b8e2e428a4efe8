import type { McpServerStatus } from '../../core/ports/gateway.ts';
import type { Labels, Metrics } from '../../core/ports/system.ts';
import type { ToolGroup, ToolSource } from '../../core/ports/tool.ts';
import { groupNames } from './names.ts';
import type { McpServerOptions } from './options.ts';
import type { McpServer, ServerDeps } from './server.ts';

export interface McpDeps extends Omit<ServerDeps, 'calls'> {
  metrics: Metrics;
}

interface Running {
  server: McpServer;
  /** What it was started with, to see a change. */
  options: string;
}

/** The MCP servers of the configuration, as tools. */
export class McpServers implements ToolSource {
  readonly #deps: ServerDeps;
  readonly #running = new Map<string, Running>();
  /** Those that end; a new one of the name may begin beside them. */
  readonly #ending = new Set<Promise<void>>();
  /** Resolves once it is known which servers there are. */
  readonly #known = Promise.withResolvers<void>();

  constructor({ metrics, ...deps }: McpDeps) {
    this.#deps = { ...deps, calls: metrics.counter('mcp_calls_total', 'Calls of tools of MCP servers, by outcome.') };
    const observe = (name: string, help: string, read: (status: McpServerStatus) => number): void =>
      metrics.observe(name, help, () =>
        this.status().map((status): [Labels, number] => [{ server: status.name }, read(status)]),
      );
    observe('mcp_server_up', 'Whether an MCP server is there (1) or not (0).', ({ state }) => (state === 'up' ? 1 : 0));
    observe('mcp_tools', 'Tools that an MCP server offers.', ({ tools }) => tools);
    observe('mcp_restarts_total', 'Times that an MCP server was started again.', ({ restarts }) => restarts);
  }

  /** Makes the servers those of the configuration: what did not change goes on. Does not wait for any of them to start. */
  async configure(options: Readonly<Record<string, McpServerOptions>>): Promise<void> {
    const wanted = Object.entries(options).filter(([, { enabled }]) => enabled);
    const groups = groupNames(wanted.map(([name]) => name));
    const given = new Map(wanted.map(([name, own]) => [name, JSON.stringify([groups.get(name), own])]));
    for (const [name, { server, options: before }] of this.#running) {
      if (given.get(name) === before) continue;
      this.#running.delete(name);
      this.#end(server);
    }
    const fresh = wanted.filter(([name]) => !this.#running.has(name));
    if (fresh.length > 0) {
      const { McpServer: Server } = await import('./server.ts');
      for (const [name, own] of fresh) {
        const server = new Server(name, groups.get(name) ?? name, own, this.#deps);
        this.#running.set(name, { server, options: given.get(name) ?? '' });
        server.start();
      }
    }
    this.#known.resolve();
  }

  groups(): readonly ToolGroup[] {
    return this.#sorted().flatMap(({ server }) => server.group() ?? []);
  }

  async arrived(): Promise<void> {
    await this.#known.promise;
    await Promise.all([...this.#running.values()].map(({ server }) => server.tried));
  }

  status(): McpServerStatus[] {
    return this.#sorted().map(({ server }) => server.status());
  }

  /** Resolves once no program of a server runs any more, which takes about a second at most. */
  async stop(): Promise<void> {
    for (const { server } of this.#running.values()) this.#end(server);
    this.#running.clear();
    await Promise.all(this.#ending);
  }

  #end(server: McpServer): void {
    const ended: Promise<void> = server.stop().finally(() => this.#ending.delete(ended));
    this.#ending.add(ended);
  }

  #sorted(): Running[] {
    return [...this.#running].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, running]) => running);
  }
}
