/** Files of people, whose bytes are on disk: a part of the Store, under its promises. */

export interface FileRow {
  id: string;
  owner: string;
  mimeType: string;
  size: number;
  sha256: string;
  createdAt: number;
}

export interface FileStore {
  saveFile(row: FileRow): Promise<void>;
  file(id: string, owner: string): Promise<FileRow | null>;
}
