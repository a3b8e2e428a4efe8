/** Options of a command line → a job or a task as the API takes it. What times and words mean, the gateway says. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { CliError, type Invocation, type Options } from './command.ts';
import { readMessage } from './read-message.ts';

type Written = Record<string, unknown>;

const whenOptions = ['at', 'after', 'every', 'cron'] as const;
/** Option → field, of what is a text in both. */
const texts: Record<string, string> = {
  in: 'time_zone',
  from: 'from',
  name: 'name',
  deliver: 'deliver',
  jitter: 'jitter',
};
const numbers: Record<string, string> = { times: 'max_runs', retries: 'retries' };
const payloadOptions = ['text', 'ask', 'tool', 'fetch', 'webhook', 'payload'] as const;
const maxPayloadBytes = 256 * 1024;

/** `words`: when it is due, in words. Null: that is not said so. */
export async function writtenJob(invocation: Invocation, words: string | null): Promise<Written> {
  const { options } = invocation;
  return {
    ...writtenWhen(options, words),
    ...given(options, texts, (text) => text),
    ...given(options, numbers, (text, name) => count(text, name)),
    // The API takes them back by an empty value, which a command line cannot say.
    ...given(options, { until: 'until' }, (text) => (text === 'none' ? '' : text)),
    ...given(options, { except: 'except' }, (text) =>
      text === 'none' ? [] : text.split(',').map((day) => day.trim()),
    ),
    ...writtenMissed(options),
    ...(await writtenPayload(invocation)),
  };
}

export async function writtenTask(invocation: Invocation): Promise<Written> {
  const { options } = invocation;
  const { in: time_zone = '', name = '', deliver = '' } = texts;
  return {
    ...given(options, { at: 'at', after: 'after', in: time_zone, name, deliver }, (text) => text),
    ...given(options, { retries: 'retries' }, (text, option) => count(text, option)),
    ...(await writtenPayload(invocation)),
  };
}

function writtenWhen(options: Options, words: string | null): Written {
  const named = whenOptions.filter((name) => options.has(name));
  if (named.length + (words === null ? 0 : 1) > 1) {
    const all = [...(words === null ? [] : ['the words']), ...named.map((name) => `--${name}`)];
    throw new CliError(`Say once when it is due, not by ${all.join(' and ')}.`, 2);
  }
  return { ...(words === null ? {} : { words }), ...given(options, pairs(whenOptions), (text) => text) };
}

/** `skip`, `once`, `all` or `all:3`, and how late at most. */
function writtenMissed(options: Options): Written {
  const text = options.value('missed');
  const lateness = options.value('max-lateness');
  if (text === undefined) {
    if (lateness !== undefined) throw new CliError('--max-lateness goes with --missed skip|once|all:N.', 2);
    return {};
  }
  const match = /^(skip|once|all)(?::(\d{1,3}))?$/.exec(text);
  if (match === null || (match[2] !== undefined && match[1] !== 'all')) {
    throw new CliError(`--missed takes skip, once, all or all:N, not "${text}".`, 2);
  }
  const max = match[2] === undefined ? {} : { max: Number(match[2]) };
  return { missed: { policy: match[1], ...max, ...(lateness === undefined ? {} : { max_lateness: lateness }) } };
}

/** What is to be done, or nothing when no option says it. */
async function writtenPayload(invocation: Invocation): Promise<{ payload?: Written }> {
  const { options, terminal } = invocation;
  const [kind, ...more] = payloadOptions.filter((name) => options.has(name));
  // A page can be fetched and the agent asked about it.
  const asksAbout = kind === 'ask' && more.length === 1 && more[0] === 'fetch';
  if (more.length > 0 && !asksAbout) {
    throw new CliError(`Say one thing to do, not --${[kind, ...more].join(' and --')}.`, 2);
  }
  for (const [option, of] of [
    ['args', 'tool'],
    ['changed', 'fetch'],
    ['silent', 'ask'],
    ['body', 'webhook'],
  ] as const) {
    if (options.has(option) && !options.has(of)) throw new CliError(`--${option} goes with --${of}.`, 2);
  }
  if (kind === undefined) return {};
  const value = options.value(kind) ?? '';
  const text = (): Promise<string> => readMessage(value, terminal.input);
  const url = options.value('fetch');
  if (url !== undefined) {
    const changed = options.has('changed') ? { changed: true } : {};
    return { payload: { kind: 'fetch', url, ...changed, ...(asksAbout ? { prompt: await text() } : {}) } };
  }
  switch (kind) {
    case 'text':
      return { payload: { kind, text: await text() } };
    case 'ask':
      return { payload: { kind, prompt: await text(), ...(options.has('silent') ? { silent: true } : {}) } };
    case 'tool':
      return { payload: { kind, tool: value, ...jsonOption(options, 'args') } };
    case 'webhook':
      return { payload: { kind, name: value, ...jsonOption(options, 'body') } };
    default:
      return { payload: await payloadFile(invocation, value) };
  }
}

function jsonOption(options: Options, name: string): Written {
  const text = options.value(name);
  if (text === undefined) return {};
  try {
    return { [name]: JSON.parse(text) as unknown };
  } catch {
    throw new CliError(`--${name} takes JSON, in single quotes for the shell: --${name} '{"city": "Oslo"}'.`, 2);
  }
}

async function payloadFile({ cwd, terminal }: Invocation, file: string): Promise<Written> {
  const text =
    file === '-'
      ? await readMessage(file, terminal.input)
      : await readFile(path.resolve(cwd, file), 'utf8').catch(() => {
          throw new CliError(`${file} cannot be read; name a file that holds the payload as JSON, or "-".`);
        });
  if (Buffer.byteLength(text) > maxPayloadBytes) throw new CliError(`${file} is larger than ${maxPayloadBytes} bytes.`);
  let payload: unknown;
  try {
    payload = JSON.parse(text);
  } catch (error) {
    throw new CliError(`What ${file} holds is not JSON (${(error as Error).message}).`);
  }
  if (typeof payload !== 'object' || payload === null || Array.isArray(payload)) {
    throw new CliError(`What ${file} holds must be an object such as {"kind": "workflow", "steps": […]}.`);
  }
  return payload as Written;
}

const pairs = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, name]));

function given(
  options: Options,
  fields: Readonly<Record<string, string>>,
  read: (text: string, option: string) => unknown,
): Written {
  return Object.fromEntries(
    Object.entries(fields).flatMap(([option, field]) => {
      const text = options.value(option);
      return text === undefined ? [] : [[field, read(text, option)]];
    }),
  );
}

function count(text: string, option: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new CliError(`--${option} takes a number, not "${text}".`, 2);
  return Number(text);
}
