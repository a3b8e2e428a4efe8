import { invalidInput } from '../../core/errors.ts';
import type { ProviderStatus } from '../../core/ports/gateway.ts';
import type { Dialect, Provider, ProviderClocks, Usage } from '../../core/ports/provider.ts';
import { costOf, type Prices } from '../../core/prices.ts';
import type { Health } from './health.ts';
import type { Slots } from './slots.ts';

/** A provider with everything the configuration says about it. */
export interface ConfiguredProvider {
  provider: Provider;
  /** Used where only the provider is named; empty: the model must be named, too. */
  model: string;
  clocks: ProviderClocks;
  /** Calls at once; further ones wait their turn. */
  maxConcurrency: number;
  /** Tokens of prompt and answer; absent: not known. */
  contextWindow?: number;
  /** Of a model of this provider; null where nobody knows. */
  prices: (model: string) => Prices | null;
}

/** What is asked when nobody chose a model: `default`, then each of `fallback`; entries are `provider` or `provider/model`. */
export interface Chain {
  default: string;
  fallback: readonly string[];
}

/** A configured provider at work. Replaced as a whole by a reload; running calls keep the one they began with. */
export interface Desk {
  id: string;
  configured: ConfiguredProvider;
  slots: Slots;
  health: Health;
  /** What the bus was told last. */
  told: ProviderStatus['state'];
}

/** One model that may answer a call. */
export interface Candidate {
  desk: Desk;
  provider: string;
  model: string;
  /** `provider/model` */
  name: string;
  dialect: Dialect;
}

export function candidateOf(desk: Desk, model = desk.configured.model): Candidate {
  return { desk, provider: desk.id, model, name: `${desk.id}/${model}`, dialect: desk.configured.provider.dialect };
}

export const candidateCost = (candidate: Candidate, usage: Usage): number | null =>
  costOf(usage, candidate.desk.configured.prices(candidate.model));

/**
 * The model that somebody named: `provider/model`, a provider (its default model), or the default model of one.
 * Throws invalid_input `unknown_model` with the names there are.
 */
export function namedCandidate(wanted: string, desks: ReadonlyMap<string, Desk>): Candidate {
  const slash = wanted.indexOf('/');
  const desk = desks.get(slash < 0 ? wanted : wanted.slice(0, slash));
  const model = slash < 0 ? undefined : wanted.slice(slash + 1);
  if (desk !== undefined && model === undefined && desk.configured.model !== '') return candidateOf(desk);
  if (desk !== undefined && model !== undefined && isModelName(model)) return candidateOf(desk, model);
  const byModel = [...desks.values()].find((desk) => wanted !== '' && desk.configured.model === wanted);
  if (byModel !== undefined) return candidateOf(byModel);
  const names = [...desks.values()].map(({ id, configured }) => `${id}/${configured.model || '<model>'}`);
  throw invalidInput(
    'unknown_model',
    `There is no model "${wanted.slice(0, 200)}"; write it as provider/model. Configured are: ${names.join(', ')}.`,
  );
}

const isModelName = (model: string): boolean => /^[^\s\p{Cc}]{1,200}$/u.test(model);

export function chainCandidates(chain: Chain, desks: ReadonlyMap<string, Desk>): Candidate[] {
  const candidates = [chain.default, ...chain.fallback].map((entry) => namedCandidate(entry, desks));
  // A model that stands twice in the chain would only be asked twice as often.
  return candidates.filter((candidate, i) => candidates.findIndex(({ name }) => name === candidate.name) === i);
}
