/** Front matter with its YAML read by a library, which is loaded once a file has some. */
import { type Document, isMap, isScalar, LineCounter, parseDocument } from 'yaml';
import { FrontMatterError, type ReadHead } from '../core/front-matter.ts';
import type { JsonObject, JsonValue } from '../core/message.ts';

const maxDepth = 8;
const maxValues = 1000;

/**
 * YAML 1.2 with JSON's types only: no tags, no aliases, no key twice, every key a text. Throws
 * FrontMatterError with the line in the file, whose first line is the fence above `head`.
 */
export const readHead: ReadHead = (head) => {
  const counter = new LineCounter();
  const lineAt = (offset: number): number => counter.linePos(offset).line + 1;
  const document = parseDocument(head, {
    schema: 'core',
    prettyErrors: false,
    logLevel: 'silent',
    lineCounter: counter,
  });
  const [wrong] = [...document.errors, ...document.warnings];
  if (wrong !== undefined) throw new FrontMatterError(lineAt(wrong.pos[0]), `not valid YAML: ${reason(wrong)}`);
  const { contents } = document;
  if (contents === null) return { fields: {}, lines: new Map() };
  if (!isMap(contents)) throw new FrontMatterError(2, 'front matter is lines of "name: value"');
  const lines = new Map<string, number>();
  for (const { key } of contents.items) {
    if (isScalar(key)) lines.set(String(key.value), lineAt(key.range?.[0] ?? 0));
  }
  const fields = plain(valueOf(document), new Budget(), 0);
  return { fields: fields as JsonObject, lines };
};

/** The library's words, without what it shows of the text. */
const reason = ({ code, message }: { code: string; message: string }): string =>
  code === 'RESOURCE_EXHAUSTION'
    ? 'it is nested too deeply'
    : code === 'TAG_RESOLVE_FAILED'
      ? 'tags such as "!name" are not taken'
      : (message.split('\n', 1)[0] ?? '').slice(0, 200);

function valueOf(document: Document.Parsed): unknown {
  try {
    return document.toJS({ mapAsMap: true, maxAliasCount: 0 });
  } catch {
    throw new FrontMatterError(2, 'anchors and aliases (&name, *name) are not taken');
  }
}

class Budget {
  #left = maxValues;

  take(): void {
    if (--this.#left < 0) throw new FrontMatterError(2, `the front matter holds more than ${maxValues} values`);
  }
}

function plain(value: unknown, budget: Budget, depth: number): JsonValue {
  budget.take();
  if (depth > maxDepth) throw new FrontMatterError(2, `the front matter is nested deeper than ${maxDepth}`);
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  if (Array.isArray(value)) return value.map((item) => plain(item, budget, depth + 1));
  if (!(value instanceof Map))
    throw new FrontMatterError(2, 'only texts, numbers, true, false, lists and tables are taken');
  const table = Object.create(null) as JsonObject;
  for (const [key, inside] of value) {
    if (typeof key !== 'string') throw new FrontMatterError(2, 'every name in front matter is a text');
    table[key] = plain(inside, budget, depth + 1);
  }
  return table;
}
