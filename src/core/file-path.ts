/**
 * The one gate for paths in a person's folder, which models write and people read. What passes means the same on every
 * system: no way out, no device, no second spelling of a name that is there.
 */
import { invalidInput, type ClankerError } from './errors.ts';

/** Folders above a file, and itself. */
export const maxDepth = 8;
/** File systems allow 255 bytes; some of them are kept for what others add to a name. */
const maxNameBytes = 200;
const maxPathLength = 1000;

/** Names that Windows keeps for devices, with any ending: a folder that is copied there must not open one. */
const deviceName = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;
/** Control, private and direction-changing characters, and those that mean something to Windows or a pattern. */
const badCharacter = /[\p{Cc}\p{Co}\p{Cs}\p{Zl}\p{Zp}<>:"|?*\\]|(?![\u200c\u200d])\p{Cf}/u;

const refused = (reason: string): ClankerError =>
  invalidInput(
    'bad_path',
    `This path is refused: ${reason}. Write it relative to the person's folder, like "notes/today.md".`,
  );

/**
 * `notes/today.md` → its names, in Unicode's composed form (NFC), so that two spellings of an accent are one file. The
 * folder itself (an empty text or `.`) has none. Throws invalid_input `bad_path`.
 */
export function parseFilePath(text: string): string[] {
  if (text.length > maxPathLength) throw refused(`it is longer than ${maxPathLength} characters`);
  if (text.startsWith('/') || text.startsWith('~') || /^[A-Za-z]:/.test(text)) throw refused('it is not relative');
  const names = text.normalize('NFC').split('/');
  // A slash at the end only says that a folder is meant.
  if (names.at(-1) === '') names.pop();
  if (names.length <= 1 && (names[0] ?? '.') === '.') return [];
  if (names.length > maxDepth) throw refused(`it is deeper than ${maxDepth} levels`);
  for (const name of names) {
    const reason = nameProblem(name);
    if (reason !== null) throw refused(reason);
  }
  return names;
}

/** Why a text cannot be the name of a file or folder, or null. */
function nameProblem(name: string): string | null {
  if (name === '') return 'a name is empty';
  // Full-width and other letters that are dots or slashes to some reader.
  const plain = name.normalize('NFKC');
  if (/^\.+$/.test(plain)) return 'dots alone are no name';
  if (plain.includes('/') || plain.includes('\\')) return `"${name}" holds a letter that reads as a slash`;
  if (badCharacter.test(name)) return 'a name holds a character that is not allowed';
  if (/[. ]$/.test(name) || name.startsWith(' ')) return `"${name}" begins or ends with a space, or ends with a dot`;
  if (deviceName.test(name)) return `"${name}" is a device on Windows`;
  if (new TextEncoder().encode(name).length > maxNameBytes) return `a name is longer than ${maxNameBytes} bytes`;
  return null;
}

/** Two names with the same key are one file on some system. */
export const nameKey = (name: string): string => name.normalize('NFKC').toLowerCase();

const maxShownName = 100;

/**
 * What a file that came from outside may be called: the last name of whatever it says, without what
 * `parseFilePath` refuses; undefined when nothing is left. The ending is kept when it is cut.
 */
export function cleanFileName(text: string): string | undefined {
  const last = text.normalize('NFC').split(/[/\\]/).at(-1) ?? '';
  const allowed = Array.from(last, (character) => (badCharacter.test(character) ? '' : character)).join('');
  const trimmed = allowed.trim().replace(/[. ]+$/, '');
  const ending = /\.[A-Za-z0-9]{1,10}$/.exec(trimmed)?.[0] ?? '';
  const name =
    trimmed.length <= maxShownName
      ? trimmed
      : Array.from(trimmed)
          .slice(0, maxShownName - ending.length)
          .join('')
          .trim() + ending;
  return nameProblem(name) === null ? name : nameProblem(`_${name}`) === null && name !== '' ? `_${name}` : undefined;
}
