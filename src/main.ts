/** The entry of every command. Only `gateway` loads the composition root; `status` must not pay for it. */
import { runCli } from './cli/run.ts';

void runCli(process.argv.slice(2), {
  runGateway: async (options) => (await import('./compose.ts')).runGateway(options),
}).then((code) => {
  process.exitCode = code;
});
