/** Where attached files live: bytes only; who owns them is the store's. Names are ids minted by us, never a person's. */
export interface FileStorage {
  /**
   * Streams to disk and fsyncs; resolves with size and SHA-256 (hex). Past `maxBytes` it removes what was written and
   * rejects with invalid_input `too_large`.
   */
  save(id: string, body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<{ size: number; sha256: string }>;
  /** Null when it is gone. */
  read(id: string): Promise<Uint8Array | null>;
  remove(id: string): Promise<void>;
  /** What is on disk, in no order, also what a crash left; times are milliseconds since the epoch. */
  list(): AsyncIterable<{ id: string; savedAt: number }>;
}
