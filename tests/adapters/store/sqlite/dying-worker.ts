/** The store's worker, which ends without a word when it is asked for the person `die`. */
import { parentPort } from 'node:worker_threads';

parentPort?.on('message', (message: { args: unknown[] }[] | 'close') => {
  if (message !== 'close' && message[0]?.args[0] === 'die') process.exit(1);
});
await import('../../../../src/adapters/store/sqlite/worker.ts');
