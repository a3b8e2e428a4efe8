/** A gateway in memory behind the inward port, for tests of the surfaces that call it: all its parts, and how it fares. */
import { systemClock } from '../../src/adapters/system/index.ts';
import { notFound } from '../../src/core/errors.ts';
import type { HookRequest, HookResponse } from '../../src/core/ports/channel.ts';
import type {
  ChannelStatus,
  DeadLetter,
  Gateway,
  GatewayStatus,
  Readiness,
  StoredFile,
} from '../../src/core/ports/gateway.ts';
import type { Listed, ListOptions } from '../../src/core/ports/listed.ts';
import type { Principal } from '../../src/core/principal.ts';
import { page } from './paging.ts';
import { ScriptedPeople, telegram } from './scripted-people.ts';

export class ScriptedGateway extends ScriptedPeople implements Gateway {
  /** What a test may look at or set. */
  ready = true;
  readonly hooks: { name: string; request: HookRequest }[] = [];
  /** What channels answer to hooks; nobody takes any until a test says so. */
  onHook: (name: string, request: HookRequest) => HookResponse | null | Promise<HookResponse> = () => null;
  readonly files = new Map<string, { person: string; bytes: Buffer }>();
  readonly letters = new Map<string, DeadLetter>();

  constructor() {
    super();
    this.addDead('dead-1');
  }

  addDead(id: string): void {
    this.letters.set(id, {
      id,
      kind: 'outbox',
      channel: 'telegram:main',
      sessionKey: 'telegram:main:42',
      text: 'hello',
      reason: 'blocked',
      attempts: 5,
      at: this.startedAt,
    });
  }

  async hook(name: string, request: HookRequest): Promise<HookResponse | null> {
    this.hooks.push({ name, request });
    return this.onHook(name, request);
  }

  async saveFile(principal: Principal, mimeType: string, body: AsyncIterable<Uint8Array>): Promise<StoredFile> {
    const chunks: Uint8Array[] = [];
    for await (const chunk of body) chunks.push(chunk);
    const id = this.mintId('file');
    const bytes = Buffer.concat(chunks);
    this.files.set(id, { person: principal.person, bytes });
    return { id, mimeType, size: bytes.length };
  }

  async dead(_: Principal, options: ListOptions): Promise<Listed<DeadLetter>> {
    return page([...this.letters.values()], options);
  }

  async deadLetter(_: Principal, id: string): Promise<DeadLetter> {
    const letter = this.letters.get(id);
    if (letter === undefined) throw notFound('dead letter');
    return letter;
  }

  async retryDead(principal: Principal, id: string): Promise<void> {
    await this.deadLetter(principal, id);
    this.letters.delete(id);
  }

  async clearDead(principal: Principal, id?: string): Promise<number> {
    const before = this.letters.size;
    if (id === undefined) this.letters.clear();
    else await this.retryDead(principal, id);
    return before - this.letters.size;
  }

  async channelAction(_: Principal, id: string, action: 'start' | 'stop' | 'pause' | 'resume'): Promise<ChannelStatus> {
    if (id !== telegram.id) throw notFound('channel');
    return { ...telegram, paused: action === 'pause' };
  }

  async reloadConfig(): Promise<{ changed: string[] }> {
    return { changed: [] };
  }

  async config(): Promise<{ key: string; value: unknown; source: string }[]> {
    return [{ key: 'server.port', value: 18_789, source: 'default' }];
  }

  async status(): Promise<GatewayStatus> {
    const { channels, providers, warnings, uptimeMs } = await this.readiness();
    return {
      version: '0.0.0-test',
      pid: process.pid,
      startedAt: this.startedAt,
      uptimeMs,
      model: { name: 'demo/demo', source: 'built in' },
      channels,
      providers,
      mcp: [],
      queues: { inbox: 0, running: this.activeRuns, outbox: 0, uncertain: 0, dead: this.letters.size },
      sessions: this.sessionCount,
      schedule: { enabled: true, jobs: 0, nextDueAt: null, queued: 0, running: 0, failed: 0 },
      memory: { rssBytes: 1, heapBytes: 1 },
      eventLoopDelayMs: { p50: 0, p99: 0, max: 0 },
      refused: [],
      waiting: 0,
      configError: null,
      warnings,
    };
  }

  async readiness(): Promise<Readiness> {
    return {
      ready: this.ready,
      failing: this.ready ? [] : ['store'],
      warnings: ['the demo model answers'],
      uptimeMs: systemClock.now() - this.startedAt,
      channels: [telegram],
      providers: [
        {
          id: 'demo',
          dialect: 'demo',
          model: 'demo',
          state: 'up',
          detail: '',
          cooldownUntil: null,
          active: this.activeRuns,
        },
      ],
    };
  }

  async refreshFigures(): Promise<void> {}
}
