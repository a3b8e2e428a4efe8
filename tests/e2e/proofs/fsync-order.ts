/**
 * Reads a log of `strace -f -yy` and holds it to one rule: between the arrival of a message and the first byte that
 * acknowledges it, the message was written to the database's WAL and that WAL was fsynced.
 */

/** A message that was acknowledged, and how its acknowledgement looks on the wire. */
export type Acknowledged =
  /** The first bytes written on the connection on which the marker arrived. */
  | { marker: string; by: 'http' }
  /** A frame that holds both `"ack"` and the marker. */
  | { marker: string; by: 'ws' }
  /** A getUpdates request whose offset is past the update. */
  | { marker: string; by: 'telegram'; updateId: number };

/** One system call; `begin` and `end` are lines of the log, which is in the order of the events. */
interface Call {
  name: string;
  /** The path, or the two ends of the connection. */
  file: string;
  args: string;
  begin: number;
  end: number;
}

/** What strace must be told to record for this. The strings must hold a whole page of the database. */
export const straceOptions = [
  '-f',
  '--seccomp-bpf',
  '-yy',
  '-s',
  '8192',
  '-e',
  'trace=fsync,fdatasync,read,recvfrom,recvmsg,write,writev,sendto,sendmsg,pwrite64,pwritev',
];

/** In words, what is wrong about each acknowledgement that came too early; empty when all came after their fsync. */
export function fsyncFaults(log: string, acknowledged: readonly Acknowledged[]): string[] {
  const calls = parseCalls(log);
  const wal = calls.filter(({ name, file }) => name.startsWith('pwrite') && file.endsWith('-wal'));
  const syncs = calls.filter(({ name, file }) => /^f(data)?sync$/.test(name) && file.endsWith('-wal'));
  const faults: string[] = [];
  for (const expected of acknowledged) {
    const about = `${expected.by} ${expected.marker}`;
    const ack = acknowledgement(calls, expected);
    const written = wal.find(({ args }) => args.includes(expected.marker));
    if (ack === undefined) faults.push(`${about}: its acknowledgement is not in the trace`);
    else if (written === undefined) faults.push(`${about}: it was never written to the WAL`);
    else if (written.end > ack.begin) faults.push(`${about}: acknowledged before it was written to the WAL`);
    else if (!syncs.some((sync) => sync.begin > written.end && sync.end < ack.begin))
      faults.push(`${about}: acknowledged before the WAL was fsynced`);
  }
  return faults;
}

const isSend = ({ name, file }: Call): boolean => /^(write|send)/.test(name) && file.startsWith('TCP');
const isReceive = ({ name, file }: Call): boolean => /^(read|recv)/.test(name) && file.startsWith('TCP');

function acknowledgement(calls: readonly Call[], expected: Acknowledged): Call | undefined {
  if (expected.by === 'ws') {
    return calls.find((call) => isSend(call) && call.args.includes('\\"ack\\"') && call.args.includes(expected.marker));
  }
  const arrived = calls.find((call) => isReceive(call) && call.args.includes(expected.marker));
  if (arrived === undefined) return undefined;
  const after = calls.filter((call) => call.begin > arrived.end && isSend(call));
  if (expected.by === 'http') return after.find(({ file }) => file === arrived.file);
  const polling = new Set<string>();
  return after.find(({ file, args }) => {
    if (args.includes('/getUpdates')) polling.add(file);
    const offset = /offset(?:\\")?[=:]\s*(\d+)/.exec(args)?.[1];
    return polling.has(file) && offset !== undefined && Number(offset) > expected.updateId;
  });
}

/** Joins what strace splits: `call(… <unfinished ...>` and `<... call resumed>…`. */
function parseCalls(log: string): Call[] {
  const calls: Call[] = [];
  const open = new Map<string, Call>();
  for (const [line, text] of log.split('\n').entries()) {
    const [, pid = '', rest = ''] = /^(\d+)\s+(.*)$/.exec(text) ?? [];
    const resumed = /^<\.\.\. (\w+) resumed>(.*)$/.exec(rest);
    if (resumed !== null) {
      const call = open.get(pid);
      if (call === undefined || call.name !== resumed[1]) continue;
      call.args += resumed[2] ?? '';
      call.end = line;
      open.delete(pid);
      continue;
    }
    const begun = /^(\w+)\(\d+<(.*?)>[,)]?(.*)$/.exec(rest);
    if (begun === null) continue;
    const [, name = '', file = '', args = ''] = begun;
    const call = { name, file, args, begin: line, end: line };
    calls.push(call);
    if (rest.endsWith('<unfinished ...>')) {
      call.end = Number.POSITIVE_INFINITY;
      open.set(pid, call);
    }
  }
  return calls;
}
