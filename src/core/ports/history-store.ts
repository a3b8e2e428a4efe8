/** What a session's own history tells its people: a part of the Store, under its promises. */

/**
 * A session by its key. `owner`: null for the session of a group, which belongs to nobody alone; of another session
 * nothing is found unless it is theirs.
 */
export interface SessionOf {
  key: string;
  owner: string | null;
}

export interface HistoryFigures {
  /** Messages that are kept, and those of them that models may see. */
  kept: number;
  seen: number;
  /** Time of the oldest message that models may see; null without any. */
  since: number | null;
}

/** A message of a person or the assistant in which all words were found. */
export interface HistoryHit {
  seq: number;
  role: 'user' | 'assistant';
  author: string | null;
  time: number;
  text: string;
  /** In a group who wrote it, `channel:account:native`. */
  by: string | null;
  /** Somebody else than who sent it wrote it; where it comes from. */
  outside: string | null;
}

export interface HistoryStore {
  /** Null when there is no such session. */
  historyFigures(session: SessionOf): Promise<HistoryFigures | null>;
  /**
   * Models no longer see messages but the newest `keep` and those of the run at work; they stay stored. How many are
   * newly out of sight.
   */
  trimHistory(session: SessionOf, keep: number): Promise<number>;
  /**
   * Of the messages that models may see, newest first, those with all words (of core's searchWords). At most `limit` are
   * found among `scan` messages before `before`, of very long ones fewer; `next` is where to go on, null at the end.
   */
  searchHistory(
    session: SessionOf,
    words: readonly string[],
    options: { limit: number; scan: number; before?: number },
  ): Promise<{ hits: HistoryHit[]; next: number | null }>;
}
