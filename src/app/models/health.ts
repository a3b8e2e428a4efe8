/** How a provider is doing, judged from its newest calls: pure. */
import { isCredentialRest } from '../../core/cooldown.ts';
import type { ProviderStatus } from '../../core/ports/gateway.ts';
import type { ProviderHealth } from '../../core/ports/provider.ts';
import type { Standing } from './rests.ts';

const remembered = 20;
const failuresInARow = 3;
const degradedShare = 0.2;

export interface Health {
  /** The newest calls, oldest first, at most 20: true for an answer. */
  calls: boolean[];
  /** Why the newest failure failed, in words. */
  reason: string;
  /** The newest probe, which counts only while there is no traffic. */
  probe: ProviderHealth | null;
}

export const unknownHealth: Health = { calls: [], reason: '', probe: null };

export const withCall = (health: Health, ok: boolean, reason = ''): Health => ({
  ...health,
  calls: [...health.calls, ok].slice(-remembered),
  reason: ok ? health.reason : reason,
});

/**
 * `down` when its credential was refused, it was given up, or its newest three calls failed; `degraded` while it asked
 * for a rest or a fifth of its calls fail. Real traffic first: a probe speaks only where there was none.
 */
export function judge(health: Health, standing: Standing): Pick<ProviderStatus, 'state' | 'detail'> {
  const { calls, reason, probe } = health;
  if (standing.state === 'resting') {
    const limited = standing.kind === 'rate_limited' || standing.kind === 'quota_exhausted';
    const detail = reason === '' ? `It rests after an error of the kind ${standing.kind}.` : reason;
    return { state: limited && !isCredentialRest(standing.kind) ? 'degraded' : 'down', detail };
  }
  if (calls.length === 0) {
    if (probe === null) return { state: 'unknown', detail: '' };
    return { state: probe.ok ? 'up' : 'down', detail: probe.detail };
  }
  const newest = calls.slice(-failuresInARow);
  if (newest.length === failuresInARow && !newest.includes(true)) return { state: 'down', detail: reason };
  const failed = calls.filter((ok) => !ok).length;
  if (failed / calls.length >= degradedShare) return { state: 'degraded', detail: reason };
  return { state: 'up', detail: '' };
}
