/** The entry of every command. Only `gateway` loads the composition root; `status` must not pay for it. */
import { runCli } from './cli/run.ts';

// A small buffer holds the whole pool it was taken from: Node's 64 KiB for a few hundred bytes.
Buffer.poolSize = 8192;

let isGateway = false;
void runCli(process.argv.slice(2), {
  runGateway: async (options) => {
    isGateway = true;
    return await (await import('./compose.ts')).runGateway(options);
  },
  offline: () => import('./compose/backup-parts.ts'),
}).then((code) => {
  // Everything is flushed and closed by then, or has failed half way: what is still held must not keep the process.
  if (isGateway) process.exit(code);
  process.exitCode = code;
});
