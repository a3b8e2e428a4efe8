import type * as z from 'zod/mini';
import { HttpError } from './errors.ts';

type Issue = z.core.$ZodIssue;

/** Holds a value against a schema; refuses with 400 and the name of the first field that is wrong. */
export function validate<S extends z.ZodMiniType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const issue = mostTelling(result.error.issues);
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys
      .slice(0, 5)
      .map((key) => JSON.stringify([...issue.path, key.slice(0, 60)].map(String).join('.')));
    throw new HttpError(400, 'unknown_field', `Unknown field ${names.join(', ')}.`);
  }
  throw new HttpError(400, 'invalid_input', `${fieldName(issue.path)} ${complaint(issue)}.`);
}

/** An unknown field is named first: it is the most likely cause of what else is missing. */
const mostTelling = (issues: readonly Issue[]): Issue =>
  issues.find((issue) => issue.code === 'unrecognized_keys') ?? (issues[0] as Issue);

const fieldName = (path: readonly PropertyKey[]): string =>
  path.length === 0 ? 'The body' : `"${path.map(String).join('.').slice(0, 120)}"`;

function complaint(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined && issue.path.length > 0
        ? `is required (${typeName(issue.expected)})`
        : `must be of type ${typeName(issue.expected)}`;
    case 'too_small':
      return `must have at least ${issue.minimum}${unitOf(issue.origin)}`;
    case 'too_big':
      return `may have at most ${issue.maximum}${unitOf(issue.origin)}`;
    case 'invalid_value':
      return `must be one of ${issue.values.map((value) => JSON.stringify(value)).join(', ')}`;
    case 'invalid_union':
      return 'options' in issue && issue.options !== undefined
        ? `must be one of ${issue.options.map((value) => JSON.stringify(value)).join(', ')}`
        : 'does not have the right form';
    default:
      return issue.message === 'Invalid input' ? 'does not have the right form' : issue.message;
  }
}

/** As JSON calls it. */
const typeName = (expected: string): string => (expected === 'record' ? 'object' : expected);

const unitOf = (origin: string): string => (origin === 'string' ? ' characters' : origin === 'array' ? ' items' : '');
