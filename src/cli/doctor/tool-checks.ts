/** Checks of what the tools of the model need. */
import type { Check } from './facts.ts';

export const peopleFolder: Check = ({ tools: { files } }) => {
  if (files === null || files.mode === null) return null;
  const { folder, mode, usable } = files;
  if (!usable)
    return {
      code: 'people_not_writable',
      problem: `The folder ${folder}, where people's files are, cannot be used by this user.`,
      fix: `Run as the user who owns it, or: chmod u+rwx '${folder}'`,
    };
  if ((mode & 0o077) === 0) return null;
  return {
    code: 'people_open',
    problem: `The folder ${folder}, where people's files are, is open to other users of this machine.`,
    fix: `chmod 700 '${folder}'`,
  };
};

/** Below this the disk itself is what is told. */
const tightFreeBytes = 200_000_000;

export const filesSpace: Check = ({ tools: { files }, data: { freeBytes } }) => {
  if (files === null || freeBytes === null || freeBytes < tightFreeBytes || freeBytes >= files.quota) return null;
  const [left, quota] = [freeBytes, files.quota].map((bytes) => `${Math.floor(bytes / 1_000_000)} MB`);
  return {
    code: 'quota_beyond_disk',
    problem: `One person may keep ${quota} of files, and the disk has only ${left} left.`,
    fix: 'Free some space, or make tools.files.quota smaller.',
  };
};

export const sandbox: Check = ({ tools }) =>
  tools.sandbox === null
    ? null
    : {
        code: 'no_sandbox',
        problem: `exec is enabled and not offered: ${tools.sandbox.problem}`,
        fix: tools.sandbox.fix,
      };
