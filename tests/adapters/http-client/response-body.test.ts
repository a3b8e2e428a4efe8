import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseBody } from '../../../src/adapters/http-client/response-body.ts';
import { HttpFailure } from '../../../src/core/ports/http-client.ts';

function sent(): { body: ResponseBody; asked: string[] } {
  const asked: string[] = [];
  const body = new ResponseBody({
    pause: () => asked.push('pause'),
    resume: () => asked.push('resume'),
    leave: () => asked.push('leave'),
  });
  return { body, asked };
}

test('a reader who is slow slows the sender, once, until all is read that waits', async () => {
  const { body, asked } = sent();
  const first = body.next();
  for (let n = 0; n < 4; n++) body.push(Buffer.alloc(40_000));
  assert.equal((await first).done, false);
  assert.deepEqual(asked, ['pause']);
  for (let n = 1; n < 4; n++) assert.equal((await body.next()).value?.length, 40_000);
  assert.deepEqual(asked, ['pause']);
  const more = body.next();
  assert.deepEqual(asked, ['pause', 'resume']);
  body.end();
  assert.equal((await more).done, true);
});

test('what was read makes room for more', async () => {
  const { body, asked } = sent();
  for (let n = 0; n < 10; n++) {
    const first = body.next();
    body.push(Buffer.alloc(10_000));
    await first;
    body.push(Buffer.alloc(10_000));
    await body.next();
  }
  assert.deepEqual(asked, []);
});

test('who leaves ends it, unless all of it came', () => {
  const [half, whole] = [sent(), sent()];
  half.body.close();
  whole.body.end();
  whole.body.close();
  assert.deepEqual([half.asked, whole.asked], [['leave'], []]);
});

test('who leaves while it takes is not handed more in the middle of that', async () => {
  const cutOff = new HttpFailure('body', 'maybe', 'ECONNRESET', 'The answer was cut off.');
  const nothing = (): void => undefined;
  const body = new ResponseBody({ pause: nothing, resume: nothing, leave: () => body.fail(cutOff) });
  for (const piece of ['a', 'b', 'c']) body.push(Buffer.from(piece));
  const steps: string[] = [];
  const reading = body.read((piece) => {
    const text = Buffer.from(piece).toString();
    steps.push(`${text}(`);
    if (text === 'a') body.close();
    steps.push(')');
    return true;
  });
  await assert.rejects(reading, cutOff);
  assert.equal(steps.join(''), 'a()b()c()');
});

test('of pieces of one byte many wait as well, but not without end', () => {
  const { body, asked } = sent();
  for (let n = 0; n < 2000; n++) body.push(Buffer.alloc(1));
  assert.deepEqual(asked, ['pause']);
});
