/** A Slack channel on the strict server, with a store that a test can hold and a clock that runs fast. */
import type { TestContext } from 'node:test';
import type { SlackChannelOptions } from '../../src/adapters/channels/slack/index.ts';
import { systemClock } from '../../src/adapters/system/index.ts';
import type { Channel, CursorUpdate, InboundEvent, InboundReceipt } from '../../src/core/ports/channel.ts';
import type { Clock } from '../../src/core/ports/system.ts';
import { SlackCounterpart } from './slack-counterpart.ts';
import type { SlackServer } from './slack-server.ts';

const longestMs = 200;

/** Watchdogs and backoffs pass so many times faster than they should, and the longest in less. */
export const clockAt = (speed: number): Clock => ({
  now: () => Date.now(),
  monotonic: () => performance.now() * speed,
  sleep: (ms, signal) => systemClock.sleep(Math.min(ms / speed, longestMs), signal),
  after: (ms, wake) => systemClock.after(Math.min(ms / speed, longestMs), wake),
});

export const fastClock = clockAt(50);

export interface SlackRig {
  slack: SlackCounterpart;
  server: SlackServer;
  channel: Channel;
  /** In the order of their commits, each dedupe key once. */
  events: InboundEvent[];
  malformed: string[];
  cursors: Map<string, string>;
  /** Their events are receipted as refused. */
  strangers: Set<string>;
  /** While set, commits wait for it. */
  hold: (until: Promise<void> | null) => void;
  start(): void;
  /** Resolves when it holds; looked at whenever something was committed, answered or came over a socket. */
  until(condition: () => boolean): Promise<void>;
  state(state: string, detail?: RegExp): Promise<void>;
  texts(): string[];
}

interface RigOptions extends Partial<SlackChannelOptions> {
  mode?: 'socket' | 'http';
  clock?: Clock;
  cursors?: Map<string, string>;
}

export async function slackRig(t: TestContext, options: RigOptions = {}): Promise<SlackRig> {
  const { mode = 'socket', clock = systemClock, cursors = new Map<string, string>(), ...more } = options;
  const slack = await SlackCounterpart.start(mode);
  const channel = await slack.channel(more);
  const stop = new AbortController();
  t.after(async () => {
    await channel.stop(2000);
    stop.abort(new Error('over'));
    await slack.close();
  });
  const events = new Map<string, InboundEvent>();
  let held: Promise<void> | null = null;
  const rig: SlackRig = {
    slack,
    server: slack.server,
    channel,
    events: [],
    malformed: [],
    cursors,
    strangers: new Set(),
    hold: (until) => void (held = until),
    start: () =>
      channel.start(
        {
          commit: async (batch, cursor?: CursorUpdate) => {
            await held;
            for (const event of batch) if (!events.has(event.dedupe)) events.set(event.dedupe, event);
            rig.events = [...events.values()];
            if (cursor !== undefined) cursors.set(cursor.key, cursor.value);
            return batch.map(({ sender }): InboundReceipt => {
              const receipt = { messageId: null, bodyHash: null };
              return rig.strangers.has(sender.native) ? { ...receipt, refused: true } : receipt;
            });
          },
          malformed: (detail) => void rig.malformed.push(detail),
        },
        { signal: stop.signal, cursors: new Map(cursors), clock, log: slack.log },
      ),
    async until(condition) {
      const giveUp = performance.now() + 60_000;
      while (!condition()) {
        if (performance.now() > giveUp) {
          throw new Error(`it did not happen; ${JSON.stringify([channel.health(), rig.events, slack.server.calls])}`);
        }
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    },
    state: (state, detail = /^/) =>
      rig.until(() => channel.health().state === state && detail.test(channel.health().detail)),
    texts: () => rig.events.filter(({ kind }) => kind === 'message').map(({ text }) => text),
  };
  return rig;
}
