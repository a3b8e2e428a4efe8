import { createHash } from 'node:crypto';
import { lineDiff } from '../../../core/line-diff.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { PageReader, ReadPage } from '../../../core/ports/page-reader.ts';
import type { Clock } from '../../../core/ports/system.ts';
import { inMarkdown } from '../../../core/rich-text.ts';
import type { TaskKind, TaskOutcome } from '../../../core/ports/task-kind.ts';
import type { JobTools } from '../job-tools.ts';
import { keepWhole, type SaveDeps } from '../keep-whole.ts';
import type { Questions } from '../question.ts';

/** The tool that a page would be read with in a chat: who may not use it there has nothing read by jobs. */
const toolName = 'http_request';
const outside = 'web page';
/** Characters of a page that are kept for the next run to compare with. */
const maxKept = 16_384;
/** Characters of a page that the agent is shown. */
const maxAsked = 24_000;

export interface FetchKindDeps {
  tools: JobTools;
  readPage: PageReader;
  /** What is wrong with an address as it is written; null: nothing. What its name resolves to is seen with each run. */
  refusalOf: (url: string, owner: string) => Promise<string | null>;
  questions: Questions;
  clock: Clock;
  save: SaveDeps;
}

/** What a page looked like, for the next run of the job. */
interface Kept {
  url: string;
  /** Of all of its text. */
  hash: string;
  /** The beginning of it. */
  text: string;
  at: number;
}

/**
 * Reads a page: the result is its text, what changed in it since the run before, or what the agent says about either.
 * Blanks and empty lines are no change. What a page says is outside text wherever it goes.
 */
export const fetchKind = (deps: FetchKindDeps): TaskKind<'fetch'> => ({
  kind: 'fetch',
  repeatable: true,
  problem: async ({ url }, owner) => (await deps.tools.problem(toolName, { url }, owner)) ?? deps.refusalOf(url, owner),
  async run(work) {
    const { tools, readPage, questions, clock, save } = deps;
    const { task, payload, memory, signal } = work;
    const { url, changed = false, prompt } = payload;
    const { call } = await tools.prepare(work, toolName, { url });
    const page = await readPage(url, { mayReachPrivate: call.role === 'owner', signal });
    const text = settled(page.text);
    const kept: Kept = { url, hash: hashOf(text), text: text.slice(0, maxKept).toWellFormed(), at: clock.now() };
    const remembered: Pick<TaskOutcome, 'memory'> = changed ? { memory: { ...kept } } : {};
    const silent: TaskOutcome = { text: '', files: [], outside, ...remembered };
    const told = changed ? changeOf(keptIn(memory, url), kept) : page.text;
    if (told === null) return silent;
    if (prompt !== undefined) {
      const quoted = { text: `${headOf(page)}\n\n${told}`.slice(0, maxAsked).toWellFormed(), outside };
      const { asks: _, ...answer } = await questions.ask(work, { prompt, quoted });
      return { ...answer, ...remembered };
    }
    const shown = changed ? fenced(told) : told;
    const whole = await keepWhole(`${headOf(page)}\n\n${shown}`, task.owner, save);
    return { ...whole, outside, ...remembered };
  },
});

const headOf = ({ title, url }: ReadPage): string => (title === '' ? `<${url}>` : `**${inMarkdown(title)}** <${url}>`);

/** As a block of code that nothing in it can end. */
function fenced(text: string): string {
  const longest = Math.max(0, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length));
  const fence = '`'.repeat(Math.max(3, longest + 1));
  return `${fence}diff\n${text}\n${fence}`;
}

/** Without what changes from one look to the next and says nothing. */
const settled = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.replaceAll(/\s+/g, ' ').trim())
    .filter((line) => line !== '')
    .join('\n');

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Null: nothing changed, or there is nothing to compare with. */
function changeOf(before: Kept | null, now: Kept): string | null {
  if (before === null || before.hash === now.hash) return null;
  const { text } = lineDiff(before.text, now.text);
  return text === '' ? `It changed after its first ${maxKept} characters.` : text;
}

/** Null after the job was told to look at another page. */
function keptIn(memory: JsonObject | null, url: string): Kept | null {
  const { hash, text, at } = memory ?? {};
  if (memory?.['url'] !== url || typeof hash !== 'string' || typeof text !== 'string') return null;
  return { url, hash, text, at: Number(at) };
}
