import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { errorData, notFound } from '../../../core/errors.ts';
import { parseFilePath } from '../../../core/file-path.ts';
import { headBytes, judgeType } from '../../../core/file-type.ts';
import type { MintId } from '../../../core/ids.ts';
import type { FileStorage } from '../../../core/ports/files.ts';
import type { PersonFiles } from '../../../core/ports/person-files.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { Tool, ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';
import { findFiles, listFolder, readText } from './read.ts';

export interface FilesToolsDeps {
  files: PersonFiles;
  /** Where attachments are kept. */
  storage: FileStorage;
  store: Pick<Store, 'file' | 'saveFile'>;
  clock: Clock;
  mintId: MintId;
}

/** Refused before anybody is asked about the call: nobody should approve what cannot be done. */
const path = z.string().check((given) => {
  try {
    parseFilePath(given.value);
  } catch (error) {
    given.issues.push({ code: 'custom', message: errorData(error).message, input: given.value });
  }
});
/** Bounds in the schema would be sent with every request; `readText` takes whatever number comes. */
const place = z.number();
const unknownType = 'application/octet-stream';

/**
 * The folder of the person who asks. A file that was written by their own agent while no text of others was in play is
 * read back as their own words; every other one is outside text.
 */
export function filesTools({ readOnly }: { readOnly: boolean }, deps: FilesToolsDeps): ToolGroup {
  return {
    name: 'files',
    about: "the person's files: list, read, search, write, attach",
    keywords: [
      'file',
      'folder',
      'attach',
      'datei',
      'ordner',
      'anhang',
      'anhäng',
      'speicher',
      'archivo',
      'carpeta',
      'fichero',
      'adjunt',
      'fichier',
      'dossier',
      'joint',
    ],
    tools: readOnly ? readingTools(deps) : [...readingTools(deps), ...writingTools(deps)],
  };
}

function readingTools(deps: FilesToolsDeps): Tool[] {
  const { files } = deps;
  return [
    defineTool({
      name: 'files_read',
      description: 'Reads text lines from offset on, or lists a folder.',
      input: () =>
        z.strictObject({
          path: z.exactOptional(path),
          offset: z.exactOptional(place),
          limit: z.exactOptional(place),
        }),
      effects: ['read'],
      async run({ path: wanted = '', ...piece }, { person, chatType }) {
        if (chatType === 'group') return onlyDirect;
        const { kind } = await files.entry(person, wanted);
        return kind === 'folder' ? listFolder(files, person, wanted) : readText(files, person, wanted, piece);
      },
    }),
    defineTool({
      name: 'files_find',
      description: 'Finds files by glob, words.',
      input: () => z.strictObject({ glob: z.exactOptional(z.string()), words: z.exactOptional(z.string()) }),
      effects: ['read'],
      run: async (wanted, { person, signal, chatType }) =>
        chatType === 'group' ? onlyDirect : findFiles(files, person, wanted, signal),
    }),
    defineTool({
      name: 'files_attach',
      description: 'Sends a file with the answer.',
      input: () => z.strictObject({ path }),
      effects: ['read'],
      run: ({ path: wanted }, call) => attach(wanted, call, deps),
    }),
  ];
}

function writingTools({ files, storage, store }: FilesToolsDeps): Tool[] {
  return [
    defineTool({
      name: 'files_write',
      description: 'Writes text to a file.',
      input: () =>
        z.strictObject({
          path,
          text: z.string(),
          mode: z.exactOptional(z.enum(['create', 'replace', 'append'])),
        }),
      effects: ['write'],
      async run({ path: wanted, text, mode = 'create' }, { person, signal, tainted = null }) {
        const bytes = new TextEncoder().encode(text);
        const { path: written, size } = await files.write(person, wanted, bytes, {
          mode,
          own: tainted === null,
          signal,
        });
        return { text: `"${written}" has ${size} ${size === 1 ? 'byte' : 'bytes'} now.` };
      },
    }),
    defineTool({
      name: 'files_keep',
      description: 'Saves an attachment as a file.',
      input: () => z.strictObject({ id: z.string(), path }),
      effects: ['write'],
      async run({ id, path: wanted }, { person, signal }) {
        const row = await store.file(id, person);
        const bytes = row === null ? null : await storage.read(id);
        if (bytes === null) throw notFound('attachment');
        const { path: written, size } = await files.write(person, wanted, bytes, {
          mode: 'create',
          own: false,
          signal,
        });
        return { text: `Saved as "${written}", ${size} bytes.` };
      },
    }),
    defineTool({
      name: 'files_move',
      description: 'Moves or renames.',
      input: () => z.strictObject({ from: path, to: path }),
      effects: ['write'],
      async run({ from, to }, { person, signal, tainted = null }) {
        await files.move(person, from, to, { own: tainted === null, signal });
        return { text: `"${from}" is "${to}" now.` };
      },
    }),
    defineTool({
      name: 'files_delete',
      description: 'Deletes a file or a whole folder.',
      input: () => z.strictObject({ path }),
      effects: ['write'],
      async run({ path: wanted }, { person, signal }) {
        await files.remove(person, wanted, signal);
        return { text: `"${wanted}" is deleted.` };
      },
    }),
  ];
}

/** What others wrote in a group could talk the model into showing what is one person's alone. */
const onlyDirect: ToolOutput = { text: 'Files are read in a direct chat only: ask for it there.', isError: true };

/** A copy as it is now: what the answer carries must not change until it is delivered. */
async function attach(
  wanted: string,
  { person, chatType }: ToolCall,
  { files, storage, store, clock, mintId }: FilesToolsDeps,
): Promise<ToolOutput> {
  if (chatType === 'group') return onlyDirect;
  const { bytes } = await files.read(person, wanted);
  if (bytes.length === 0) return { text: `"${wanted}" is empty: there is nothing to send.`, isError: true };
  const id = mintId('file');
  const { size, sha256 } = await storage.save(id, once(bytes), bytes.length);
  const { type: mimeType } = judgeType(unknownType, bytes.subarray(0, headBytes));
  await store.saveFile({ id, owner: person, mimeType, size, sha256, createdAt: clock.now() });
  const name = wanted.split('/').findLast((part) => part !== '');
  const file = { id, mimeType, size, ...(name === undefined ? {} : { name }) };
  return { text: `"${wanted}" goes along with your answer.`, files: [file] };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}
