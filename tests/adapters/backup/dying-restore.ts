/** Restores and kills itself at the n-th step: `node dying-restore.ts FOLDER DATABASE BACKUP N`. */
import { finishRestore, stageRestore } from '../../../src/adapters/backup/index.ts';
import { known, never, parts, tools } from './rig.ts';

const [, , folder = '', database = '', from = '', n = '0'] = process.argv;
let left = Number(n);
const step = (): void => {
  if (left-- === 0) process.kill(process.pid, 'SIGKILL');
};
const places = { folder, database };
const release = await tools.hold(database);
await stageRestore(places, parts, { from, at: Date.now(), by: null, known, signal: never, step });
await finishRestore(places, { hold: null, inspectDatabase: tools.inspect }, step);
release();
