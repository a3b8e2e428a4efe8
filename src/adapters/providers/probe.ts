/** Zero-token questions to a provider: which models it has, and whether it is there. */
import type { JsonObject } from '../../core/message.ts';
import { ClankerError } from '../../core/errors.ts';
import { readBody } from '../../core/ports/http-client.ts';
import type { ProviderHealth } from '../../core/ports/provider.ts';
import type { CallContext } from './call.ts';
import { failureOf, refusalOf } from './failure.ts';
import { badResponse } from './fault.ts';
import { tryParseObject } from './json.ts';

const maxCatalogBytes = 4 * 1024 * 1024;

/** Asks for one JSON object; every failure is a ClankerError of kind `provider` whose code is the provider error kind. */
export async function askJson(
  context: CallContext,
  question: { method: 'GET' | 'POST'; url: string; headers: Record<string, string>; body?: JsonObject },
  signal: AbortSignal,
): Promise<JsonObject> {
  const progress = { answered: false, output: null, requestId: undefined };
  const headers = { ...question.headers, ...context.config.headers };
  const refused = (error: { kind: string; detail: string }): ClankerError =>
    new ClankerError('provider', error.kind, `${context.config.id}: ${error.detail}`);
  try {
    const response = await context.deps.http.request({
      method: question.method,
      url: question.url,
      headers: question.body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(question.body === undefined ? {} : { body: JSON.stringify(question.body) }),
      signal,
    });
    if (response.status !== 200) throw refused(await refusalOf(response, progress, context));
    progress.answered = true;
    const answer = tryParseObject(Buffer.from(await readBody(response, maxCatalogBytes)).toString('utf8'));
    if (answer === null) throw badResponse('The answer is not JSON; is base_url right?');
    return answer;
  } catch (error) {
    throw error instanceof ClankerError ? error : refused(failureOf(error, progress, context));
  }
}

/** Health as the outcome of a question; never rejects. */
export async function healthBy(ask: () => Promise<string>): Promise<ProviderHealth> {
  try {
    return { ok: true, detail: await ask() };
  } catch (error) {
    return { ok: false, detail: (error as Error).message };
  }
}

/** `base` and `path` joined by one slash. */
export const endpoint = (base: string, path: string): string => `${base.replace(/\/+$/, '')}${path}`;
