import { invalidInput } from '../../core/errors.ts';
import { judgeType } from '../../core/file-type.ts';
import type { MintId } from '../../core/ids.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { StoredFile } from '../../core/ports/gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { peek } from './head.ts';

const maxBytes = 20_000_000;

/**
 * Keeps a file that a client sends. Its first bytes must be what its type promises (`type_mismatch`), and there must be
 * some (`empty_file`); a type that is not known better is that of the bytes.
 */
export async function saveUpload(
  owner: string,
  declared: string,
  body: AsyncIterable<Uint8Array>,
  deps: { store: Pick<Store, 'saveFile'>; files: FileStorage; clock: Clock; mintId: MintId },
): Promise<StoredFile> {
  const { head, whole, close } = await peek(body);
  const { type: mimeType, lie } = judgeType(declared, head);
  if (head.length === 0 || lie) {
    await close();
    throw head.length === 0
      ? invalidInput('empty_file', 'The file is empty.')
      : invalidInput('type_mismatch', `The bytes are not ${declared} but ${mimeType}; send them as that.`);
  }
  const id = deps.mintId('file');
  const { size, sha256 } = await deps.files.save(id, whole, maxBytes);
  await deps.store.saveFile({ id, owner, mimeType, size, sha256, createdAt: deps.clock.now() });
  return { id, mimeType, size };
}
