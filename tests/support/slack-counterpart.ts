/** The strict Slack as a Counterpart, over Socket Mode or over HTTP events. */
import { createHmac } from 'node:crypto';
import { createSlackChannel } from '../../src/adapters/channels/slack/index.ts';
import type { SlackChannelOptions } from '../../src/adapters/channels/slack/index.ts';
import { createHttpClient } from '../../src/adapters/http-client/index.ts';
import { systemRandom } from '../../src/adapters/system/index.ts';
import type { ConversationRef } from '../../src/core/message.ts';
import type { Channel, HookRequest, HookResponse } from '../../src/core/ports/channel.ts';
import { Secret } from '../../src/core/secret.ts';
import type { Counterpart, Fault, Place, Shown } from './counterpart.ts';
import { CountedMetrics, KeptLog } from './door.ts';
import { describe, SlackServer, tokens } from './slack-server.ts';
import type { CallFault, Envelope } from './slack-server.ts';
import { bot, people, team } from './slack-workspace.ts';
import type { File } from './slack-workspace.ts';

export const chats = { one: 'D0000000001', two: 'D0000000002', group: 'C0000000001' } as const;

const sending = /^chat\.(postMessage|update|startStream|appendStream|stopStream)$|^files\.completeUploadExternal$/;

const faults: Record<Fault, CallFault> = {
  rate_limited: { kind: 'rate_limited', seconds: 1 },
  server_error: { kind: 'status', status: 502 },
  answer_lost: { kind: 'lost' },
  forbidden: { kind: 'error', error: 'restricted_action' },
  bad_token: { kind: 'error', error: 'token_revoked' },
};

/** How often Slack delivers an event again that was not taken. */
const deliveries = 4;

export class SlackCounterpart implements Counterpart {
  readonly groups = true;
  readonly secrets: string[];
  readonly server: SlackServer;
  readonly log = new KeptLog();
  /** Takes what Slack delivers over HTTP instead of the channel; resolves with the status of the answer. */
  through: ((body: string, contentType: string) => Promise<number>) | null = null;
  readonly #mode: 'socket' | 'http';
  readonly #http;
  #channel: Channel | null = null;
  #last: Envelope | null = null;
  #events = 1;

  private constructor(server: SlackServer, mode: 'socket' | 'http') {
    this.server = server;
    this.#mode = mode;
    // The signing secret is none of a gateway that was never given it.
    this.secrets = [tokens.bot, mode === 'socket' ? tokens.app : tokens.signing];
    this.#http = createHttpClient({ log: this.log, metrics: new CountedMetrics() });
  }

  static async start(mode: 'socket' | 'http'): Promise<SlackCounterpart> {
    return new SlackCounterpart(await new SlackServer().listen(), mode);
  }

  channel(more: Partial<SlackChannelOptions> = {}): Promise<Channel> {
    this.#channel = createSlackChannel({
      account: 'main',
      botToken: new Secret(tokens.bot),
      ...(this.#mode === 'socket'
        ? { appToken: new Secret(tokens.app) }
        : { signingSecret: new Secret(tokens.signing) }),
      apiRoot: this.server.apiRoot,
      http: this.#http,
      random: systemRandom,
      commands: ['help', 'new', 'status'],
      ...more,
    });
    return Promise.resolve(this.#channel);
  }

  conversation({ sender = 'one', chat = 'direct' }: Place = {}): ConversationRef {
    return { channel: 'slack', account: 'main', native: chat === 'group' ? chats.group : chats[sender] };
  }

  async say(text: string, place: Place = {}, bytes?: Uint8Array, more: object = {}): Promise<string> {
    const { sender = 'one', chat = 'direct', addressed = true } = place;
    const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
    const { workspace } = this.server;
    const file: File | null =
      bytes === undefined
        ? null
        : { id: `F${this.#events++}IN`, name: 'in.bin', mimetype: 'application/pdf', size: bytes.length, bytes };
    if (file !== null) workspace.files.set(file.id, file);
    const channel = this.conversation(place).native;
    const message = {
      user: people[sender],
      text: chat === 'group' && addressed ? `<@${bot.user}> ${escaped}` : escaped,
      ...(file === null ? {} : { subtype: 'file_share', files: [describe(file)] }),
      ...more,
    };
    const ts = workspace.ts();
    const { files: _, ...stored } = message as typeof message & { files?: unknown };
    workspace.messages.push({ channel, ts, blocks: [], edits: 0, ...stored, ...(file === null ? {} : { file }) });
    const channelType = chat === 'group' ? 'channel' : 'im';
    await this.event({ type: 'message', channel, ts, event_ts: ts, channel_type: channelType, ...message });
    return ts;
  }

  /** Resolves when it was delivered, or given up as Slack gives up. */
  async event(event: object): Promise<void> {
    const payload = { type: 'event_callback', team_id: team, event_id: `Ev${this.#events++}`, event };
    await this.deliver({ type: 'events_api', payload });
  }

  async deliver(envelope: Envelope): Promise<void> {
    this.#last = envelope;
    if (this.#mode === 'socket') {
      // What is said before anybody ever listened is not what this is about; later nothing is waited for.
      if (this.#channel !== null) await this.server.until(() => this.server.greeted > 0);
      return void this.server.push(envelope);
    }
    const body = JSON.stringify(envelope.payload);
    if (this.through !== null) return void (await this.through(body, 'application/json'));
    for (let n = 0; n < deliveries && this.#channel !== null; n++) {
      if (n > 0) await new Promise((resolve) => setTimeout(resolve, 50));
      const answer = await this.hook(body, 'application/json');
      if (answer?.status === 200) return;
    }
  }

  /** A request of Slack to the channel's address. */
  hook(body: string, contentType: string, headers: HookRequest['headers'] = {}): Promise<HookResponse> | undefined {
    return this.#channel?.hook?.(signed(body, contentType, headers), new AbortController().signal);
  }

  shown(place: Place = {}): Promise<Shown[]> {
    const { native } = this.conversation(place);
    const { workspace } = this.server;
    const ours = workspace.messages.filter(({ channel, bot_id }) => channel === native && bot_id === bot.bot);
    return Promise.resolve(
      ours.map((message) => ({
        ref: message.ts,
        text: workspace.read(message),
        ...(message.file === undefined ? {} : { file: message.file.bytes }),
      })),
    );
  }

  async repeatLast(): Promise<void> {
    if (this.#last !== null) await this.deliver(this.#last);
  }

  fault(kind: Fault): boolean {
    this.server.next(sending, faults[kind]);
    return true;
  }

  sends(): number {
    return this.server.calls.filter(({ method }) => sending.test(method)).length;
  }

  dropConnections(): Promise<void> {
    return this.server.drop();
  }

  connections(): number {
    return this.server.sockets.size;
  }

  async close(): Promise<void> {
    await this.#channel?.stop(1000);
    this.#channel = null;
    this.#http.close();
    await this.server.close();
  }
}

/** With Slack's signature, unless the headers say otherwise. */
export function signed(body: string, contentType: string, headers: HookRequest['headers'] = {}): HookRequest {
  const timestamp = headers['x-slack-request-timestamp'] ?? String(Math.floor(Date.now() / 1000));
  const signature = createHmac('sha256', tokens.signing).update(`v0:${timestamp}:${body}`).digest('hex');
  return {
    method: 'POST',
    headers: {
      'content-type': contentType,
      'x-slack-request-timestamp': timestamp,
      'x-slack-signature': `v0=${signature}`,
      ...headers,
    },
    query: new URLSearchParams(),
    body: new TextEncoder().encode(body),
  };
}
