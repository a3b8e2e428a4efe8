import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { notFound } from '../../../core/errors.ts';
import { isTextType } from '../../../core/file-type.ts';
import type { FileStorage } from '../../../core/ports/files.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';

/** Characters of a piece, unless fewer are asked for. */
const maxPiece = 16_000;
/** Places of words that are shown, each with what stands around it. */
const maxPlaces = 10;
const around = 200;

export interface ResultsToolsDeps {
  storage: Pick<FileStorage, 'read'>;
  store: Pick<Store, 'file'>;
}

/**
 * Reads on in what was kept whole because it was too long: results of tools, and attached texts. Who wrote what is in
 * such a file is not known any more, so all of it is outside text.
 */
export const resultsTools = (deps: ResultsToolsDeps): ToolGroup => ({
  name: 'results',
  about: 'read on in a long result that was cut, or a text attached',
  keywords: [],
  tools: [
    defineTool({
      name: 'read_result',
      description: 'A kept text by its id: from character offset on, or the places where words stand.',
      input: () =>
        z.strictObject({
          id: z.string(),
          offset: z.exactOptional(z.number()),
          limit: z.exactOptional(z.number()),
          find: z.exactOptional(z.string()),
        }),
      effects: ['read'],
      async run({ id, offset = 0, limit = maxPiece, find }, { person }) {
        const text = await textOf(id, person, deps);
        if (text === null) return { text: 'That is no text; only text and JSON can be read.', isError: true };
        return find === undefined ? piece(text, offset, limit) : places(text, find, offset);
      },
    }),
  ],
});

/** Of a file of this person; somebody else's is as if there were none. */
async function textOf(id: string, person: string, { store, storage }: ResultsToolsDeps): Promise<string | null> {
  const row = await store.file(id, person);
  if (row === null) throw notFound('result');
  if (!isTextType(row.mimeType)) return null;
  const bytes = await storage.read(id);
  if (bytes === null) throw notFound('result');
  return new TextDecoder().decode(bytes);
}

const outside = 'kept result';

function piece(text: string, from: number, limit: number): ToolOutput {
  const start = Math.max(0, Math.floor(from));
  const end = Math.min(text.length, start + Math.min(maxPiece, Math.max(1, Math.floor(limit))));
  if (start >= text.length) return { text: `The text has only ${text.length} characters.`, isError: true };
  const next = end < text.length ? `; the next begin at ${end}` : '';
  return {
    text: `[characters ${start} to ${end} of ${text.length}${next}]\n${text.slice(start, end).toWellFormed()}`,
    outside,
  };
}

/** Each line of context once: places that lie close together are one. */
function places(text: string, find: string, from: number): ToolOutput {
  const wanted = find.toLowerCase();
  if (wanted.trim() === '') return { text: 'find: write the words to look for.', isError: true };
  // Lower case of some letters is longer: places are those of the text only while it has kept its length.
  const lower = text.toLowerCase();
  const within = lower.length === text.length ? lower : text;
  const found: string[] = [];
  let at = within.indexOf(wanted, Math.max(0, Math.floor(from)));
  while (at !== -1 && found.length < maxPlaces) {
    const [start, end] = [Math.max(0, at - around), Math.min(text.length, at + wanted.length + around)];
    found.push(`[at ${at}]\n${text.slice(start, end).toWellFormed()}`);
    at = within.indexOf(wanted, end);
  }
  if (found.length === 0) return { text: 'These words are not in it.' };
  if (at !== -1) found.push(`[more from ${at} on: give it as offset]`);
  return { text: found.join('\n'), outside };
}
