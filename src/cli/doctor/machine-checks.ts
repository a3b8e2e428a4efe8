/** Checks of the machine: runtime, files, disk, database, clock, locale. */
import type { Check } from './facts.ts';

const oldestNode = [24, 16] as const;
/** Below this the database may fail to commit soon. */
const tightFreeBytes = 200_000_000;
const noFreeBytes = 10_000_000;
/** Tokens of platforms and certificates tolerate minutes; schedules and logs do not. */
const maxClockOffMs = 60_000;

export const oldNode: Check = ({ nodeVersion }) => {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) return null;
  return {
    code: 'node_too_old',
    problem: `Node ${nodeVersion} is too old; ${oldestNode.join('.')} is the oldest that works.`,
    fix: 'Install Node 26 from https://nodejs.org.',
  };
};

export const dataFolder: Check = ({ data }) => {
  const { dir } = data;
  if (data.readOnlyDisk) {
    return {
      code: 'data_not_writable',
      problem: `The disk of the data directory ${dir} is read-only.`,
      fix: 'Mount it for writing (a disk that failed is mounted so by the system: see dmesg), or set OPEN_CLANKER_DATA.',
    };
  }
  if (!data.exists) {
    if (data.writable) return null;
    return {
      code: 'data_not_writable',
      problem: `The data directory ${dir} cannot be made.`,
      fix: 'Make it as this user, or name another one with OPEN_CLANKER_DATA.',
    };
  }
  if (!data.isDirectory) {
    return {
      code: 'data_not_a_directory',
      problem: `${dir} is not a directory.`,
      fix: 'Move it away, or name another data directory with OPEN_CLANKER_DATA.',
    };
  }
  if (!data.writable) {
    return {
      code: 'data_not_writable',
      problem: `The data directory ${dir} cannot be written by this user.`,
      fix: data.owned ? `chmod u+rwx '${dir}'` : 'Run the command as the user who owns it, or change its owner.',
    };
  }
  if (data.owned) return null;
  return {
    code: 'data_not_owned',
    problem: `The data directory ${dir} belongs to another user.`,
    fix: 'Run as that user: files made by this one could lock the gateway out.',
  };
};

export const diskSpace: Check = ({ data }) => {
  const { freeBytes } = data;
  if (freeBytes === null || freeBytes >= tightFreeBytes) return null;
  const left = `${Math.floor(freeBytes / 1_000_000)} MB`;
  if (freeBytes < noFreeBytes) {
    return {
      code: 'disk_full',
      problem: `The disk of ${data.dir} is full (${left} left): messages cannot be accepted.`,
      fix: 'Free some space there.',
    };
  }
  return {
    code: 'disk_nearly_full',
    problem: `The disk of ${data.dir} has only ${left} left.`,
    fix: 'Free some space before messages cannot be accepted any more.',
  };
};

export const tokenFile: Check = ({ token, gateway }) => {
  if (token.state === 'unreadable') {
    return {
      code: 'token_unreadable',
      problem: `The operator token in ${token.file} cannot be read by this user.`,
      fix: 'Run commands as the user who runs the gateway, or set OPEN_CLANKER_TOKEN.',
    };
  }
  // Before the first start there is none, and nothing is wrong with that.
  if (token.state === 'missing') {
    if (gateway.reach !== 'token_refused') return null;
    return {
      code: 'token_missing',
      problem: `There is no operator token in ${token.file}.`,
      fix: 'Set OPEN_CLANKER_DATA to the data directory of the running gateway, or set OPEN_CLANKER_TOKEN.',
    };
  }
  if (token.mode === null || (token.mode & 0o077) === 0) return null;
  return {
    code: 'token_too_open',
    problem: `Others on this machine can read the operator token in ${token.file}.`,
    fix: `chmod 600 '${token.file}', then open-clanker tokens rotate`,
  };
};

export const database: Check = ({ database: { state, file, detail }, gateway, run }) => {
  switch (state) {
    case 'unreadable':
      return {
        code: 'database_unreadable',
        problem: `The database ${file} cannot be opened (${detail}).`,
        fix: 'Run as the user who owns it, and check its permissions.',
      };
    case 'not_a_database':
      return {
        code: 'database_damaged',
        problem: `The database ${file} is damaged (${detail}).`,
        fix: 'Stop the gateway, keep a copy of the file, and put a backup in its place.',
      };
    case 'newer_schema':
      return {
        code: 'database_newer',
        problem: `The database ${file} was written by a newer version (${detail}).`,
        fix: 'Run that version or a later one again.',
      };
    case 'locked':
      // Where a gateway is known to run, it is the one that holds it.
      if (gateway.reach !== 'none' || run?.alive === true) return null;
      return {
        code: 'database_locked',
        problem: `Another process holds the database ${file}.`,
        fix: 'Stop the other gateway, or give this one a data directory of its own with OPEN_CLANKER_DATA.',
      };
    default:
      return null;
  }
};

export const clock: Check = ({ providers, telegram }) => {
  const offsets = [...providers, ...telegram].flatMap(({ clockOffMs }) => (clockOffMs === null ? [] : [clockOffMs]));
  // One server with a wrong clock must not accuse ours: the smallest difference counts.
  const smallest = offsets.toSorted((a, b) => Math.abs(a) - Math.abs(b))[0];
  if (smallest === undefined || Math.abs(smallest) < maxClockOffMs) return null;
  const by = `${Math.round(Math.abs(smallest) / 1000)} s ${smallest > 0 ? 'behind' : 'ahead'}`;
  return {
    code: 'clock_off',
    problem: `The clock of this machine is ${by}.`,
    fix: 'Let it be set from the network: timedatectl set-ntp true',
  };
};

export const timeZone: Check = ({ timeZone: { wanted, used } }) => {
  if (wanted === null || wanted === '' || wanted.startsWith(':') || sameZone(wanted, used)) return null;
  return {
    code: 'time_zone_unknown',
    problem: `The time zone TZ="${wanted}" is not known; times are shown in ${used}.`,
    fix: 'Set TZ to a name such as Europe/Berlin.',
  };
};

/** The runtime resolves aliases (`Asia/Calcutta`), so an unknown zone is one that formatting refuses. */
function sameZone(wanted: string, used: string): boolean {
  if (wanted === used) return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: wanted }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

export const locale: Check = ({ locale: name }) => {
  const charset = name?.split('@', 1)[0]?.split('.')[1];
  if (charset === undefined || /^utf-?8$/i.test(charset)) return null;
  return {
    code: 'locale_not_utf8',
    problem: `The locale ${name} is not UTF-8: letters beyond English may look wrong in this terminal.`,
    fix: 'Set LANG to one that ends in .UTF-8, such as C.UTF-8.',
  };
};
