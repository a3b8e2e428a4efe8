import { createHash } from 'node:crypto';
import { mkdir, open, opendir, readFile, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { ClankerError } from '../../core/errors.ts';
import { parseId } from '../../core/ids.ts';
import type { FileStorage } from '../../core/ports/files.ts';

/** Files in one flat folder (0700), named by their id (0600). */
export function diskFiles(folder: string): FileStorage {
  const fileOf = (id: string): string => path.join(folder, parseId(id).replaceAll(':', '_'));
  return {
    async save(id, body, maxBytes) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const target = fileOf(id);
      const handle = await open(target, 'wx', 0o600);
      const hash = createHash('sha256');
      let size = 0;
      try {
        for await (const chunk of body) {
          size += chunk.length;
          if (size > maxBytes)
            throw new ClankerError('invalid_input', 'too_large', `A file may have at most ${maxBytes} bytes.`);
          hash.update(chunk);
          await handle.write(chunk);
        }
        await handle.sync();
      } catch (error) {
        await rm(target, { force: true });
        throw error;
      } finally {
        await handle.close();
      }
      return { size, sha256: hash.digest('hex') };
    },
    async read(id) {
      try {
        return await readFile(fileOf(id));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    remove: (id) => rm(fileOf(id), { force: true }),
    async *list() {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for await (const entry of await opendir(folder)) {
        if (!entry.isFile()) continue;
        const found = await stat(path.join(folder, entry.name)).catch(() => null);
        if (found !== null) yield { id: entry.name, savedAt: found.mtimeMs };
      }
    },
  };
}
