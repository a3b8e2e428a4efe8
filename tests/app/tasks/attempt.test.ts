import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cancelled, outcomeUnknown, stopped } from '../../../src/app/tasks/aborted.ts';
import { attempt } from '../../../src/app/tasks/attempt.ts';
import type { TaskKind, TaskOutcome, TaskWork } from '../../../src/core/ports/task-kind.ts';
import { maxResultText } from '../../../src/core/task.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';
import { done, failing, taskOf } from './workflow-rig.ts';

function begin(run: TaskKind['run'], { repeatable = true, signal = new AbortController().signal } = {}) {
  const clock = new VirtualClock();
  const payload = { kind: 'ask', prompt: 'x' } as const;
  const work: TaskWork = {
    task: taskOf(payload),
    payload,
    key: 'task_1',
    again: false,
    memory: null,
    signal,
    progress: () => undefined,
    steps: { known: () => Promise.resolve([]), save: () => Promise.resolve() },
  };
  return { clock, over: attempt({ kind: 'ask', repeatable, run }, work, { clock, timeoutMs: 60_000 }) };
}

async function end(...of: Parameters<typeof begin>): Promise<TaskOutcome> {
  const { clock, over } = begin(...of);
  return clock.until(over);
}

const onAbort = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => signal.addEventListener('abort', () => resolve()));

describe('an attempt', () => {
  it('leaves no timer behind, whatever its end', async () => {
    for (const run of [() => Promise.resolve(done()), () => Promise.reject(failing())]) {
      const { clock, over } = begin(run);
      await over.catch(() => undefined);
      await clock.settle();
      assert.equal(clock.sleeping, 0);
    }
  });

  it('that was aborted before it began is not begun', async () => {
    const run = (): never => assert.fail('it was begun');
    await assert.rejects(end(run, { signal: AbortSignal.abort(cancelled()) }), { code: 'task_cancelled' });
  });

  it('says why it was aborted, whatever the kind makes of that', async () => {
    const controller = new AbortController();
    const { over } = begin(
      async ({ signal }) => {
        await onAbort(signal);
        throw new TypeError('fetch failed');
      },
      { signal: controller.signal },
    );
    controller.abort(stopped());
    await assert.rejects(over, { code: 'task_stopped' });
  });

  it('that does not know what it did says so, also when it was aborted', async () => {
    const run: TaskKind['run'] = async ({ signal }) => {
      await onAbort(signal);
      throw outcomeUnknown();
    };
    await assert.rejects(end(run), { code: 'outcome_unknown' });
  });

  it('that comes to a result although it was aborted has come to it', async () => {
    const run: TaskKind['run'] = async ({ signal }) => {
      await onAbort(signal);
      return done('made it');
    };
    assert.equal((await end(run)).text, 'made it');
  });

  it('that is out of time has an unknown outcome where it must not be made again', async () => {
    const deaf = (): Promise<never> => new Promise(() => undefined);
    await assert.rejects(end(deaf), { code: 'task_timeout', retryable: true });
    await assert.rejects(end(deaf, { repeatable: false }), { code: 'outcome_unknown', retryable: false });
  });

  it('keeps of a text without end what may be kept, and no half characters', async () => {
    const { text } = await end(() => Promise.resolve(done(`${'x'.repeat(maxResultText - 2)}😀😀`)));
    assert.equal(text.length, maxResultText);
    assert.ok(text.isWellFormed() && text.endsWith('…'));
  });
});
