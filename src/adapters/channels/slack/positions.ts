/**
 * Up to where each conversation was committed, as one bounded cursor: after a gap the conversations are read again
 * from there. Threads that began with a message to us stand here too, so that what follows in them is known to be
 * meant for us after a restart.
 */

/** Conversations of each kind; who was quiet for the longest time is forgotten first. */
const maxPlaces = 60;

export interface Place {
  channel: string;
  /** Null for the conversation itself. */
  thread: string | null;
}

interface Position {
  /** The last committed message; empty when there is none yet. */
  ts: string;
  ours: boolean;
}

export const placeKey = ({ channel, thread }: Place): string => (thread === null ? channel : `${channel}:${thread}`);

const placeOfKey = (key: string): Place => {
  const [channel = '', thread] = key.split(':');
  return { channel, thread: thread ?? null };
};

const later = (a: string, b: string): string => (Number(a) > Number(b) ? a : b);

export class Positions {
  readonly #chats = new Map<string, Position>();
  readonly #threads = new Map<string, Position>();
  /** Everything before it was committed, or was there before we were; null before the first message. */
  #since: string | null = null;

  /** `stored` is what `text` gave, or undefined; something else begins anew. */
  constructor(stored: string | undefined) {
    const saved = readStored(stored);
    this.#since = saved.since;
    for (const [key, ts, ours] of saved.places) this.#of(key).set(key, { ts, ours });
  }

  get since(): string | null {
    return this.#since;
  }

  /** The cursor's value. */
  text(): string {
    const places = [...this.#chats, ...this.#threads].map(([key, { ts, ours }]) => [key, ts, ours ? 1 : 0]);
    return JSON.stringify({ since: this.#since, places });
  }

  /** Everywhere something was heard, the most recent first. */
  places(): (Place & { ts: string })[] {
    return [...this.#chats, ...this.#threads]
      .map(([key, { ts }]) => ({ ...placeOfKey(key), ts }))
      .filter(({ ts }) => ts !== '')
      .sort((a, b) => Number(b.ts) - Number(a.ts));
  }

  has(place: Place): boolean {
    const key = placeKey(place);
    return this.#of(key).has(key);
  }

  isOurs(channel: string, thread: string): boolean {
    return this.#threads.get(`${channel}:${thread}`)?.ours === true;
  }

  /** `ts` null: something was heard there, and what came before it is not all committed yet. */
  advance(place: Place, ts: string | null, ours = false): void {
    const key = placeKey(place);
    const places = this.#of(key);
    const before = places.get(key) ?? { ts: '', ours: false };
    places.delete(key);
    places.set(key, { ts: ts === null ? before.ts : later(ts, before.ts || '0'), ours: ours || before.ours });
    const oldest = places.keys().next().value;
    if (places.size > maxPlaces && oldest !== undefined) places.delete(oldest);
  }

  /** Nothing before this is missing. */
  caughtUp(ts: string): void {
    this.#since = later(ts, this.#since ?? '0');
  }

  #of(key: string): Map<string, Position> {
    return key.includes(':') ? this.#threads : this.#chats;
  }
}

function readStored(stored: string | undefined): { since: string | null; places: [string, string, boolean][] } {
  const none = { since: null, places: [] };
  if (stored === undefined) return none;
  try {
    const { since, places } = JSON.parse(stored) as { since?: unknown; places?: unknown };
    if (!Array.isArray(places)) return none;
    const known = places.flatMap((each: unknown): [string, string, boolean][] => {
      const [key, ts, ours] = Array.isArray(each) ? (each as unknown[]) : [];
      return typeof key === 'string' && typeof ts === 'string' ? [[key, ts, ours === 1]] : [];
    });
    return { since: typeof since === 'string' ? since : null, places: known };
  } catch {
    return none;
  }
}
