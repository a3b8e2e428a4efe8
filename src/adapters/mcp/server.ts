import type { JsonObject, OutboundFile } from '../../core/message.ts';
import type { McpServerStatus } from '../../core/ports/gateway.ts';
import type { HttpClient } from '../../core/ports/http-client.ts';
import type { Clock, Counter, Log, Random } from '../../core/ports/system.ts';
import type { Tool, ToolCall, ToolGroup, ToolOutput } from '../../core/ports/tool.ts';
import { excerpt } from '../../core/redact.ts';
import type { Connection } from './connection.ts';
import { environmentFor } from './environment.ts';
import { HttpTransport, NotStreamable } from './http.ts';
import type { McpServerOptions } from './options.ts';
import { outputOf } from './result.ts';
import { oneLine } from './schema.ts';
import { SseTransport } from './sse.ts';
import { StdioTransport } from './stdio.ts';
import { offeredTools } from './tools.ts';

const firstPauseMs = 1000;
const maxPauseMs = 5 * 60_000;
/** A server that was there for this long begins with the first pause again. */
const steadyMs = 60_000;
const pingMs = 5000;
/** However often a server says that its tools changed, they are listed once in this time. */
const relistMs = 2000;
const maxCallsAtOnce = 32;
const maxDetail = 200;
/** Of what a server gave as its reason for refusing a call; the model may mend the call by it. */
const maxReason = 500;

export interface ServerDeps {
  http: HttpClient;
  clock: Clock;
  random: Random;
  log: Log;
  version: string;
  /** The environment of the gateway; a few names of it are passed on to programs. */
  env: Readonly<NodeJS.ProcessEnv>;
  /** Stores a file of a person. */
  keepFile: (owner: string, mimeType: string, bytes: Uint8Array) => Promise<OutboundFile>;
  calls: Counter;
}

type OurTransport = StdioTransport | HttpTransport | SseTransport;

/** One server: started, listened to, started again when it ends, with growing pauses. Nobody ever waits for it. */
export class McpServer {
  readonly #name: string;
  readonly #group: string;
  readonly #options: McpServerOptions;
  readonly #deps: ServerDeps;
  readonly #log: Log;
  readonly #stopping = new AbortController();
  readonly #tried = Promise.withResolvers<void>();
  #life: Promise<void> = Promise.resolve();
  #connection: Connection | null = null;
  #transport: OurTransport | null = null;
  #tools: readonly Tool[] = [];
  #state: McpServerStatus['state'] = 'starting';
  #detail = '';
  #restarts = 0;
  #calls = 0;
  #failedCalls = 0;
  #callsNow = 0;
  #changed = false;
  #following = false;
  #pinging = false;

  constructor(name: string, group: string, options: McpServerOptions, deps: ServerDeps) {
    this.#name = name;
    this.#group = group;
    this.#options = options;
    this.#deps = deps;
    this.#log = deps.log.with({ component: 'mcp', server: name });
  }

  start(): void {
    this.#life = this.#live(this.#stopping.signal);
  }

  /** Resolves once nothing of it runs any more. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('stopped'));
    this.#tools = [];
    await this.#transport?.close();
    await this.#life;
  }

  /** Resolves when it is there for the first time, or could not be started. */
  get tried(): Promise<void> {
    return this.#tried.promise;
  }

  /** Null while it offers nothing. */
  group(): ToolGroup | null {
    if (this.#tools.length === 0) return null;
    const { about, keywords } = this.#options;
    return {
      name: this.#group,
      about: about ?? `tools of ${this.#name}`,
      keywords: keywords.length > 0 ? keywords.map((word) => word.toLowerCase()) : wordsOf(this.#name),
      tools: this.#tools,
    };
  }

  status(): McpServerStatus {
    return {
      name: this.#name,
      state: this.#state,
      detail: this.#detail,
      tools: this.#tools.length,
      restarts: this.#restarts,
      calls: this.#calls,
      failedCalls: this.#failedCalls,
    };
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps;
    let failures = 0;
    while (!signal.aborted) {
      const begun = clock.monotonic();
      const reason = await this.#connected(signal);
      if (signal.aborted) return;
      failures = clock.monotonic() - begun > steadyMs ? 1 : failures + 1;
      const ceiling = Math.min(maxPauseMs, firstPauseMs * 2 ** (failures - 1));
      // At least half of the pause, so that a herd spreads and none of it hurries.
      const pause = Math.ceil(ceiling * (0.5 + random.unit() / 2));
      this.#state = 'waiting';
      this.#detail = excerpt(oneLine(reason), maxDetail);
      this.#log.warn('an MCP server is not there; it is started again after a pause', {
        reason: this.#detail,
        pause_ms: pause,
      });
      await clock.sleep(pause, signal).catch(() => undefined);
      this.#restarts++;
    }
  }

  /** One life of it, from its start to its end. Resolves with why it ended. */
  async #connected(signal: AbortSignal): Promise<string> {
    this.#state = 'starting';
    try {
      const { ended } = await this.#open(signal);
      await this.#relist();
      if (this.#transport === null) return 'it is gone';
      this.#state = 'up';
      this.#detail = '';
      this.#tried.resolve();
      this.#log.info('an MCP server is there', { tools: this.#tools.length });
      await ended;
      return this.#transport.reason;
    } catch (error) {
      return this.#why(error);
    } finally {
      this.#tried.resolve();
      this.#connection = null;
      this.#tools = [];
      await this.#transport?.close();
      this.#transport = null;
    }
  }

  /** Resolves with what ends with the connection. */
  async #open(signal: AbortSignal): Promise<{ ended: Promise<void> }> {
    const first = this.#newTransport();
    try {
      return await this.#introduce(first, signal);
    } catch (error) {
      if (!(error instanceof NotStreamable)) throw error;
      await first.close();
      return await this.#introduce(this.#httpTransport(SseTransport), signal);
    }
  }

  async #introduce(transport: OurTransport, signal: AbortSignal): Promise<{ ended: Promise<void> }> {
    // The library is a quarter of a megabyte of code; whoever has no server never loads it.
    const { connect } = await import('./connection.ts');
    signal.throwIfAborted();
    this.#transport = transport;
    const { promise: ended, resolve: onClose } = Promise.withResolvers<void>();
    this.#connection = await connect(transport, {
      version: this.#deps.version,
      timeoutMs: this.#options.timeout,
      signal,
      onClose,
      onToolsChanged: () => void this.#follow(),
      onOdd: (error) =>
        this.#log.trace('an MCP server sent something odd', { reason: error.message.slice(0, maxDetail) }),
    });
    return { ended };
  }

  #newTransport(): StdioTransport | HttpTransport {
    const { command, args, env, cwd } = this.#options;
    if (command === undefined) return this.#httpTransport(HttpTransport);
    const { clock } = this.#deps;
    return new StdioTransport({ command, args, env: environmentFor(this.#deps.env, env), cwd, clock, log: this.#log });
  }

  #httpTransport<T>(Kind: new (options: ConstructorParameters<typeof HttpTransport>[0]) => T): T {
    const { url = '', headers } = this.#options;
    const { http, clock } = this.#deps;
    return new Kind({ url, headers, http, clock });
  }

  async #relist(): Promise<void> {
    const connection = this.#connection;
    if (connection === null) return;
    const listed = await connection.list(this.#options.timeout);
    // Ended meanwhile: what it said of itself holds no more.
    if (this.#connection !== connection) return;
    const { tools, leftOut } = offeredTools(listed, this.#group, this.#options, (tool, args, call) =>
      this.#call(tool, args, call),
    );
    this.#tools = tools;
    if (leftOut.length > 0) {
      const fields = { count: leftOut.length, first: leftOut.slice(0, 5) };
      this.#log.warn('tools of an MCP server are left out', fields);
    }
  }

  /** Lists anew after a pause, in which further changes are waited for; one listing at a time. */
  async #follow(): Promise<void> {
    const { signal } = this.#stopping;
    this.#changed = true;
    if (this.#following) return;
    this.#following = true;
    try {
      while (this.#changed && !signal.aborted) {
        await this.#deps.clock.sleep(relistMs, signal);
        this.#changed = false;
        await this.#relist();
      }
    } catch (error) {
      if (!signal.aborted) this.#log.warn('the tools of an MCP server could not be listed', { error });
    } finally {
      this.#following = false;
    }
  }

  async #call(tool: string, args: JsonObject, call: ToolCall): Promise<ToolOutput> {
    const connection = this.#connection;
    if (connection === null || this.#callsNow >= maxCallsAtOnce) {
      return this.#failed(connection === null ? 'it is not there at the moment' : 'it has too much to do');
    }
    this.#callsNow++;
    try {
      const { timeout: timeoutMs } = this.#options;
      const result = await connection.call(tool, args, { signal: call.signal, timeoutMs });
      const output = await outputOf(result, this.#name, (mimeType, bytes) =>
        this.#deps.keepFile(call.person, mimeType, bytes),
      );
      this.#count(output.isError === true ? 'error' : 'ok');
      return output;
    } catch (error) {
      if (this.#connection !== null) void this.#suspect();
      return this.#failed(this.#why(error));
    } finally {
      this.#callsNow--;
    }
  }

  /** Of a connection that closed the transport knows the reason. */
  #why(error: unknown): string {
    if (!(error instanceof Error)) return 'unknown error';
    return error.message === 'Connection closed' && this.#transport !== null ? this.#transport.reason : error.message;
  }

  #count(outcome: 'ok' | 'error' | 'failed'): void {
    this.#calls++;
    if (outcome === 'failed') this.#failedCalls++;
    this.#deps.calls.add(1, { server: this.#name, outcome });
  }

  #failed(reason: string): ToolOutput {
    this.#count('failed');
    const words = excerpt(oneLine(reason), maxReason);
    return {
      text: `The MCP server "${this.#name}" gave no result: ${words}`,
      isError: true,
      outside: `mcp ${this.#name}`,
    };
  }

  /** It let somebody down: one that does not even answer a ping is ended, and so its tools are gone. */
  async #suspect(): Promise<void> {
    const transport = this.#transport;
    if (this.#pinging || this.#connection === null || transport === null) return;
    this.#pinging = true;
    try {
      await this.#connection.ping(Math.min(pingMs, this.#options.timeout));
    } catch {
      if (transport === this.#transport) {
        transport.reason = 'it does not answer';
        await transport.close();
      }
    } finally {
      this.#pinging = false;
    }
  }
}

/** Of `github-issues`: `github`, `issues`; shorter words would be found in any sentence. */
const wordsOf = (name: string): string[] => name.split(/[-_]/).filter((word) => word.length > 3);
