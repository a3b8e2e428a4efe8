import { HttpError } from './errors.ts';

/** The request target, split but not yet judged: `problem` is raised once it is known who asks. */
export interface Target {
  /** As it came, percent-encoding and all. */
  path: string;
  query: string;
  /** Why no route can match, or null. */
  problem: HttpError | null;
}

const badPath = (message: string): HttpError => new HttpError(400, 'bad_path', message);

/** Splits `/path?query`. Absolute-form (`GET http://…`) is for proxies, which this is not: 421. */
export function parseTarget(raw: string): Target {
  if (!raw.startsWith('/')) {
    throw new HttpError(421, 'host_not_allowed', 'Ask for a path such as /health; this server is no proxy.', {
      close: true,
    });
  }
  const mark = raw.indexOf('?');
  const path = mark < 0 ? raw : raw.slice(0, mark);
  const query = mark < 0 ? '' : raw.slice(mark + 1);
  return { path, query, problem: pathProblem(path) };
}

function pathProblem(path: string): HttpError | null {
  if (/%(?![0-9a-f]{2})/i.test(path)) return badPath('A "%" in the path is not followed by two hex digits.');
  if (/%(?:00|2f|5c)/i.test(path)) return badPath('The path holds an encoded slash, backslash or NUL.');
  // oxlint-disable-next-line no-control-regex -- control characters are what this refuses
  if (/[\u0000-\u0020\u007f\\#]/.test(path)) return badPath('The path holds a character that must be encoded.');
  for (const segment of path.split('/')) {
    const plain = decodeSegment(segment);
    if (plain === null) return badPath('The path is not UTF-8.');
    if (plain === '.' || plain === '..') return badPath('The path holds a dot segment.');
  }
  return null;
}

/** Null when the bytes are no UTF-8. */
export function decodeSegment(segment: string): string | null {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

const maxQueryFields = 32;

/** Query fields as text; a repeated field or bad encoding is 400, so no two readers can disagree about them. */
export function parseQuery(query: string): Record<string, string> {
  const fields: Record<string, string> = Object.create(null) as Record<string, string>;
  if (query === '') return fields;
  const pairs = query.split('&');
  if (pairs.length > maxQueryFields) throw new HttpError(400, 'bad_query', 'The query has too many fields.');
  for (const pair of pairs) {
    const mark = pair.indexOf('=');
    const name = decodeSegment((mark < 0 ? pair : pair.slice(0, mark)).replaceAll('+', ' '));
    const value = decodeSegment((mark < 0 ? '' : pair.slice(mark + 1)).replaceAll('+', ' '));
    if (name === null || value === null || /%(?![0-9a-f]{2})/i.test(pair) || value.includes('\0')) {
      throw new HttpError(400, 'bad_query', 'The query is not well encoded.');
    }
    if (name in fields) throw new HttpError(400, 'bad_query', `The query names "${name.slice(0, 40)}" twice.`);
    fields[name] = value;
  }
  return fields;
}
