/** Which parts of a mail are its words and which are files, from the outline its server gives (BODYSTRUCTURE). */

/** A node of the outline, as the IMAP library gives it; everything in it was written by the sender. */
export interface Outline {
  part?: string;
  type: string;
  parameters?: Record<string, string>;
  encoding?: string;
  size?: number;
  disposition?: string;
  dispositionParameters?: Record<string, string>;
  childNodes?: Outline[];
}

export interface TextPart {
  part: string;
  kind: 'plain' | 'html';
  charset: string;
  encoding: string;
  /** RFC 3676. */
  flowed: boolean;
  delSp: boolean;
}

export interface FilePart {
  part: string;
  mimeType: string;
  /** Bytes once decoded, about. */
  size: number | null;
  name: string | null;
}

const maxDepth = 16;
const maxNodes = 200;
const maxTexts = 8;
const maxFiles = 20;
const maxName = 128;

/** Texts in the order of reading; of alternatives the plain one. What lies deeper or further is not looked at. */
export function contentsOf(root: Outline): { texts: TextPart[]; files: FilePart[] } {
  const texts: TextPart[] = [];
  const files: FilePart[] = [];
  let nodes = 0;
  const walk = (node: Outline, depth: number, kind: TextPart['kind'] | null): void => {
    if (++nodes > maxNodes || depth > maxDepth) return;
    const type = node.type.toLowerCase();
    const children = Array.isArray(node.childNodes) ? node.childNodes : [];
    if (type.startsWith('multipart/')) {
      const wanted = type === 'multipart/alternative' ? preferred(children) : kind;
      for (const child of children) walk(child, depth + 1, wanted);
      return;
    }
    const part = node.part ?? '1';
    if (!/^\d{1,4}(\.\d{1,4}){0,19}$/.test(part)) return;
    const text = textKind(type, node);
    if (text === null) {
      if (files.length < maxFiles) files.push(filePart(node, type, part));
    } else if ((kind === null || kind === text) && texts.length < maxTexts) texts.push(textPart(node, part, text));
  };
  walk(root, 0, null);
  return { texts, files };
}

/** The kind of text to take from alternatives: plain where there is any. */
function preferred(children: readonly Outline[], depth = 0): TextPart['kind'] {
  const holdsPlain = (node: Outline, level: number): boolean =>
    level <= maxDepth &&
    (node.type.toLowerCase() === 'text/plain' ||
      (Array.isArray(node.childNodes) &&
        node.childNodes.slice(0, maxNodes).some((child) => holdsPlain(child, level + 1))));
  return children.slice(0, maxNodes).some((child) => holdsPlain(child, depth)) ? 'plain' : 'html';
}

function textKind(type: string, node: Outline): TextPart['kind'] | null {
  const isFile = node.disposition?.toLowerCase() === 'attachment' || fileName(node) !== null;
  if (isFile) return null;
  return type === 'text/plain' ? 'plain' : type === 'text/html' ? 'html' : null;
}

const textPart = ({ parameters = {}, encoding = '' }: Outline, part: string, kind: TextPart['kind']): TextPart => ({
  part,
  kind,
  charset: token(parameters['charset']) || 'utf-8',
  encoding: token(encoding) || '7bit',
  flowed: token(parameters['format']).toLowerCase() === 'flowed',
  delSp: token(parameters['delsp']).toLowerCase() === 'yes',
});

function filePart(node: Outline, type: string, part: string): FilePart {
  const size = Number.isSafeInteger(node.size) && Number(node.size) >= 0 ? Number(node.size) : null;
  // Lines of 76 characters and their ends hold 57 bytes each (RFC 2045, 6.8).
  const decoded = size !== null && node.encoding?.toLowerCase() === 'base64' ? Math.floor((size * 57) / 78) : size;
  const mimeType = /^[a-z0-9!#$&^_.+-]{1,60}\/[a-z0-9!#$&^_.+-]{1,80}$/.test(type) ? type : 'application/octet-stream';
  return { part, mimeType, size: decoded, name: fileName(node) };
}

/** Only the last name of what may look like a path; it is never used as one. */
function fileName({ parameters = {}, dispositionParameters = {} }: Outline): string | null {
  const given = dispositionParameters['filename'] ?? parameters['name'];
  if (typeof given !== 'string') return null;
  const name = given
    .replaceAll(/\p{Cc}/gu, '')
    .split(/[/\\]/)
    .at(-1)
    ?.trim();
  return name === undefined || name === '' ? null : name.slice(-maxName).toWellFormed();
}

/** What may stand in a header without quotes. */
const token = (value: unknown): string =>
  typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]{1,60}$/.test(value) ? value : '';
