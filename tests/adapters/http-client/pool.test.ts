import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pool } from '../../../src/adapters/http-client/pool.ts';
import { HttpFailure } from '../../../src/core/ports/http-client.ts';
import { never } from './support.ts';

class Fake {
  readonly origin: string;
  open = true;
  keptMs: number | null = null;
  restedMs: number | null = null;

  constructor(origin: string) {
    this.origin = origin;
  }

  rest(ms: number): void {
    this.restedMs = ms;
  }

  drop(): void {
    this.open = false;
  }

  destroy(): void {
    this.open = false;
  }
}

const one = new URL('http://one.test/a');
const two = new URL('http://two.test/b');

function poolOfFakes(): { pool: Pool<Fake>; made: Fake[]; take: (url: URL) => Fake } {
  const made: Fake[] = [];
  const pool = new Pool<Fake>(({ origin }) => {
    const fake = new Fake(origin);
    made.push(fake);
    return fake;
  });
  const take = (url: URL): Fake => {
    const taken = pool.take(url, never());
    assert.ok(taken instanceof Fake, 'there is none to be had at once');
    return taken;
  };
  return { pool, made, take };
}

test('the connection that was used last is used again, by its own origin only', () => {
  const { pool, take } = poolOfFakes();
  const [a, b] = [take(one), take(one)];
  pool.onIdle(a);
  pool.onIdle(b);
  assert.equal(take(two).origin, 'http://two.test');
  assert.equal(take(one), b);
  assert.equal(take(one), a);
  assert.notEqual(take(one), a);
});

test('one that ended while it was idle is not used, whether that was told already or not', () => {
  const { pool, take } = poolOfFakes();
  const [told, untold] = [take(one), take(one)];
  pool.onIdle(told);
  pool.onIdle(untold);
  told.open = false;
  pool.onGone(told);
  untold.open = false;
  const fresh = take(one);
  assert.ok(fresh !== told && fresh !== untold);
});

test('it is kept for 15 seconds, or for less than its server keeps it, or not at all', () => {
  const { pool, take } = poolOfFakes();
  const kept = (keptMs: number | null): number | null => {
    const connection = take(one);
    connection.keptMs = keptMs;
    pool.onIdle(connection);
    const { restedMs, open } = connection;
    if (open) connection.open = false;
    return open ? restedMs : null;
  };
  assert.deepEqual([null, 60_000, 5000, 1000, 0].map(kept), [15_000, 15_000, 4000, null, null]);
});

test('of idle ones the 65th of an origin is one too many: the oldest goes', () => {
  const { pool, take } = poolOfFakes();
  const all = Array.from({ length: 65 }, () => take(one));
  for (const connection of all) pool.onIdle(connection);
  assert.deepEqual(
    all.filter(({ open }) => !open),
    [all[0]],
  );
});

test('past 256 of one origin requests wait in their order, and who leaves is passed over', async () => {
  const { pool, take, made } = poolOfFakes();
  const busy = Array.from({ length: 256 }, () => take(one));
  const leaves = new AbortController();
  const [first, second, third] = [never(), leaves.signal, never()].map((signal) => pool.take(one, signal));
  leaves.abort();
  await assert.rejects(
    Promise.resolve(second),
    (error) => error instanceof HttpFailure && error.code === 'aborted' && error.accepted === 'no',
  );
  pool.onIdle(busy[7] as Fake);
  assert.equal(await first, busy[7], 'one that ends its work');
  (busy[8] as Fake).open = false;
  pool.onGone(busy[8] as Fake);
  assert.equal(await third, made[256], 'or a new one in the place of one that is gone');
  assert.equal(take(two).origin, 'http://two.test', 'another origin has nothing to do with it');
});

test('past 1,024 in all one that is idle makes room, and without such a one whoever comes waits', async () => {
  const { pool, take, made } = poolOfFakes();
  const busy = Array.from({ length: 1023 }, (_, n) => take(new URL(`http://n${n % 8}.test/`)));
  const idle = take(one);
  pool.onIdle(idle);
  const inItsPlace = take(two);
  assert.equal(idle.open, false);
  pool.onGone(idle);
  const waiting = pool.take(two, never());
  assert.ok(waiting instanceof Promise);
  (busy[3] as Fake).open = false;
  pool.onGone(busy[3] as Fake);
  assert.equal(await waiting, made.at(-1));
  assert.equal(made.at(-1)?.origin, inItsPlace.origin);
  assert.ok(pool.take(two, never()) instanceof Promise);
  pool.onIdle(busy[4] as Fake);
  assert.equal(busy[4]?.open, false, 'one that becomes idle elsewhere goes at once');
});

test('when it is closed who waits for a connection fails, and none is opened any more', async () => {
  const { pool, take, made } = poolOfFakes();
  const busy = Array.from({ length: 256 }, () => take(one));
  const waiting = Promise.resolve(pool.take(one, never()));
  pool.close();
  for (const connection of busy) pool.onGone(connection);
  await assert.rejects(waiting, { phase: 'connect', accepted: 'no' });
  assert.equal(made.length, 256);
});

test('when it is closed all connections are, busy or idle', () => {
  const { pool, take, made } = poolOfFakes();
  take(one);
  pool.onIdle(take(two));
  pool.close();
  assert.deepEqual(
    made.map(({ open }) => open),
    [false, false],
  );
});
