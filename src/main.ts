/** The entry of every command. Only `gateway` loads the composition root; `status` must not pay for it. */
import { runCli } from './cli/run.ts';

// A small buffer holds the whole pool it was taken from: Node's 64 KiB for a few hundred bytes.
Buffer.poolSize = 8192;

void runCli(process.argv.slice(2), {
  // Everything is flushed and closed by then; what a library may still hold must not keep the process.
  runGateway: async (options) => process.exit(await (await import('./compose.ts')).runGateway(options)),
  offline: () => import('./compose/backup-parts.ts'),
}).then((code) => {
  process.exitCode = code;
});
