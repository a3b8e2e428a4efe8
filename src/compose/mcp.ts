import { McpServers } from '../adapters/mcp/index.ts';
import type { MintId } from '../core/ids.ts';
import type { FileStorage } from '../core/ports/files.ts';
import type { HttpClient } from '../core/ports/http-client.ts';
import type { Store } from '../core/ports/store.ts';
import type { Clock, Log, Metrics, Random } from '../core/ports/system.ts';
import { version } from '../version.ts';

/** Past every message that a server may send. */
const maxFileBytes = 20_000_000;

export interface McpPartDeps {
  http: HttpClient;
  store: Store;
  files: FileStorage;
  clock: Clock;
  random: Random;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  env: NodeJS.ProcessEnv;
}

/** The MCP servers of the running gateway; what they return as files is kept for the person who asked. */
export function mcpServers({ store, files, mintId, ...deps }: McpPartDeps): McpServers {
  return new McpServers({
    ...deps,
    version,
    async keepFile(owner, mimeType, bytes) {
      const id = mintId('file');
      const { size, sha256 } = await files.save(id, once(bytes), maxFileBytes);
      await store.saveFile({ id, owner, mimeType, size, sha256, createdAt: deps.clock.now() });
      return { id, mimeType, size };
    },
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
