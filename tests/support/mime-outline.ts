/** The outline and the parts of a mail, as an IMAP server tells them (RFC 3501, 7.4.2). For mails that tests wrote. */

interface Node {
  head: Buffer;
  body: Buffer;
  type: string;
  subtype: string;
  parameters: [string, string][];
  encoding: string;
  disposition: { kind: string; parameters: [string, string][] } | null;
  children: Node[];
}

const maxDepth = 40;

export function parseMail(raw: Buffer, depth = 0): Node {
  const cut = raw.indexOf('\r\n\r\n');
  const head = cut === -1 ? raw : raw.subarray(0, cut + 4);
  const body = cut === -1 ? Buffer.alloc(0) : raw.subarray(cut + 4);
  const header = head.toString('latin1').replaceAll(/\r\n[ \t]+/g, ' ');
  const value = (name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(header)?.[1]?.trim() ?? '';
  const [full = '', ...rest] = cutParameters(value('content-type') || 'text/plain; charset=us-ascii');
  const [type = 'text', subtype = 'plain'] = full.toLowerCase().split('/');
  const parameters = pairs(rest);
  const [kind = '', ...more] = cutParameters(value('content-disposition'));
  const boundary = parameters.find(([name]) => name === 'boundary')?.[1];
  const node: Node = {
    head,
    body,
    type,
    subtype,
    parameters,
    encoding: value('content-transfer-encoding').toLowerCase() || '7bit',
    disposition: kind === '' ? null : { kind, parameters: pairs(more) },
    children: [],
  };
  if (type === 'multipart' && boundary !== undefined && depth < maxDepth) {
    const pieces = `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`).slice(1);
    for (const piece of pieces) {
      if (piece.startsWith('--')) break;
      node.children.push(parseMail(Buffer.from(piece.replace(/^[ \t]*\r\n/, ''), 'latin1'), depth + 1));
    }
  }
  return node;
}

const cutParameters = (value: string): string[] =>
  (value.match(/(?:[^;"]|"(?:[^"\\]|\\.)*")+/g) ?? []).map((piece) => piece.trim());

const pairs = (pieces: string[]): [string, string][] =>
  pieces.map((piece) => {
    const at = piece.indexOf('=');
    const text = piece.slice(at + 1).trim();
    return [piece.slice(0, at).trim().toLowerCase(), text.replace(/^"(.*)"$/, '$1').replaceAll(/\\(.)/g, '$1')];
  });

const quoted = (text: string): string => `"${text.replaceAll(/[\\"]/g, String.raw`\$&`)}"`;
const list = (items: [string, string][]): string =>
  items.length === 0 ? 'NIL' : `(${items.map(([name, text]) => `${quoted(name)} ${quoted(text)}`).join(' ')})`;

export function outline(node: Node): string {
  const { type, subtype, parameters, encoding, body, children, disposition } = node;
  const disposed = disposition === null ? 'NIL' : `(${quoted(disposition.kind)} ${list(disposition.parameters)})`;
  if (type === 'multipart' && children.length > 0) {
    return `(${children.map(outline).join('')} ${quoted(subtype)} ${list(parameters)} ${disposed} NIL NIL)`;
  }
  const lines = type === 'text' ? ` ${body.toString('latin1').split('\n').length}` : '';
  const kind = `${quoted(type)} ${quoted(subtype)} ${list(parameters)} NIL NIL ${quoted(encoding)} ${body.length}`;
  return `(${kind}${lines} NIL ${disposed} NIL NIL)`;
}

/** The bytes of `HEADER`, ``, `1`, `2.1`, `2.MIME`; null for a part that is not there. */
export function section(raw: Buffer, name: string): Buffer | null {
  if (name === '') return raw;
  let node = parseMail(raw);
  if (name.toUpperCase() === 'HEADER') return node.head;
  if (name.toUpperCase() === 'TEXT') return node.body;
  const path = name.split('.');
  const mime = path.at(-1)?.toUpperCase() === 'MIME';
  if (mime) path.pop();
  if (node.children.length === 0) return path.join('.') === '1' ? (mime ? node.head : node.body) : null;
  for (const step of path) {
    const child = node.children[Number(step) - 1];
    if (child === undefined) return null;
    node = child;
  }
  return mime ? node.head : node.body;
}
