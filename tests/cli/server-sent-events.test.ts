import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { serverSentEvents } from '../../src/cli/server-sent-events.ts';

async function read(pieces: string[]): Promise<string[]> {
  const source = (async function* () {
    yield* pieces;
  })();
  const events: string[] = [];
  for await (const { event, data } of serverSentEvents(source)) events.push(`${event}=${data}`);
  return events;
}

const stream =
  ': hello\n\nid: 1\nevent: run.delta\ndata: {"text":"a: b"}\n\ndata:no space\n\nevent: two\r\ndata: one\r\ndata: two\r\n\r\n' +
  'event: without data\n\nretry: 5\nunknown: x\ndata\n\nevent: cut\ndata: off';
const expected = ['run.delta={"text":"a: b"}', 'message=no space', 'two=one\ntwo', 'message='];

test('comments, unknown fields, both line ends and a cut tail are read as the standard says', async () => {
  assert.deepEqual(await read([stream]), expected);
});

test('a stream cut anywhere into pieces gives the same events', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 30 })), async (sizes) => {
      const pieces: string[] = [];
      let rest = stream;
      for (const size of sizes) {
        pieces.push(rest.slice(0, size));
        rest = rest.slice(size);
      }
      assert.deepEqual(await read([...pieces, rest]), expected);
    }),
    { numRuns: 50 },
  );
});

test('an event that never ends is refused before it fills the memory', async () => {
  const chunk = `data: ${'x'.repeat(4 * 1024 * 1024)}`;
  await assert.rejects(read([chunk, chunk, chunk, chunk, chunk]), /too long/);
  const line = `${chunk}\n`;
  await assert.rejects(read([line, line, line, line, line]), /too long/);
});
