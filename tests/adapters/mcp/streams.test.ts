import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { eventsOf } from '../../../src/adapters/mcp/event-stream.ts';
import { type Line, linesOf } from '../../../src/adapters/mcp/lines.ts';
import { messagesOfLine } from '../../../src/adapters/mcp/messages.ts';
import { groupNames, toolNames } from '../../../src/adapters/mcp/names.ts';
import { Pace } from '../../../src/adapters/mcp/pace.ts';
import type { Clock } from '../../../src/core/ports/system.ts';

/** Time that passes only while it is slept. */
function steppedClock(): Clock & { slept: number } {
  const clock = {
    slept: 0,
    now: () => clock.slept,
    monotonic: () => clock.slept,
    sleep(ms: number) {
      clock.slept += ms;
      return Promise.resolve();
    },
    after: () => () => undefined,
  };
  return clock;
}

const pace = (): Pace => new Pace(steppedClock(), new AbortController().signal);

async function* cut(bytes: Uint8Array, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let [at, n] = [0, 0]; at < bytes.length; n++) {
    const size = Math.max(1, sizes[n % Math.max(1, sizes.length)] ?? 1);
    yield Buffer.from(bytes.subarray(at, at + size));
    at += size;
  }
}

describe('lines', () => {
  test('are the same however they are cut, and one that is too long leaves its ends and harms no other', async () => {
    const line = fc.oneof(fc.string({ maxLength: 30 }), fc.constant('x'.repeat(1000)), fc.constant('grün €'));
    await fc.assert(
      fc.asyncProperty(
        fc.array(line, { maxLength: 8 }),
        fc.array(fc.nat(300), { maxLength: 5 }),
        async (lines, sizes) => {
          const clean = lines.map((text) => text.replaceAll(/[\r\n]/g, ' '));
          const bytes = Buffer.from(clean.map((text) => `${text}\n`).join(''));
          const found: Line[] = [];
          for await (const one of linesOf(cut(bytes, sizes), 500, pace())) found.push(one);
          assert.equal(found.length, clean.length);
          for (const [n, one] of found.entries()) {
            if ('text' in one) assert.equal(one.text, Buffer.from(clean[n] ?? '').toString());
            else assert.deepEqual([one.tooLong.head, one.tooLong.tail], ['x'.repeat(256), 'x'.repeat(256)]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a line that is too long is told to the request that it answers, and to no other', () => {
    const tooLong = (head: string, tail: string): unknown[] | null => messagesOfLine({ tooLong: { head, tail } });
    const ids = (messages: unknown[] | null): unknown => messages?.map((one) => (one as { id: unknown }).id) ?? null;
    assert.deepEqual(ids(tooLong('{"jsonrpc":"2.0","id":7,"result":{', 'xx"}]}}')), [7]);
    assert.deepEqual(ids(tooLong('{"result":{', 'xx"}]},"jsonrpc":"2.0","id":8}')), [8]);
    assert.deepEqual(ids(tooLong('{"result":{', '}]},"id":9,"jsonrpc":"2.0"}')), [9]);
    assert.equal(tooLong('{"result":{', '"id":9}}'), null);
    assert.equal(tooLong('{"jsonrpc":"2.0","id":7,"method":"a"', 'x'), null);
  });
});

describe('events', () => {
  test('are read as the standard has them', async () => {
    const text =
      ': hello\nid: 1\nevent: message\ndata: {"a":\ndata: 1}\n\nretry: 5\n\ndata:x\n\nevent: endpoint\r\ndata: /m\r\n\r\ndata: never ended';
    for (const size of [1, 7, 1000]) {
      const found = [];
      for await (const event of eventsOf(cut(Buffer.from(text), [size]), 100, pace())) found.push(event);
      assert.deepEqual(found, [
        { type: 'message', data: '{"a":\n1}' },
        { type: 'message', data: 'x' },
        { type: 'endpoint', data: '/m' },
      ]);
    }
  });

  test('one that is too large in one line or in many is left out', async () => {
    const text = `data: ${'x'.repeat(200)}\n\n${'data: 1234567890\n'.repeat(20)}\ndata: small\n\n`;
    const found = [];
    for await (const { data } of eventsOf(cut(Buffer.from(text), [33]), 100, pace())) found.push(data);
    assert.deepEqual(found, ['small']);
  });
});

describe('the pace', () => {
  test('lets a burst pass and holds a flood to its rate', async () => {
    const clock = steppedClock();
    const slow = new Pace(clock, new AbortController().signal);
    for (let n = 0; n < 2000; n++) await slow.take(0);
    assert.equal(clock.slept, 0);
    for (let n = 0; n < 5000; n++) await slow.take(0);
    assert.ok(clock.slept > 9000 && clock.slept < 21_000, String(clock.slept));
  });

  test('ends with its signal', async () => {
    const stop = new AbortController();
    const sleep = (_: number, signal?: AbortSignal): Promise<void> => Promise.reject(signal?.reason as Error);
    const slow = new Pace({ ...steppedClock(), sleep }, stop.signal);
    stop.abort(new Error('over'));
    await assert.rejects(slow.take(100_000_000), /over/);
  });
});

describe('names', () => {
  test('of servers and tools are ones that every model takes, and no two are the same', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.string({ maxLength: 40 }), { maxLength: 8 }),
        fc.uniqueArray(fc.string({ maxLength: 100 }), { maxLength: 12 }),
        (servers, tools) => {
          const all = [...groupNames(servers).values()].flatMap((group) => [...toolNames(group, tools).values()]);
          assert.equal(new Set(all).size, servers.length * tools.length);
          for (const name of all) assert.match(name, /^mcp_[a-z0-9_]{1,60}$/);
        },
      ),
    );
  });

  test('do not depend on the order in which they were listed', () => {
    const tools = ['Read File', 'read_file', 'read-file', 'write'];
    assert.deepEqual(toolNames('mcp_a', tools), toolNames('mcp_a', tools.toReversed()));
  });

  test('a server whose name looks like that of another with a tool does not get its tools', () => {
    const groups = groupNames(['a', 'a__b', 'a-b', 'a_b']);
    assert.deepEqual([...groups.values()], ['mcp_a', 'mcp_a_b', 'mcp_a_b_2', 'mcp_a_b_3']);
  });
});
