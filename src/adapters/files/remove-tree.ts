import { chmod, rename, rmdir, unlink } from 'node:fs/promises';
import type { HeldFolder } from './held-folder.ts';

/**
 * Removes what stands under a name, and how many entries that were. Folders are lifted up beside it one by one, so that
 * no depth is too deep. Only for places that nobody else changes meanwhile.
 */
export async function removeTree(parent: HeldFolder, name: string): Promise<number> {
  const stat = await parent.look(name);
  if (stat === null) return 0;
  if (!stat.isDirectory()) {
    await unlink(parent.at(name));
    return 1;
  }
  const folders = [name];
  let removed = 0;
  for (const next of folders) {
    // A program may have taken the right to look into it away.
    await chmod(parent.at(next), 0o700);
    const folder = await parent.folder(next);
    try {
      for (const { raw, kind } of await folder.entries()) {
        if (kind === 'folder') {
          await chmod(folder.at(raw), 0o700);
          const lifted = `${name}.${folders.length}`;
          await rename(folder.at(raw), parent.at(lifted));
          folders.push(lifted);
        } else {
          await unlink(folder.at(raw));
          removed++;
        }
      }
    } finally {
      await folder.close();
    }
    await rmdir(parent.at(next));
    removed++;
  }
  return removed;
}
