/** Failures of a model call that no provider told of. */
import type { ProviderError } from '../../core/ports/provider.ts';

export const emptyAnswer: ProviderError = {
  kind: 'bad_response',
  phase: 'before_output',
  accepted: 'yes',
  detail: 'The answer is empty: neither text nor a tool call.',
};

export const abandoned: ProviderError = {
  kind: 'aborted',
  phase: 'mid_output',
  accepted: 'maybe',
  detail: 'The caller no longer waits.',
};

/** Nothing was sent: nobody bills it. */
export const neverAsked: ProviderError = { ...abandoned, phase: 'connect', accepted: 'no' };

export const outOfTime: ProviderError = { ...abandoned, kind: 'deadline', detail: 'The deadline of the run passed.' };
