/**
 * The folder of a person, which tools read and write on their behalf: paths as text, passed through `parseFilePath`.
 * Every person has one of their own; there is no path out of it, and none into that of somebody else.
 *
 * Failures are ClankerErrors of kind `invalid_input`, said in words for a model: `bad_path`, `no_such_file`, `exists`,
 * `is_folder`, `is_file`, `not_plain` (a link, a pipe, a device, a file with several names), `too_large`,
 * `quota_exceeded`, `too_many_entries`.
 */

export interface FileEntry {
  /** Relative, with `/`. */
  path: string;
  /** `other`: a link, a pipe or a device that a program made; it can be deleted and nothing else. */
  kind: 'file' | 'folder' | 'other';
  /** Bytes; 0 unless it is a file. */
  size: number;
}

export interface FileContent {
  bytes: Uint8Array;
  /** Nothing of it comes from outside: all of it was written with `own`. */
  own: boolean;
}

/** `create` fails when the file is there; `replace` and `append` make it when it is not. */
export type WriteMode = 'create' | 'replace' | 'append';

export interface Change {
  /** No text of others was in play when what is written, and its path, were chosen. */
  own: boolean;
  /** Nothing is done any more when it aborted before its turn came: changes of one person wait for each other. */
  signal?: AbortSignal;
}

export interface FilesUsage {
  /** Bytes of all files. */
  bytes: number;
  /** Files and folders, at most one more than the limit. */
  entries: number;
  /** More than one person may have: a program wrote it, or the limit was lowered. */
  over: boolean;
}

export interface PersonFiles {
  /** The entries of a folder by name, at most `limit`, and whether there are more. */
  list(person: string, path: string, limit: number): Promise<{ entries: FileEntry[]; more: boolean; own: boolean }>;
  /** What a path names; `no_such_file` when nothing is there. */
  entry(person: string, path: string): Promise<FileEntry>;
  read(person: string, path: string): Promise<FileContent>;
  /**
   * As a whole or not at all, on disk when it resolves; missing folders are made.
   */
  write(person: string, path: string, bytes: Uint8Array, options: Change & { mode: WriteMode }): Promise<FileEntry>;
  /** A file or folder to a path where nothing is. */
  move(person: string, from: string, to: string, options: Change): Promise<void>;
  /** A file, or a folder with all that is in it. */
  remove(person: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Every entry below a folder, by name, folders before what is in them; at most `maxEntries`. */
  walk(person: string, path: string): AsyncIterable<FileEntry>;
  /** Counted, not estimated. */
  usage(person: string): Promise<FilesUsage>;
  /**
   * Lends the folder (absolute, it exists) to something that changes it by other ways; nothing else changes it until the
   * work settles.
   */
  lend<T>(person: string, work: (folder: string) => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Everything of the person; how many entries there were. */
  erase(person: string): Promise<number>;
}
