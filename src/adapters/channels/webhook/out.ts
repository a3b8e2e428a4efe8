/** The receivers that results of tasks are posted to. */
import { ClankerError, notFound } from '../../../core/errors.ts';
import { HttpFailure, type HttpClient } from '../../../core/ports/http-client.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { WebhookPoster } from '../../../core/ports/webhook-poster.ts';
import type { Secret } from '../../../core/secret.ts';
import { retryAfterMs } from '../retry-after.ts';
import { postSigned, wireId } from './post.ts';

export interface OutgoingWebhook {
  url: string;
  secret: Secret;
  timeoutMs: number;
}

export interface OutDeps {
  /** Of the configuration in force. */
  webhooks: () => Readonly<Record<string, OutgoingWebhook>>;
  http: HttpClient;
  clock: Clock;
}

export function webhookPoster({ webhooks, http, clock }: OutDeps): WebhookPoster {
  return {
    names: () => Object.keys(webhooks()),
    async post(name, { id, body }, signal) {
      const all = webhooks();
      const webhook = Object.hasOwn(all, name) ? all[name] : undefined;
      if (webhook === undefined) throw notFound(`webhook "${name}"; [webhooks.out] names those there are`);
      const { url, secret, timeoutMs } = webhook;
      const post = { url, secrets: [secret], id: wireId(id), body, timeoutMs, signal };
      const { status, headers } = await postSigned(post, { http, clock }).catch((error: unknown) => {
        signal.throwIfAborted();
        if (!(error instanceof HttpFailure)) throw error;
        const words = `The receiver of webhook:${name} did not answer: ${error.code}.`;
        throw new ClankerError('network', 'webhook_unreachable', words, { retryable: true, cause: error });
      });
      const refused = failureOf(name, status, retryAfterMs(headers, clock.now()));
      if (refused !== null) throw refused;
    },
  };
}

/** As the specification wants it: what is not 2xx was not taken; 410 and other mistakes of ours do not pass by waiting. */
function failureOf(name: string, status: number, waitMs: number | null): ClankerError | null {
  if (status >= 200 && status < 300) return null;
  const passes = status >= 500 || status === 408 || status === 425 || status === 429;
  const options = { retryable: passes, ...(passes && waitMs !== null ? { retryAfterMs: waitMs } : {}) };
  return new ClankerError(
    status === 429 ? 'rate_limited' : 'network',
    status === 410 ? 'webhook_gone' : 'webhook_refused',
    `The receiver of webhook:${name} answered HTTP ${status}.`,
    options,
  );
}
