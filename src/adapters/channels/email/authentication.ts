/**
 * Whether the sender of a mail is who it says. Anybody can write anything behind `From:`; what can be believed is what
 * the receiving server found out and wrote into `Authentication-Results` (RFC 8601). A header of that name which the
 * sender brought along proves nothing: without the name of the trusted server only the topmost one counts, as servers
 * write theirs above everything that came; with it, all that bear this name, as a server must remove foreign ones.
 */
import { domainOf } from './address.ts';

export type Authenticity =
  | { verdict: 'genuine' }
  /** The server does not tell. */
  | { verdict: 'unknown' }
  | { verdict: 'doubtful'; detail: string };

interface Result {
  method: string;
  value: string;
  /** `header.from`, `smtp.mailfrom`, … in lower case. */
  properties: Map<string, string>;
}

const maxHeaders = 20;
const maxHeader = 8192;

export interface AuthenticityQuestion {
  /** Values of the Authentication-Results headers, topmost first. */
  headers: readonly string[];
  /** The plain address behind `From:`. */
  from: string;
  /** The name the trusted server gives itself; null: whoever wrote the topmost header. */
  trusted: string | null;
}

export function authenticity({ headers, from, trusted }: AuthenticityQuestion): Authenticity {
  const parsed = headers.slice(0, maxHeaders).map((header) => parseResults(header.slice(0, maxHeader)));
  const believed =
    trusted === null ? parsed.slice(0, 1) : parsed.filter(({ server }) => server === trusted.toLowerCase());
  const results = believed.flatMap((header) => header.results);
  if (believed.length === 0) {
    if (trusted === null) return { verdict: 'unknown' };
    return { verdict: 'doubtful', detail: `no Authentication-Results of ${trusted}` };
  }
  const domain = domainOf(from);
  const dmarc = results.filter(({ method }) => method === 'dmarc');
  if (dmarc.some(({ value }) => value === 'fail')) return { verdict: 'doubtful', detail: 'dmarc=fail' };
  const passed = results.filter(({ value }) => value === 'pass');
  if (passed.some((result) => isAboutSender(result, from, domain))) return { verdict: 'genuine' };
  const seen = results.map(({ method, value }) => `${method}=${value}`).slice(0, 8);
  return { verdict: 'doubtful', detail: seen.length === 0 ? 'nothing was checked' : seen.join(' ') };
}

/** A check that passed for some other domain says nothing about the one behind `From:`. */
function isAboutSender({ method, properties }: Result, from: string, domain: string): boolean {
  const property = (...names: string[]): string => {
    const value = names.map((name) => properties.get(name)).find((found) => found !== undefined) ?? '';
    return domainOf(value.replace(/^<|>$/g, ''));
  };
  switch (method) {
    case 'dmarc':
      return !properties.has('header.from') || property('header.from') === domain;
    case 'dkim':
      return isAligned(property('header.d', 'header.i'), domain);
    case 'spf':
      return isAligned(property('smtp.mailfrom', 'smtp.mail', 'smtp.from'), domain);
    case 'auth':
      // Handed in with a password of the same server.
      return [properties.get('smtp.auth'), properties.get('smtp.mailfrom')].includes(from);
    default:
      return false;
  }
}

/** The same domain, or one below the other; a lone top-level domain is nobody's. */
function isAligned(proven: string, domain: string): boolean {
  if (!proven.includes('.')) return proven !== '' && proven === domain;
  return proven === domain || domain.endsWith(`.${proven}`) || (domain.includes('.') && proven.endsWith(`.${domain}`));
}

/** `example.org 1; dkim=pass (2048 bits) header.d=example.org; …`; some servers leave their name out. */
function parseResults(header: string): { server: string; results: Result[] } {
  const statements = plainStatements(header);
  const named = !/^[a-z0-9-]+\s*=/i.test(statements[0] ?? '');
  const server = named ? (statements.shift() ?? '').split(/\s+/)[0] : '';
  const results = statements.flatMap((statement): Result[] => {
    const [first = '', ...rest] = statement.replaceAll(/\s*=\s*/g, '=').split(/\s+/);
    const [method = '', value = ''] = first.toLowerCase().split('=');
    const properties = new Map<string, string>();
    for (const word of rest) {
      const at = word.indexOf('=');
      // The first one counts: a value that was made to look like more words must not replace it.
      const name = word.slice(0, at).toLowerCase();
      if (at > 0 && !properties.has(name)) properties.set(name, word.slice(at + 1).toLowerCase());
    }
    return value === '' ? [] : [{ method: method.split('/')[0] ?? '', value, properties }];
  });
  return { server: (server ?? '').toLowerCase(), results };
}

/** Without comments, cut at semicolons; both may stand inside quotes, where they mean nothing. */
function plainStatements(header: string): string[] {
  const statements = [''];
  let depth = 0;
  let quoted = false;
  for (let i = 0; i < header.length; i++) {
    const char = header.charAt(i);
    if (char === '\\' && (quoted || depth > 0)) i++;
    else if (char === '"' && depth === 0) quoted = !quoted;
    else if (char === '(' && !quoted) depth++;
    else if (char === ')' && !quoted && depth > 0) depth--;
    else if (depth > 0) continue;
    else if (char === ';' && !quoted) statements.push('');
    // Whitespace inside quotes must not begin a new word.
    else statements.push((statements.pop() ?? '') + (quoted && /\s/.test(char) ? '_' : char));
  }
  return statements.map((statement) => statement.trim()).filter((statement) => statement !== '');
}
