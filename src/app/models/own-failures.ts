/** Failures of a model call that no provider told of. */
import { nestedDeeperThan } from '../../core/json-depth.ts';
import type { ModelEvent, ProviderError } from '../../core/ports/provider.ts';

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

/** Of the arguments of a call: whatever reads them later may take the stack for each level. */
const maxArgsDepth = 64;

type ToolEvent<T> = Extract<ModelEvent, { type: T }>;

/** A call that can be worked with, or what is wrong with it. */
export const readable = (call: ToolEvent<'tool_call'>): ToolEvent<'tool_call' | 'tool_invalid'> =>
  nestedDeeperThan(call.args, maxArgsDepth)
    ? {
        type: 'tool_invalid',
        id: call.id,
        name: call.name,
        raw: '',
        reason: `they are nested deeper than ${maxArgsDepth} levels`,
      }
    : call;
