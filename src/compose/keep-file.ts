import type { Ground } from './ground.ts';

/** Far more than a tool may return, or an MCP server send in one message. */
const maxKeptBytes = 20_000_000;

/** Keeps what a tool returned as a file of the person who asked. */
export async function keepFile(
  { store, files, clock, mintId }: Ground,
  owner: string,
  mimeType: string,
  bytes: Uint8Array,
): Promise<{ id: string; mimeType: string; size: number }> {
  const id = mintId('file');
  const { size, sha256 } = await files.save(id, once(bytes), maxKeptBytes);
  await store.saveFile({ id, owner, mimeType, size, sha256, createdAt: clock.now() });
  return { id, mimeType, size };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
