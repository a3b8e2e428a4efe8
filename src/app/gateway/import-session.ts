import { ClankerError } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { Part } from '../../core/message.ts';
import type { NewMessage, SessionRow } from '../../core/ports/session-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import type { Principal } from '../../core/principal.ts';
import { clientSessionKey } from '../../core/session-key.ts';
import { readSessionFile, type ImportedMessage } from '../../core/session-file.ts';

export interface ImportDeps {
  store: Store;
  clock: Clock;
  mintId: MintId;
}

/**
 * Brings in a session from a file as the importer's own: it has a key of theirs, fresh ids, and no file that is not
 * theirs already. `name`: its key; default: that of the file.
 */
export async function importSession(
  principal: Principal,
  lines: AsyncIterable<unknown>,
  name: string | undefined,
  { store, clock, mintId }: ImportDeps,
): Promise<SessionRow> {
  const { person } = principal;
  const file = await readSessionFile(lines);
  // Never a channel's: nobody there has written this.
  const key = clientSessionKey(name ?? plainName(file.key), person, new Set());
  const messages: NewMessage[] = [];
  for (const message of file.messages) {
    messages.push({ ...message, id: mintId('msg'), parts: await ownParts(message, (id) => store.file(id, person)) });
  }
  const now = clock.now();
  const session: SessionRow = {
    key,
    owner: person,
    channel: 'api',
    account: person,
    conversation: null,
    title: file.title,
    agent: null,
    model: null,
    messageCount: messages.length,
    createdAt: now,
    lastActiveAt: now,
  };
  if (!(await store.importSession(session, messages))) {
    throw new ClankerError('conflict', 'session_exists', `There is a session "${key}" already; choose another name.`);
  }
  return session;
}

/** `api:per_1:notes` and `telegram:main:42` → `notes`, `telegram-main-42`: a name for a client's own session. */
const plainName = (key: string): string => key.replace(/^api:[^:]*:/, '').replaceAll(':', '-');

async function ownParts({ parts }: ImportedMessage, find: (id: string) => Promise<unknown>): Promise<Part[]> {
  const own: Part[] = [];
  for (const part of parts) {
    const foreign = part.type === 'file' && (await find(part.file)) === null;
    own.push(
      foreign ? { type: 'text', text: `[attached file ${part.name ?? part.mimeType}: it was not brought in]` } : part,
    );
  }
  return own;
}
