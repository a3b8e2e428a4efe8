/** Posts to the receivers of `[webhooks.out.NAME]`, signed. */
export interface WebhookPoster {
  /** Names there are now. */
  names(): readonly string[];
  /**
   * One attempt; `id` names the message over all of them. Rejects with a ClankerError: retryable where waiting can help,
   * with the time the receiver asked for.
   */
  post(name: string, message: { id: string; body: string }, signal: AbortSignal): Promise<void>;
}
