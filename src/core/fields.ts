/**
 * The fields of the configuration file: what a person may write, and what the program gets. Each field carries notes,
 * from which messages, `config generate`, the reference in docs/ and the reading of environment values come.
 */
import * as z from 'zod/mini';
import { baseUrlProblem } from './host.ts';
import { Secret } from './secret.ts';
import { parseDuration, parseSize } from './units.ts';

export type FieldKind =
  | 'text'
  | 'secret'
  | 'choice'
  | 'number'
  | 'boolean'
  | 'list'
  | 'map'
  | 'choices'
  | 'rows'
  | 'table';

export interface FieldNotes {
  kind: FieldKind;
  /** One or two sentences for the person who decides about the value. */
  about: string;
  /** The accepted form, to follow "it takes": `a duration such as "30s"`. */
  form: string;
  /** What `config generate` shows where there is no default, as TOML. */
  example?: string;
  /** A default that is computed, in words. */
  computed?: string;
}

export const fieldNotes = z.registry<FieldNotes>();

/** What the program gets of a table that is made by `T`. Tables are made when they are needed: see config/schema.ts. */
export type ValueOf<T extends (...given: never) => z.ZodMiniType> = z.output<ReturnType<T>>;

function note<S extends z.ZodMiniType>(schema: S, notes: FieldNotes): S {
  fieldNotes.add(schema, notes);
  return schema;
}

const maxListItems = 1000;

/** What many fields are made of is made once: a schema has hundreds of fields. */
const string = z.string();
const idOrString = z.union([z.int(), string]);
const listLength = z.maxLength(maxListItems);

type More = Partial<Pick<FieldNotes, 'example' | 'computed' | 'form'>>;
/** Says what is wrong with a value, in words that follow the value, or null. */
type Check<T> = (value: T) => string | null;

/** A transform that reports what the reader throws or the check finds. */
function reading<In, Out>(from: z.ZodMiniType<In>, read: (value: In) => Out, check?: Check<In>) {
  return z.pipe(
    from,
    z.transform((input: In, context): Out => {
      try {
        const problem = check?.(input) ?? null;
        if (problem === null) return read(input);
        context.issues.push({ code: 'custom', message: problem, input });
      } catch {
        context.issues.push({ code: 'custom', message: 'this is not understood', input });
      }
      return z.NEVER;
    }),
  );
}

/** `value` is what a person would write in the file; it is read like any other value. */
export const withDefault = <S extends z.ZodMiniType>(schema: S, value: z.input<S>) => z.prefault(schema, value);

const maxText = 65_536;

export function text(about: string, form: string, more: More & { check?: Check<string>; empty?: boolean } = {}) {
  const { check, empty = false, ...notes } = more;
  const problem = (value: string): string | null => {
    if (!empty && value.trim() === '') return 'it is empty';
    if (value.length > maxText) return `it is longer than ${maxText} characters`;
    return check?.(value) ?? null;
  };
  return note(
    reading(string, (value) => value, problem),
    { kind: 'text', about, form, ...notes },
  );
}

const placeholders =
  /^(change[-_ ]?me.*|your[-_ ].*|my[-_ ](token|key|secret)|<.*>|\[.*\]|x{3,}|\.{3,}|\*+|todo|none|null|undefined|secret|password|token|placeholder|example|insert[-_ ].*|replace[-_ ].*|paste[-_ ].*|put[-_ ].*|enter[-_ ].*)$/i;

/** A value that must never be printed. Empty texts, line breaks and placeholders are refused. */
export function secret(about: string, more: More & { check?: Check<string> } = {}) {
  const { check, ...notes } = more;
  const problem = (value: string): string | null => {
    if (value === '') return 'it is empty';
    if (placeholders.test(value.trim())) return 'it is a placeholder, put the real value there';
    // eslint-disable-next-line no-control-regex -- control characters are what is looked for
    if (/[\s\u0000-\u001f\u007f]/.test(value)) return 'it holds a space, a line break or a control character';
    return check?.(value) ?? null;
  };
  return note(
    reading(string, (value) => new Secret(value), problem),
    { kind: 'secret', about, form: 'the secret as text', ...notes },
  );
}

/** The path of a file that holds a secret; the loader reads it into the key without `_file`. */
export const secretFile = (key: string) =>
  text(`A file that holds \`${key}\`, such as a mounted secret.`, 'the path of a file', {
    example: `"/run/secrets/${key}"`,
  });

export function choice<const T extends readonly [string, ...string[]]>(about: string, values: T, more: More = {}) {
  const form = `one of ${values.map((value) => `"${value}"`).join(', ')}`;
  return note(z.enum(values), { kind: 'choice', about, form, ...more });
}

export function flag(about: string, more: More = {}) {
  return note(z.boolean(), { kind: 'boolean', about, form: 'true or false', ...more });
}

/** True, false, or a word that says in which way it is true. */
export function flagOr<const T extends readonly [string, ...string[]]>(about: string, ways: T, more: More = {}) {
  const form = `true, false or ${ways.map((way) => `"${way}"`).join(', ')}`;
  return note(z.union([z.boolean(), z.enum(ways)]), { kind: 'boolean', about, form, ...more });
}

export function integer(about: string, min: number, max: number, more: More = {}) {
  const schema = z.int().check(z.minimum(min), z.maximum(max));
  return note(schema, { kind: 'number', about, form: `a whole number from ${min} to ${max}`, ...more });
}

export function number(about: string, min: number, max: number, more: More = {}) {
  const schema = z.number().check(z.minimum(min), z.maximum(max));
  return note(schema, { kind: 'number', about, form: `a number from ${min} to ${max}`, ...more });
}

/** The longest timer Node can hold: 2^31 - 1 ms. */
const maxDurationMs = 2_147_483_647;

/** Written `"30s"`, read as milliseconds. */
export function duration(about: string, min: string, max: string | null = null, more: More = {}) {
  const [minMs, maxMs] = [parseDuration(min), max === null ? maxDurationMs : parseDuration(max)];
  const schema = reading(string, (value) => {
    const ms = parseDuration(value);
    if (ms < minMs || ms > maxMs) throw new RangeError();
    return ms;
  });
  const form = `a duration such as "30s" (ms, s, m, h, d, w), from ${min} to ${max ?? '24d'}`;
  return note(schema, { kind: 'text', about, form, ...more });
}

/** Written `"5MB"`, read as bytes. */
export function size(about: string, min: string, max: string, more: More = {}) {
  const [minBytes, maxBytes] = [parseSize(min), parseSize(max)];
  const schema = reading(string, (value) => {
    const bytes = parseSize(value);
    if (bytes < minBytes || bytes > maxBytes) throw new RangeError();
    return bytes;
  });
  const form = `a size such as "5MB" (B, KB, MB, GB, KiB, MiB, GiB), from ${min} to ${max}`;
  return note(schema, { kind: 'text', about, form, ...more });
}

export function list(about: string, form: string, check: Check<string> = () => null, more: More = {}) {
  const item = reading(
    string,
    (value) => value.trim(),
    (value) => (value.trim() === '' ? 'it is empty' : check(value)),
  );
  return note(z.array(item).check(listLength), { kind: 'list', about, form, ...more });
}

/** Platform ids: integers or texts of them, read as texts. */
export function idList(about: string, form: string, check: Check<string> = () => null, more: More = {}) {
  const item = reading(
    idOrString,
    (value) => String(value).trim(),
    (value) => check(String(value).trim()),
  );
  return note(z.array(item).check(listLength), { kind: 'list', about, form, ...more });
}

export function baseUrl(about: string, more: More = {}) {
  return text(about, 'an http or https URL such as "https://api.example.com/v1"', { ...more, check: baseUrlProblem });
}

/** Names of HTTP headers and their values. */
export function headers(about: string) {
  const name = z.string().check(z.regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$/));
  const value = z.string().check(z.regex(/^[\t\u0020-\u007e]{0,4096}$/));
  return note(z.record(name, value), {
    kind: 'map',
    about,
    form: 'a table of header names and one-line texts',
    example: '{ "X-Title" = "assistant" }',
  });
}

/** Names of environment variables and their values. */
export function variables(about: string) {
  const name = z.string().check(z.regex(/^[A-Za-z_][A-Za-z0-9_]{0,99}$/));
  // eslint-disable-next-line no-control-regex -- no system takes such a value
  const value = z.string().check(z.regex(/^[^\u0000]{0,32768}$/));
  return note(z.record(name, value), {
    kind: 'map',
    about,
    form: 'a table of variable names and texts',
    example: '{ GITHUB_TOKEN = "${GITHUB_TOKEN}" }',
  });
}

/** A table of anything, for a part that checks it itself. Never shown: it may hold secrets. */
export function values(about: string, example: string) {
  const name = z.string().check(z.maxLength(100));
  return note(z.record(name, z.json()), {
    kind: 'map',
    about,
    form: 'a table of texts, numbers, lists and tables',
    example,
  });
}

/** A table that gives each of some ids one of the values. */
export function choices<const T extends readonly [string, ...string[]]>(
  about: string,
  keys: string,
  values: T,
  problem: Check<string>,
  example: string,
) {
  const key = z.string().check((context) => {
    const message = problem(context.value);
    if (message !== null) context.issues.push({ code: 'custom', message, input: context.value });
  });
  const form = `a table of ${keys} and ${values.map((value) => `"${value}"`).join(', ')}`;
  return note(z.record(key, z.enum(values)), { kind: 'choices', about, form, example });
}

/** A table in which only the given keys may stand. */
export function table<S extends z.core.$ZodShape>(about: string, shape: S) {
  return note(z.strictObject(shape), { kind: 'table', about, form: 'a table' });
}

const maxRows = 1000;

/** A list of tables, each written under its own `[[key]]`. `example` is what stands under one. */
export function rows<S extends z.core.$ZodShape>(about: string, shape: S, example: string) {
  const form = `tables \`[[key]]\` with the keys ${Object.keys(shape)
    .map((key) => `\`${key}\``)
    .join(', ')}`;
  return note(z.array(z.strictObject(shape)).check(z.maxLength(maxRows)), { kind: 'rows', about, form, example });
}

const namePattern = /^[a-z][a-z0-9_-]{0,31}$/;
export const nameForm = 'a name of 1 to 32 characters a-z 0-9 _ - that begins with a letter';
export const isName = (value: string): boolean => namePattern.test(value);

/** A table of named tables. */
export function named<S extends z.ZodMiniType>(about: string, entry: S) {
  return note(z.record(z.string().check(z.regex(namePattern)), entry), {
    kind: 'table',
    about,
    form: `tables, each with ${nameForm}`,
  });
}

/** A table with fixed keys beside named tables. */
export function tableWithNamed<S extends z.core.$ZodShape, E extends z.ZodMiniType>(about: string, shape: S, entry: E) {
  return note(z.catchall(z.object(shape), entry), { kind: 'table', about, form: 'a table' });
}
