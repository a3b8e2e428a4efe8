/** A token bucket as plain data with pure rules: what a platform takes per second, with a burst. */
export interface Bucket {
  /** May be negative: a debt that must be waited off. */
  tokens: number;
  at: number;
}

export interface Rate {
  perSecond: number;
  burst: number;
}

export const fullBucket = (rate: Rate, now: number): Bucket => ({ tokens: rate.burst, at: now });

/** Takes one token and says how many milliseconds to wait before acting on it (0 when it was there). */
export function take(bucket: Bucket, rate: Rate, now: number): number {
  const refilled = bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate.perSecond;
  bucket.tokens = Math.min(rate.burst, refilled) - 1;
  bucket.at = now;
  return bucket.tokens >= 0 ? 0 : Math.ceil((-bucket.tokens / rate.perSecond) * 1000);
}

/** True when a token is there now; takes it only then. For what may be dropped, such as stream edits. */
export function takeIfThere(bucket: Bucket, rate: Rate, now: number): boolean {
  const refilled = Math.min(rate.burst, bucket.tokens + (Math.max(0, now - bucket.at) / 1000) * rate.perSecond);
  bucket.at = now;
  bucket.tokens = refilled >= 1 ? refilled - 1 : refilled;
  return refilled >= 1;
}
