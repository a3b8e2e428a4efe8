import { ask, type Endpoint } from '../support/raw.ts';
import type { HostileCase } from './case.ts';
import { authenticationCases } from './authentication-cases.ts';
import { originCases } from './origin-cases.ts';
import { framingCases } from './framing-cases.ts';
import { bodyCases } from './body-cases.ts';
import { limitCases } from './limit-cases.ts';
import { websocketCases } from './websocket-cases.ts';
import { hookCases } from './hook-cases.ts';
import { inboundCases } from './inbound-cases.ts';
import { replyCases } from './reply-cases.ts';
import { strangerCases } from './stranger-cases.ts';
import type { Platforms } from './platforms.ts';

export const hostileCases: readonly HostileCase[] = [
  ...authenticationCases,
  ...originCases,
  ...framingCases,
  ...bodyCases,
  ...limitCases,
  ...websocketCases,
];

/** Those of channels: they run between strict platforms. */
export const channelCases: readonly HostileCase<Platforms>[] = [
  ...hookCases,
  ...strangerCases,
  ...replyCases,
  ...inboundCases,
];

/** A case that hangs is a failure of the target. */
const caseTimeoutMs = 60_000;
/** Characters of what went wrong that are told. */
const maxFailure = 500;

export interface CaseResult {
  id: string;
  title: string;
  /** Null: it held. */
  failure: string | null;
}

/** Runs cases one after another; after each the target must still answer. */
export async function runHostile<T extends Endpoint>(
  target: T,
  cases: readonly HostileCase<T>[],
  report: (result: CaseResult) => void,
): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const each of cases) {
    const { id, title } = each;
    const failure = await failureOf(target, each);
    const result = { id, title, failure };
    results.push(result);
    report(result);
  }
  return results;
}

async function failureOf<T extends Endpoint>(target: T, hostile: HostileCase<T>): Promise<string | null> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error('the case did not end in time')), caseTimeoutMs);
  try {
    await Promise.race([hostile.run(target), timeout.promise]);
    const { status } = await ask(target, { path: '/health' });
    return status === 200 ? null : `/health answered ${status} afterwards`;
  } catch (error) {
    return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').slice(0, maxFailure);
  } finally {
    clearTimeout(timer);
  }
}
