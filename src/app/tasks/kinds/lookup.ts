import { ClankerError } from '../../../core/errors.ts';
import type { Payload } from '../../../core/payload.ts';
import type { Notes } from '../../../core/ports/notes.ts';
import { inMarkdown } from '../../../core/rich-text.ts';
import type { TaskKind, TaskWork } from '../../../core/ports/task-kind.ts';
import { outsideOf } from '../../../core/workflow.ts';
import type { JobTools } from '../job-tools.ts';

type LookupWork = TaskWork<Extract<Payload, { kind: 'lookup' }>>;
type Place = 'notes' | 'files';

/** What looks there in a chat: who may not use it there has nothing looked up there. */
const toolOf: Readonly<Record<Place, string>> = { notes: 'notes_search', files: 'files_find' };
const refusals: ReadonlySet<string> = new Set(['no_such_tool', 'not_allowed']);
const defaultLimit = 5;
/** Characters of a note that are shown. */
const maxExcerpt = 300;

/** A file that was found: by its name when it has no lines, else with the first lines that hold a word. */
export interface FoundFile {
  path: string;
  lines: readonly string[];
}

export interface LookupKindDeps {
  notes: Pick<Notes, 'search'>;
  /** Files with all of these words in their name or in their text, at most `limit`, best first. */
  findFiles: (person: string, words: string, limit: number, signal: AbortSignal) => Promise<readonly FoundFile[]>;
  tools: Pick<JobTools, 'prepare'>;
}

/** One thing that was found, as Markdown; `outside`: as of results. */
interface Found {
  text: string;
  outside: string | null;
}

/** Looks into the person's notes and files: the best of both in turn. Nothing found is nothing to tell. */
export const lookupKind = ({ notes, findFiles, tools }: LookupKindDeps): TaskKind<'lookup'> => ({
  kind: 'lookup',
  repeatable: true,
  async run(work) {
    const { task, payload, signal } = work;
    const { query, limit = defaultLimit } = payload;
    const { owner, deliver, origin } = task;
    // As in chats: what others in a group wrote could have had it made.
    if (deliver.to === 'conversation' && deliver.chatType === 'group')
      throw new ClankerError('auth', 'only_direct', 'Notes and files are looked up for a direct chat only.');
    const places = await openPlaces(work, tools);
    const inNotes = places.includes('notes') ? await found(notes.search(owner, query, { limit }), limit) : [];
    const inFiles = places.includes('files') ? await findFiles(owner, query, limit, signal) : [];
    const both = inTurn(
      inNotes.map(({ title, text, outside }): Found => ({
        text: `- **${inMarkdown(title)}**: ${inMarkdown(excerpt(text))}`,
        outside,
      })),
      inFiles.map(({ path, lines }): Found => ({
        text: [`- 📄 ${inMarkdown(path)}`, ...lines.map((line) => `  ${inMarkdown(line.trim())}`)].join('\n'),
        outside: 'file',
      })),
    ).slice(0, limit);
    const text = both.map((each) => each.text).join('\n');
    return { text, files: [], outside: outsideOf([origin.tainted, ...both.map(({ outside }) => outside)]) };
  },
});

/** Where may be looked: as in a chat, by the tool for it. Rejects when that is nowhere. */
async function openPlaces(work: LookupWork, tools: LookupKindDeps['tools']): Promise<Place[]> {
  const { query, in: wanted = ['notes', 'files'] } = work.payload;
  const open: Place[] = [];
  let closed: unknown = null;
  for (const place of wanted) {
    try {
      await tools.prepare(work, toolOf[place], { words: query });
      open.push(place);
    } catch (error) {
      if (!(error instanceof ClankerError) || !refusals.has(error.code)) throw error;
      closed = error;
    }
  }
  if (open.length === 0) throw closed;
  return open;
}

/** Notes that are switched off hold nothing. */
async function found<T>(searching: Promise<{ items: T[] }>, limit: number): Promise<T[]> {
  try {
    return (await searching).items.slice(0, limit);
  } catch (error) {
    if (error instanceof ClankerError && error.code === 'notes_off') return [];
    throw error;
  }
}

const excerpt = (text: string): string => {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= maxExcerpt ? line : `${line.slice(0, maxExcerpt).toWellFormed()}…`;
};

function inTurn<T>(a: readonly T[], b: readonly T[]): T[] {
  return Array.from({ length: Math.max(a.length, b.length) }, (_, n) => [
    ...a.slice(n, n + 1),
    ...b.slice(n, n + 1),
  ]).flat();
}
