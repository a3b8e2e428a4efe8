/** Posts that are signed by Standard Webhooks (https://www.standardwebhooks.com): answers of the channel, and results. */
import { createHash } from 'node:crypto';
import type { HttpClient } from '../../../core/ports/http-client.ts';
import { HttpFailure } from '../../../core/ports/http-client.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { Secret } from '../../../core/secret.ts';
import { withDeadline } from '../deadline.ts';
import { signWebhook } from '../verify.ts';

/** Read of an answer so that its connection can be used again; what it says does not matter. */
const maxAnswerBytes = 16_384;

export interface SignedPost {
  url: string;
  /** Each signs. */
  secrets: readonly Secret[];
  /** `webhook-id`: the same for all attempts. */
  id: string;
  /** JSON. */
  body: string;
  timeoutMs: number;
  signal: AbortSignal;
}

/** One attempt; rejects with HttpFailure. Signed anew each time, as the receiver refuses old times; the id stays. */
export function postSigned(
  { url, secrets, id, body, timeoutMs, signal }: SignedPost,
  { http, clock }: { http: HttpClient; clock: Clock },
): Promise<{ status: number; headers: Record<string, string> }> {
  const bytes = Buffer.from(body);
  const timestamp = Math.floor(clock.now() / 1000);
  const headers = {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': secrets.map((secret) => signWebhook({ id, timestamp, body: bytes }, secret)).join(' '),
  };
  return withDeadline(signal, timeoutMs, async (ending) => {
    const response = await http.request({ method: 'POST', url, headers, body: bytes, signal: ending });
    await drain(response.body);
    return response;
  });
}

/** What a message is called on the wire: the same for all attempts, and nothing of the key can be read from it. */
export const wireId = (key: string): string => `msg_${createHash('sha256').update(key).digest('hex').slice(0, 32)}`;

/** Its status is known by now, so however the rest of the answer ends changes nothing. */
async function drain(body: AsyncIterable<Uint8Array>): Promise<void> {
  let left = maxAnswerBytes;
  try {
    for await (const chunk of body) {
      left -= chunk.length;
      if (left < 0) break;
    }
  } catch (error) {
    if (!(error instanceof HttpFailure)) throw error;
  }
}
