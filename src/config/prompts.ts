/** Prompt files: `prompt = "prompts/support.md"` of an agent, Markdown with optional front matter. */
import path from 'node:path';
import { FrontMatterError, type ReadHead, splitFrontMatter } from '../core/front-matter.ts';
import { redact } from '../core/redact.ts';
import type { Problem } from './problem.ts';
import { readTextFile, UnreadableFile } from './read-file.ts';
import { configSchema } from './schema.ts';
import { schemaAt } from './schema-walk.ts';
import { isTree, layers } from './tree.ts';
import type { Origin, Written } from './tree.ts';

/** As much as a text of the configuration may hold. */
const maxPromptBytes = 65_536;

/** What front matter may say: keys of the agent's table. `description` also where the table has no such key. */
const fields = ['description', 'model', 'temperature', 'max_tokens', 'history_window', 'tools', 'skills'];

/** A prompt has front matter, and what reads it was not loaded yet. */
export class FrontMatterFound extends Error {
  override readonly name = 'FrontMatterFound';
}

interface PromptSources {
  /** Where relative paths start. */
  folder: string;
  /** Null while it is not loaded: throws FrontMatterFound when it is needed. */
  readHead: ReadHead | null;
}

/**
 * Reads the prompt file of every agent that names one: the body becomes its `system_prompt`, and front matter fills the
 * keys that its table does not say. Returns the files, to be watched.
 */
export function readPrompts(written: Written, sources: PromptSources): { files: string[]; problems: Problem[] } {
  const files: string[] = [];
  const problems: Problem[] = [];
  const agents = written.get(['agents']);
  for (const at of [['agent'], ...Object.keys(isTree(agents) ? agents : {}).map((name) => ['agents', name])]) {
    const named = written.get([...at, 'prompt']);
    if (typeof named !== 'string' || named.trim() === '') continue;
    const file = path.resolve(sources.folder, named);
    files.push(file);
    try {
      problems.push(...readPrompt(written, at, file, sources.readHead));
    } catch (error) {
      problems.push(problemOf(error, [...at, 'prompt'], file));
    }
  }
  return { files, problems };
}

function readPrompt(written: Written, at: string[], file: string, readHead: ReadHead | null): Problem[] {
  const { head, body, bodyLine } = splitFrontMatter(readTextFile(file, maxPromptBytes));
  if (head !== null && readHead === null) throw new FrontMatterFound();
  const from = (line: number): Origin => ({ layer: 'prompt', text: file, line });
  if (body === '') throw new FrontMatterError(bodyLine, 'there is no prompt in this file');
  const problems = takePrompt(written, at, body, from(bodyLine));
  if (head === null || readHead === null) return problems;
  const { fields: said, lines } = readHead(head);
  for (const [key, value] of Object.entries(said)) {
    const line = lines.get(key) ?? 1;
    const target = [...at, key];
    if (!fields.includes(key)) {
      const message = `unknown key ${JSON.stringify(key.slice(0, 60))}; front matter of a prompt takes ${fields.join(', ')}`;
      problems.push({ path: [...at, 'prompt'], message, place: { file, line } });
    } else if (schemaAt(configSchema(), target) !== undefined && written.get(target) === undefined) {
      written.set(target, value, from(line));
    }
  }
  return problems;
}

/** Two prompts of the same layer are a mistake; else the stronger one counts, as everywhere. */
function takePrompt(written: Written, at: string[], body: string, origin: Origin): Problem[] {
  const own = [...at, 'system_prompt'];
  const rank = (key: string): number => layers.indexOf(written.origin([...at, key])?.layer ?? 'default');
  const difference = written.get(own) === undefined ? -1 : rank('system_prompt') - rank('prompt');
  if (difference === 0) return [{ path: own, message: '`prompt` names a file for it; keep one of the two' }];
  if (difference < 0) written.set(own, body, origin);
  return [];
}

function problemOf(error: unknown, at: string[], file: string): Problem {
  if (error instanceof UnreadableFile) return { path: at, message: `${redact(file)} cannot be read: ${error.message}` };
  if (!(error instanceof FrontMatterError)) throw error;
  return { path: at, message: error.message, place: { file, line: error.line } };
}
