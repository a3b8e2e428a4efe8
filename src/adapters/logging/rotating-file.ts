import { closeSync, openSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeAll, writeAllNow } from './descriptor.ts';
import type { Target } from './writer.ts';

export interface Rotation {
  /** Bytes; a file that would grow past this is rotated first. */
  max_size: number;
  /** Rotated files kept: `clanker.log.1` is the newest. With 0 a full file is begun anew. */
  keep: number;
}

/** A log file only its owner may read, rotated by size. A file that cannot be opened is tried again with every batch. */
export class RotatingFile implements Target {
  readonly #file: string;
  readonly #rotation: Rotation;
  #handle: FileHandle | null = null;
  #size = 0;

  constructor(file: string, rotation: Rotation) {
    this.#file = file;
    this.#rotation = rotation;
  }

  async write(lines: string): Promise<void> {
    const bytes = Buffer.from(lines);
    let handle = await this.#opened();
    if (this.#size > 0 && this.#size + bytes.length > this.#rotation.max_size) {
      await this.#rotate();
      handle = await this.#opened();
    }
    await writeAll(handle.fd, bytes);
    this.#size += bytes.length;
  }

  writeNow(lines: string): void {
    if (this.#handle !== null) {
      writeAllNow(this.#handle.fd, Buffer.from(lines));
      return;
    }
    try {
      const fd = openSync(this.#file, 'a', 0o600);
      writeAllNow(fd, Buffer.from(lines));
      closeSync(fd);
    } catch {
      // The process ends and its log cannot be opened: there is no place left to say so.
    }
  }

  async close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = null;
    await handle?.close();
  }

  async #opened(): Promise<FileHandle> {
    if (this.#handle === null) {
      await mkdir(path.dirname(this.#file), { recursive: true, mode: 0o700 });
      this.#handle = await open(this.#file, 'a', 0o600);
      this.#size = (await this.#handle.stat()).size;
    }
    return this.#handle;
  }

  async #rotate(): Promise<void> {
    await this.close();
    const { keep } = this.#rotation;
    const name = (n: number): string => (n === 0 ? this.#file : `${this.#file}.${n}`);
    await rm(name(keep), { force: true });
    for (let n = keep - 1; n >= 0; n--) {
      await rename(name(n), name(n + 1)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  }
}
