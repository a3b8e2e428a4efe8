/**
 * Workflows: steps that need each other's results. Pure rules; carried out by app/tasks/kinds/workflow.ts.
 *
 * `{{ID}}` in a text of a step stands for the text of the result of a step that it needs, in an `undo` also for that of the
 * step itself. It is data: put in once, never looked through for further marks, encoded in addresses, and in prompts fenced
 * where somebody else than the person may have written it.
 */
import { invalidInput } from './errors.ts';
import type { JsonValue } from './message.ts';
import { fence } from './outside.ts';
import type { SimplePayload, WorkflowStep } from './payload.ts';
import type { TaskResult } from './task.ts';

/** Steps of a workflow that are at work at the same time. */
export const maxStepsAtOnce = 3;
/** Characters of all texts of one step, once the results of others stand in them. */
export const maxFilledText = 131_072;
const maxFilledUrl = 2048;
const maxSources = 3;

const mark = /\{\{\s*([A-Za-z][A-Za-z0-9_-]{0,31})\s*\}\}/g;
/** Results stand behind the host: whom a request goes to is never up to one. */
const hostIsFixed = /^https?:\/\/[^/?#{]+[/?#]/i;

/** What is wrong with the steps and their order, with the step's name; null: nothing. */
export function workflowProblem(steps: readonly WorkflowStep[]): string | null {
  const ids = new Set<string>();
  for (const { id } of steps) {
    if (ids.has(id)) return `There are two steps "${id}": give each a name of its own.`;
    ids.add(id);
  }
  for (const { id, needs = [] } of steps) {
    const unknown = needs.find((need) => !ids.has(need));
    if (unknown !== undefined) return `The step "${id}" needs "${unknown}", and there is no such step.`;
  }
  return circleOf(steps) ?? marksProblem(steps);
}

function circleOf(steps: readonly WorkflowStep[]): string | null {
  const waiting = new Map(steps.map(({ id, needs = [] }) => [id, needs]));
  for (let before = -1; before !== waiting.size;) {
    before = waiting.size;
    for (const [id, needs] of waiting) if (!needs.some((need) => waiting.has(need))) waiting.delete(id);
  }
  const [first] = waiting.keys();
  if (first === undefined) return null;
  // Each that waits needs one that waits, so the way along them comes to a step for the second time.
  const way = [first];
  for (;;) {
    const next = waiting.get(way.at(-1) ?? '')?.find((need) => waiting.has(need)) ?? first;
    const at = way.indexOf(next);
    if (at >= 0) {
      const circle = [...way.slice(at), next].map((id) => `"${id}"`).join(' needs ');
      return `The step "${first}" could never begin: ${circle}.`;
    }
    way.push(next);
  }
}

function marksProblem(steps: readonly WorkflowStep[]): string | null {
  for (const { id, needs = [], do: work, undo } of steps) {
    const problem =
      unreadable(work, needs, `The step "${id}"`) ??
      (undo === undefined ? null : unreadable(undo, [...needs, id], `The undoing of the step "${id}"`));
    if (problem !== null) return problem;
  }
  return null;
}

function unreadable(payload: SimplePayload, known: readonly string[], who: string): string | null {
  let problem: string | null = null;
  mapTexts(payload, (text, place) => {
    for (const [, id = ''] of text.matchAll(mark))
      if (!known.includes(id)) problem ??= `${who} says {{${id}}}: "${id}" must be among its needs.`;
    if (place === 'url' && text.includes('{{') && !hostIsFixed.test(text))
      problem ??= `${who} fetches ${text}: results of other steps may stand only behind the host and a "/".`;
    return text;
  });
  return problem;
}

/** Where results of other steps can stand. */
type Place = 'text' | 'prompt' | 'url';

function mapTexts(payload: SimplePayload, map: (text: string, place: Place) => string): SimplePayload {
  const within = (value: JsonValue): JsonValue => {
    if (typeof value === 'string') return map(value, 'text');
    if (Array.isArray(value)) return value.map(within);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, within(inner)]));
  };
  switch (payload.kind) {
    case 'text':
      return { ...payload, text: map(payload.text, 'text') };
    case 'ask':
      return { ...payload, prompt: map(payload.prompt, 'prompt') };
    case 'tool': {
      const { args = {} } = payload;
      return { ...payload, args: Object.fromEntries(Object.entries(args).map(([key, arg]) => [key, within(arg)])) };
    }
    case 'fetch': {
      const { url, prompt } = payload;
      return { ...payload, url: map(url, 'url'), ...(prompt === undefined ? {} : { prompt: map(prompt, 'prompt') }) };
    }
    case 'lookup':
      return { ...payload, query: map(payload.query, 'text') };
    case 'webhook':
      return payload.body === undefined ? payload : { ...payload, body: within(payload.body) };
    case 'file': {
      const { text, prompt } = payload;
      return {
        ...payload,
        ...(text === undefined ? {} : { text: map(text, 'text') }),
        ...(prompt === undefined ? {} : { prompt: map(prompt, 'prompt') }),
      };
    }
  }
}

/**
 * A step with the results of others in its texts, and where text in them comes from that others may have written; null:
 * nowhere. `nonce`: see `fence`. Throws `invalid_input` when it becomes too long.
 */
export function filled(
  payload: SimplePayload,
  resultOf: (id: string) => TaskResult | undefined,
  nonce: string,
): { payload: SimplePayload; outside: string | null } {
  const sources: (string | null)[] = [];
  let left = maxFilledText;
  const done = mapTexts(payload, (template, place) => {
    const text = template.replaceAll(mark, (whole, id: string) => {
      const result = resultOf(id);
      if (result === undefined) return whole;
      sources.push(result.outside);
      const shown = shownIn(place, result, nonce);
      left -= shown.length;
      if (left < 0)
        throw invalidInput(
          'step_too_long',
          `With the results of other steps it has more than ${maxFilledText} characters.`,
        );
      return shown;
    });
    if (place === 'url' && text.length > maxFilledUrl)
      throw invalidInput(
        'step_too_long',
        `With the results of other steps its address has more than ${maxFilledUrl} characters.`,
      );
    return text;
  });
  return { payload: done, outside: outsideOf(sources) };
}

function shownIn(place: Place, { text, outside }: TaskResult, nonce: string): string {
  if (place === 'url') return encodeURIComponent(text.trim().toWellFormed());
  return place === 'prompt' && outside !== null ? fence(text, outside, nonce) : text;
}

/** Where texts come from that were put together; null: from nobody else than the person. */
export function outsideOf(sources: readonly (string | null)[]): string | null {
  const all = new Set(sources.flatMap((source) => source?.split(', ') ?? []));
  return all.size === 0 ? null : [...all].slice(-maxSources).join(', ');
}

/** The results of the steps that no other one needs, in the order in which they stand. */
export function workflowResult(
  steps: readonly WorkflowStep[],
  resultOf: (id: string) => TaskResult | undefined,
): TaskResult {
  const needed = new Set(steps.flatMap(({ needs = [] }) => needs));
  const results = steps.filter(({ id }) => !needed.has(id)).flatMap(({ id }) => resultOf(id) ?? []);
  return {
    text: results
      .map(({ text }) => text)
      .filter((text) => text !== '')
      .join('\n\n'),
    files: results.flatMap(({ files }) => files),
    outside: outsideOf(results.map(({ outside }) => outside)),
  };
}
