import type { ConversationRef } from '../../core/message.ts';
import { fullBucket, take, takeIfThere, type Bucket, type Rate } from '../../core/pace.ts';
import type { ChannelCapabilities } from '../../core/ports/channel.ts';
import type { Clock } from '../../core/ports/system.ts';

const maxConversations = 5000;
const conversationBurst = 3;

/** One conversation's bucket and the time before which its platform asked us not to speak. */
interface Lane {
  bucket: Bucket;
  rate: Rate;
  blockedUntil: number;
}

/**
 * The pace of one account: its own bucket, one per conversation (bounded, least recently used out), and what
 * `retry_after` demanded. A platform's wait holds for the conversation it names and is never shortened.
 */
export class Pacer {
  readonly #clock: Clock;
  readonly #pace: ChannelCapabilities['pace'];
  readonly #account: Lane;
  readonly #lanes = new Map<string, Lane>();

  constructor(clock: Clock, pace: ChannelCapabilities['pace']) {
    this.#clock = clock;
    this.#pace = pace;
    this.#account = this.#lane({ perSecond: pace.accountPerSecond, burst: pace.accountPerSecond });
  }

  /** Reserves a turn and says in how many milliseconds it comes; give it back when it is not used. */
  reserve(conversation: ConversationRef, group: boolean): number {
    const now = this.#clock.monotonic();
    const lane = this.#laneOf(conversation, group);
    return Math.max(
      take(lane.bucket, lane.rate, now),
      take(this.#account.bucket, this.#account.rate, now),
      lane.blockedUntil - now,
      this.#account.blockedUntil - now,
      0,
    );
  }

  giveBack(conversation: ConversationRef, group: boolean): void {
    this.#laneOf(conversation, group).bucket.tokens += 1;
    this.#account.bucket.tokens += 1;
  }

  /** Takes a turn for something that may be dropped, such as a stream edit, when it may go out right now. */
  spare(conversation: ConversationRef, group: boolean): boolean {
    const now = this.#clock.monotonic();
    const lane = this.#laneOf(conversation, group);
    if (lane.blockedUntil > now || this.#account.blockedUntil > now || this.#account.bucket.tokens < 2) return false;
    return takeIfThere(lane.bucket, lane.rate, now) && takeIfThere(this.#account.bucket, this.#account.rate, now);
  }

  /** Others of this account wait for their turn. */
  get crowded(): boolean {
    return this.#account.bucket.tokens < 0;
  }

  /** The platform told us to wait. */
  block(conversation: ConversationRef, group: boolean, scope: 'conversation' | 'account', ms: number): void {
    const lane = scope === 'account' ? this.#account : this.#laneOf(conversation, group);
    lane.blockedUntil = Math.max(lane.blockedUntil, this.#clock.monotonic() + ms);
  }

  #laneOf(conversation: ConversationRef, group: boolean): Lane {
    // Topics of one chat share its budget: platforms count per chat.
    const key = conversation.native;
    const found = this.#lanes.get(key);
    if (found !== undefined) {
      this.#lanes.delete(key);
      this.#lanes.set(key, found);
      return found;
    }
    const lane = this.#lane(
      group
        ? { perSecond: this.#pace.groupPerMinute / 60, burst: Math.max(1, this.#pace.groupPerMinute / 4) }
        : { perSecond: this.#pace.conversationPerSecond, burst: conversationBurst },
    );
    this.#lanes.set(key, lane);
    if (this.#lanes.size > maxConversations) this.#lanes.delete(this.#lanes.keys().next().value ?? '');
    return lane;
  }

  #lane(rate: Rate): Lane {
    return { bucket: fullBucket(rate, this.#clock.monotonic()), rate, blockedUntil: 0 };
  }
}
