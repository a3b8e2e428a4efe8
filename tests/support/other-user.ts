/** Commands of another user than the one who runs the tests: in containers under any user id, and of files that are closed. */
import { spawnSync } from 'node:child_process';
import { bin } from './daemon.ts';

/** Somebody whom the system does not know. */
export const other = { uid: 54_321, gid: 54_321 };

/** Why nobody else can run the commands here; false when somebody can. */
export function whyAlone(): string | false {
  if (process.getuid?.() !== 0) return 'only root becomes another user';
  const reached = spawnSync(process.execPath, [bin, '--version'], { ...other, cwd: '/' }).status === 0;
  return reached ? false : 'the checkout stands where only its owner may look';
}
