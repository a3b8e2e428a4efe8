/**
 * What bytes are, whatever somebody says they are. Signatures: the lists of the formats' own specifications, as
 * https://www.iana.org/assignments/media-types names the types.
 */

/** So much of a file's beginning is looked at. */
export const headBytes = 4096;

const anyType = 'application/octet-stream';

type Signature = readonly [type: string, offset: number, hex: string];

const signatures: readonly Signature[] = [
  ['image/png', 0, '89504e470d0a1a0a'],
  ['image/jpeg', 0, 'ffd8ff'],
  ['image/gif', 0, '474946383761'],
  ['image/gif', 0, '474946383961'],
  ['image/webp', 8, '57454250'],
  ['image/bmp', 0, '424d'],
  ['image/tiff', 0, '49492a00'],
  ['image/tiff', 0, '4d4d002a'],
  ['application/pdf', 0, '255044462d'],
  ['application/zip', 0, '504b0304'],
  ['application/zip', 0, '504b0506'],
  ['application/gzip', 0, '1f8b08'],
  ['application/x-bzip2', 0, '425a68'],
  ['application/x-xz', 0, 'fd377a585a00'],
  ['application/zstd', 0, '28b52ffd'],
  ['application/x-7z-compressed', 0, '377abcaf271c'],
  ['application/vnd.rar', 0, '526172211a07'],
  ['application/x-executable', 0, '7f454c46'],
  ['application/x-msdownload', 0, '4d5a'],
  ['application/vnd.sqlite3', 0, '53514c69746520666f726d6174203300'],
  ['application/x-cfb', 0, 'd0cf11e0a1b11ae1'],
  ['application/x-tar', 257, '7573746172'],
  ['audio/mpeg', 0, '494433'],
  ['audio/mpeg', 0, 'fffb'],
  ['audio/mpeg', 0, 'fffa'],
  ['audio/mpeg', 0, 'fff3'],
  ['audio/mpeg', 0, 'fff2'],
  ['audio/aac', 0, 'fff1'],
  ['audio/aac', 0, 'fff9'],
  ['audio/ogg', 0, '4f676753'],
  ['audio/flac', 0, '664c6143'],
  ['audio/wav', 8, '57415645'],
  ['audio/amr', 0, '2321414d52'],
  ['video/mp4', 4, '66747970'],
  ['video/webm', 0, '1a45dfa3'],
];

/** Types that share a container with another: what the bytes show is also one of these. */
const sameBytes: Readonly<Record<string, RegExp>> = {
  'application/zip':
    /^application\/(?:zip|x-zip-compressed|java-archive|epub\+zip|vnd\.openxmlformats-|vnd\.oasis\.opendocument\.|vnd\.ms-\w+\.\w+macroenabled|vnd\.android\.package-archive)/i,
  'application/x-cfb': /^application\/(?:msword|vnd\.ms-|x-msi|x-ole|vnd\.visio)/,
  'application/gzip': /^application\/(?:x-)?(?:gzip|tgz|gtar|tar)/,
  'application/vnd.rar': /^application\/(?:x-rar|vnd\.rar)/,
  'application/vnd.sqlite3': /^application\/(?:x-|vnd\.)sqlite3$/,
  'application/x-executable': /^application\/x-(?:executable|sharedlib|elf|pie-executable|object)/,
  'application/x-msdownload': /^application\/(?:x-msdownload|x-dosexec|vnd\.microsoft\.portable-executable)$/,
  'image/jpeg': /^image\/p?jpe?g$/,
  'image/bmp': /^image\/(?:x-ms-)?bmp$/,
  'audio/mpeg': /^audio\/(?:mpeg|mp3|x-mp3|x-mpeg)$/,
  'audio/ogg': /^(?:audio|video|application)\/(?:ogg|opus|x-opus|vorbis)/,
  'audio/flac': /^audio\/(?:x-)?flac$/,
  'audio/wav': /^audio\/(?:x-|vnd\.)?wave?$/,
  'video/mp4': /^(?:video|audio|image)\/(?:x-)?(?:mp4|m4a|m4v|quicktime|3gpp2?|heic|heif|avif)/,
  'video/webm': /^(?:video|audio)\/(?:webm|x-matroska|matroska)/,
};

/** Types that are text to read, not bytes: they must be UTF-8 without a NUL. */
const textType = /^(?:text\/|application\/(?:[a-z0-9.-]+\+)?(?:json|xml|yaml|toml|javascript|x-sh|sql|ndjson)$)|\+xml$/;

export const isTextType = (type: string): boolean => textType.test(type);

function hasSignature(head: Uint8Array, [, offset, hex]: Signature): boolean {
  if (head.length < offset + hex.length / 2) return false;
  for (let i = 0; i < hex.length / 2; i++) {
    if (head[offset + i] !== Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16)) return false;
  }
  return true;
}

/** True when the bytes can be read as UTF-8; a character that the end of the head cuts is forgiven. */
export function isText(head: Uint8Array): boolean {
  if (head.includes(0)) return false;
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return true;
  } catch {
    return false;
  }
}

/** The type that the first bytes of a file show, `text/html`, `image/svg+xml` and `text/plain` among them; null: unknown. */
export function typeOfBytes(head: Uint8Array): string | null {
  const [type] = signatures.find((signature) => hasSignature(head, signature)) ?? [];
  if (type !== undefined && !(shortSignatures.has(type) && isText(head))) return type;
  if (!isText(head)) return null;
  const start = new TextDecoder()
    .decode(head)
    .replace(/^\uFEFF/, '')
    .trimStart()
    .slice(0, 512)
    .toLowerCase();
  if (/^(?:<!doctype html|<html|<head|<body|<script|<iframe)[\s>]/.test(start)) return 'text/html';
  if (/^(?:<\?xml[^>]*>\s*)?(?:<!--[^]*?-->\s*)?(?:<!doctype svg[^>]*>\s*)?<svg[\s>]/.test(start))
    return 'image/svg+xml';
  return 'text/plain';
}

/** Two letters that a text may begin with, too. */
const shortSignatures: ReadonlySet<string> = new Set([
  'image/bmp',
  'application/x-msdownload',
  'application/x-bzip2',
  'audio/mpeg',
]);

export interface TypeVerdict {
  /** What the file is kept as. */
  type: string;
  /** The bytes are not what the declared type promises. */
  lie: boolean;
}

/**
 * The type a file is kept under. What the bytes show wins over what was said: a page, a program or an archive never
 * passes for an image, nor bytes for text. A type that nobody can see in bytes is believed.
 */
export function judgeType(declared: string, head: Uint8Array): TypeVerdict {
  const shown = typeOfBytes(head);
  if (declared === shown) return { type: declared, lie: false };
  if (declared === anyType) return { type: shown ?? anyType, lie: false };
  if (shown === null) {
    if (promisesSignature(declared)) return { type: anyType, lie: true };
    // Text in another encoding than UTF-8: no lie, but nothing that a model can be shown.
    return { type: isTextType(declared) ? anyType : declared, lie: false };
  }
  // A page that says it is plain text, JSON or source code stays what it was sent as: nobody runs it.
  const readable = isTextType(declared) && declared !== 'image/svg+xml';
  const honest = isTextType(shown)
    ? readable || (shown === 'text/plain' && !promisesSignature(declared))
    : matches(declared, shown);
  return honest ? { type: declared, lie: false } : { type: shown, lie: true };
}

const promisesSignature = (declared: string): boolean =>
  /^(?:image|audio|video)\//.test(declared) || signatures.some(([type]) => matches(declared, type));

const matches = (declared: string, shown: string): boolean =>
  declared === shown || sameBytes[shown]?.test(declared) === true;
