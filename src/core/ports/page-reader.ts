/** What stands on a page of the public web. */
export interface ReadPage {
  title: string;
  /** As lines to read; of a large page the beginning. */
  text: string;
  /** Where it came from, after redirects. */
  url: string;
}

/**
 * Reads a page the way the tools do: the public internet only, unless `mayReachPrivate` and the operator listed it.
 * Rejects with a ClankerError, retryable where waiting can help.
 */
export type PageReader = (url: string, options: { mayReachPrivate: boolean; signal: AbortSignal }) => Promise<ReadPage>;
