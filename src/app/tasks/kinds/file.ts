import { ClankerError } from '../../../core/errors.ts';
import { cleanFileName } from '../../../core/file-path.ts';
import { headBytes, judgeType } from '../../../core/file-type.ts';
import type { TaskKind } from '../../../core/ports/task-kind.ts';
import { saveText, type SaveDeps } from '../keep-whole.ts';
import type { Questions } from '../question.ts';
import type { JobRights } from '../rights.ts';

/** By the ending of a name; what the bytes do not bear out is not believed. */
const types: Readonly<Record<string, string>> = {
  txt: 'text/plain',
  log: 'text/plain',
  md: 'text/markdown',
  csv: 'text/csv',
  tsv: 'text/tab-separated-values',
  html: 'text/html',
  css: 'text/css',
  ics: 'text/calendar',
  json: 'application/json',
  xml: 'application/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  toml: 'application/toml',
  svg: 'image/svg+xml',
};
const fallbackName = 'file.txt';

export interface FileKindDeps {
  questions: Questions;
  rights: JobRights;
  save: SaveDeps;
}

/** Makes a file of a text, or of what the agent answers; it is handed over, and nothing is said. */
export const fileKind = ({ questions, rights, save }: FileKindDeps): TaskKind<'file'> => ({
  kind: 'file',
  repeatable: true,
  problem: ({ text, prompt }) =>
    Promise.resolve(
      (text === undefined) === (prompt === undefined) ? 'A file is made of a text or of a prompt.' : null,
    ),
  async run(work) {
    const { task, payload } = work;
    const { name: wanted, text, prompt = '' } = payload;
    await rights.of(task);
    const answer =
      text === undefined ? await questions.ask(work, { prompt: `${prompt}\n\n[${asContent(wanted)}]` }) : null;
    if (answer?.asks === true) return { text: answer.text, files: answer.files, outside: answer.outside };
    const content = text ?? contentOf(answer?.text ?? '');
    if (content.trim() === '')
      throw new ClankerError('provider', 'empty_file', 'There is nothing to put into the file.');
    const name = cleanFileName(wanted) ?? fallbackName;
    const head = new TextEncoder().encode(content).subarray(0, headBytes);
    const { type } = judgeType(typeByName(name), head);
    const file = await saveText(task.owner, type, content, save);
    return {
      text: '',
      files: [{ ...file, name }, ...(answer?.files ?? [])],
      outside: answer === null ? task.origin.tainted : answer.outside,
    };
  },
});

const asContent = (name: string): string =>
  `Answer with the contents of the file ${JSON.stringify(name)} and nothing else`;

/** Models like to put what they were asked for into a block of code; the file is what stands in it. */
const contentOf = (answer: string): string => /^\s*(`{3,})[^\n`]*\n([^]*?)\n?\1\s*$/.exec(answer)?.[2] ?? answer;

function typeByName(name: string): string {
  const ending = /\.([a-z0-9]+)$/i.exec(name)?.[1]?.toLowerCase() ?? 'txt';
  return Object.hasOwn(types, ending) ? (types[ending] ?? 'text/plain') : 'application/octet-stream';
}
