import { ClankerError } from '../../core/errors.ts';
import { cleanFileName } from '../../core/file-path.ts';
import { judgeType } from '../../core/file-type.ts';
import type { MintId } from '../../core/ids.ts';
import { partsOf, type Attachment } from '../../core/message.ts';
import type { Channel } from '../../core/ports/channel.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { FileRow } from '../../core/ports/file-store.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { ClaimedRun } from '../../core/ports/run-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { peek } from '../files/head.ts';
import { fieldsOf } from './about.ts';

/** The largest attachment that is fetched. */
const maxBytes = 20 * 2 ** 20;
/** Attachments of one message that are fetched; the rest is named to the model. */
const maxFiles = 10;
/** One attachment may take this long. */
const fetchMs = 60_000;

export interface AttachmentDeps {
  store: Store;
  files: FileStorage;
  clock: Clock;
  mintId: MintId;
  log: Log;
  channel: (inbound: InboxRow) => Channel | null;
}

/**
 * Fetches what people attached, once its run begins and not while it is received: the platform's news never wait for a
 * large file. Bytes are streamed to disk under an id of ours. What cannot be had is told to the model in words.
 */
export async function fetchAttachments(claimed: ClaimedRun, deps: AttachmentDeps, signal: AbortSignal): Promise<void> {
  for (const row of claimed.inbound) {
    if (row.conversation === null || !row.attachments.some(isOpen)) continue;
    const fetched: FileRow[] = [];
    const attachments: Attachment[] = [];
    try {
      for (const [n, attachment] of row.attachments.entries()) {
        if (!isOpen(attachment)) attachments.push(attachment);
        else if (n >= maxFiles) attachments.push({ ...attachment, problem: `only ${maxFiles} files are looked at` });
        else attachments.push(await fetchOne(claimed, row, attachment, fetched, deps, signal));
      }
      signal.throwIfAborted();
    } catch (error) {
      // No row names them yet.
      for (const { id } of fetched) await deps.files.remove(id);
      throw error;
    }
    await deps.store.attachFiles(row.id, attachments, fetched);
    row.attachments = attachments;
    const message = claimed.history.find(({ id }) => id === row.id);
    if (message !== undefined) message.parts = partsOf(row);
  }
}

const isOpen = ({ id, problem }: Attachment): boolean => id === undefined && problem === undefined;

async function fetchOne(
  claimed: ClaimedRun,
  row: InboxRow,
  attachment: Attachment,
  fetched: FileRow[],
  { files, clock, mintId, log, channel }: AttachmentDeps,
  signal: AbortSignal,
): Promise<Attachment> {
  const from = channel(row);
  if (from?.fetchAttachment === undefined) return { ...attachment, problem: 'this channel cannot fetch files' };
  if ((attachment.size ?? 0) > maxBytes) return { ...attachment, problem: tooLarge };
  const id = mintId('file');
  const deadline = AbortSignal.any([signal, AbortSignal.timeout(fetchMs)]);
  try {
    const { head, whole, close } = await peek(from.fetchAttachment(attachment, deadline));
    if (head.length === 0) {
      await close();
      return { ...attachment, problem: 'it is empty' };
    }
    // Platforms mislabel in good faith: what the bytes show is what the file is kept as.
    const { type: mimeType } = judgeType(attachment.mimeType, head);
    const { size, sha256 } = await files.save(id, whole, maxBytes);
    fetched.push({ id, owner: row.owner, mimeType, size, sha256, createdAt: clock.now() });
    const { native: _, name: given, ...known } = attachment;
    const name = given === undefined ? undefined : cleanFileName(given);
    return { ...known, id, mimeType, size, ...(name === undefined ? {} : { name }) };
  } catch (error) {
    signal.throwIfAborted();
    log.warn('an attachment could not be fetched', { ...fieldsOf(claimed), mime_type: attachment.mimeType, error });
    if (error instanceof ClankerError && error.code === 'too_large') return { ...attachment, problem: tooLarge };
    return { ...attachment, problem: 'it could not be fetched' };
  }
}

const tooLarge = `it is larger than ${maxBytes / 2 ** 20} MB`;
