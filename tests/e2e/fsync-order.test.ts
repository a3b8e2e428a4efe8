import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fsyncFaults } from './proofs/fsync-order.ts';

const conn = '20<TCP:[127.0.0.1:18789->127.0.0.1:50000]>';
const wal = '25</tmp/x/data/clanker.db-wal>';
const poll = '30<TCP:[127.0.0.1:50001->127.0.0.1:9000]>';

const arrived = `10  read(${conn}, "POST /api/v1/chat HTTP/1.1\\r\\n\\r\\n{\\"text\\":\\"mk-1\\"}", 65536) = 60`;
const written = `11  pwrite64(${wal}, "\\r\\0mk-1\\0", 4096, 8272) = 4096`;
const syncBegun = `11  fdatasync(${wal} <unfinished ...>`;
const syncDone = '11  <... fdatasync resumed>) = 0';
const answered = `10  write(${conn}, "HTTP/1.1 200 OK\\r\\n", 17) = 17`;
const http = [{ marker: 'mk-1', by: 'http' as const }];

test('an answer after write and fsync passes', () => {
  assert.deepEqual(fsyncFaults([arrived, written, syncBegun, syncDone, answered].join('\n'), http), []);
});

test('an answer while the fsync is under way is found', () => {
  const faults = fsyncFaults([arrived, written, syncBegun, answered, syncDone].join('\n'), http);
  assert.match(faults[0] ?? '', /before the WAL was fsynced/);
});

test('an fsync that began before the message was written does not count', () => {
  const faults = fsyncFaults([arrived, syncBegun, written.replace('11 ', '12 '), syncDone, answered].join('\n'), http);
  assert.match(faults[0] ?? '', /before the WAL was fsynced/);
});

test('an fsync of another file does not count', () => {
  const other = `11  fdatasync(26</tmp/x/data/clanker.db>) = 0`;
  assert.equal(fsyncFaults([arrived, written, other, answered].join('\n'), http).length, 1);
});

test('a message that never reached the WAL is found', () => {
  assert.match(fsyncFaults([arrived, syncBegun, syncDone, answered].join('\n'), http)[0] ?? '', /never written/);
});

test('a read and an offset that strace split over two lines are understood', () => {
  const lines = [
    `10  read(${poll},  <unfinished ...>`,
    '10  <... read resumed>"HTTP/1.1 200 OK\\r\\n\\r\\n{\\"result\\":[{\\"update_id\\":7,\\"text\\":\\"mk-1\\"}]}", 65536) = 90',
    written,
    syncBegun,
    syncDone,
    `10  writev(${poll}, [{iov_base="POST /botT/getUpdates HTTP/1.1\\r\\n", iov_len=40}], 1) = 40`,
    `10  write(${poll}, "{\\"offset\\":8,\\"timeout\\":25}", 25) = 25`,
  ];
  const telegram = [{ marker: 'mk-1', by: 'telegram' as const, updateId: 7 }];
  assert.deepEqual(fsyncFaults(lines.join('\n'), telegram), []);
  const early = [...lines.slice(0, 2), ...lines.slice(5), ...lines.slice(2, 5)];
  assert.equal(fsyncFaults(early.join('\n'), telegram).length, 1);
});

test('the ack of a WebSocket message is its own frame, not any write', () => {
  const ack = `10  write(${conn}, "\\201~\\0X{\\"type\\":\\"ack\\",\\"id\\":\\"mk-1\\"}", 90) = 90`;
  const ws = [{ marker: 'mk-1', by: 'ws' as const }];
  assert.deepEqual(fsyncFaults([written, syncBegun, syncDone, ack].join('\n'), ws), []);
  assert.equal(fsyncFaults([written, ack, syncBegun, syncDone].join('\n'), ws).length, 1);
});
