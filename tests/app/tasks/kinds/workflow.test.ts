import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cancelled, lost, stopped } from '../../../../src/app/tasks/aborted.ts';
import type { WorkflowStep } from '../../../../src/core/payload.ts';
import type { TaskWork } from '../../../../src/core/ports/task-kind.ts';
import { done, failing, taskOf, WorkflowRig } from '../workflow-rig.ts';

const ask = (id: string, needs: string[] = [], more: Partial<WorkflowStep> = {}): WorkflowStep => ({
  id,
  needs,
  do: { kind: 'ask', prompt: id },
  ...more,
});
/** Of a kind that must not be done twice. */
const post = (id: string, needs: string[] = [], more: Partial<WorkflowStep> = {}): WorkflowStep => ({
  id,
  needs,
  do: { kind: 'webhook', name: id },
  ...more,
});
const undo = { undo: { kind: 'webhook', name: 'undo' } } as const;

/** Ends when it is aborted. */
const untilAborted = ({ signal }: TaskWork): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('a workflow on its way', () => {
  it('begins a step when all that it needs is done, and not more than three at the same time', async () => {
    const rig = new WorkflowRig();
    const order: string[] = [];
    let [now, most] = [0, 0];
    rig.play = async (key) => {
      now += 1;
      most = Math.max(most, now);
      await rig.clock.sleep(key === 'a' ? 10 : 1000);
      now -= 1;
      order.push(key);
      return done(key);
    };
    const result = await rig.run([ask('e', ['a', 'b']), ask('a'), ask('b'), ask('c'), ask('d')]);
    assert.equal(most, 3);
    assert.deepEqual(order, ['a', 'b', 'c', 'd', 'e']);
    assert.equal(result.text, 'e\n\nc\n\nd');
    assert.deepEqual(rig.told.at(-1), { done: 1, text: 'e' });
  });

  it('hands results on, with who may have written them', async () => {
    const rig = new WorkflowRig();
    const seen: Record<string, TaskWork> = {};
    rig.play = (key, work) => {
      seen[key] = work;
      return key === 'page' ? done('<evil>', { outside: 'web page' }) : done(`of ${key}`);
    };
    const result = await rig.run([
      ask('page'),
      ask('own'),
      { id: 'say', needs: ['page', 'own'], do: { kind: 'text', text: '{{page}} {{own}}' } },
      ask('after', ['say'], { do: { kind: 'ask', prompt: 'see {{say}}' } }),
    ]);
    assert.deepEqual(seen['say']?.payload, { kind: 'text', text: '<evil> of own' });
    assert.equal(seen['say']?.task.origin.tainted, 'web page');
    assert.equal(seen['own']?.task.origin.tainted, null);
    assert.equal(seen['after']?.task.origin.tainted, 'web page');
    assert.match(JSON.stringify(seen['after']?.payload), /see \[outside text [0-9a-f]{12} from web page/);
    assert.equal(result.outside, 'web page');
  });

  it('a step keeps for the next run what is its own', async () => {
    const rig = new WorkflowRig();
    let found: unknown;
    rig.play = (key, { memory }) => {
      if (key === 'kept') found = memory;
      return key === 'new' ? done('', { memory: { seen: 1 } }) : done();
    };
    const { memory } = await rig.run([ask('kept'), ask('new')]);
    assert.deepEqual(found, { of: 'the run before' });
    assert.deepEqual(memory, { kept: { of: 'the run before' }, new: { seen: 1 } });
  });

  it('what passes in seconds is tried again within the attempt, three times in all', async () => {
    const rig = new WorkflowRig();
    let tries = 0;
    rig.play = () => {
      if (++tries < 3) throw failing(true);
      return done('at last');
    };
    assert.equal((await rig.run([ask('a')])).text, 'at last');
    tries = -10;
    await assert.rejects(rig.run([ask('b')]), { code: 'down' });
    assert.equal(tries, -7);
  });

  it('what asks for a longer wait is left to the next attempt of the task, which goes on where this one ended', async () => {
    const rig = new WorkflowRig();
    const played: string[] = [];
    let down = true;
    rig.play = (key) => {
      played.push(key);
      if (key === 'b' && down) throw failing(true, 60_000);
      return done(key);
    };
    const steps = [post('a', [], undo), ask('b', ['a'])];
    await assert.rejects(rig.run(steps, { maxAttempts: 2 }), { retryable: true, retryAfterMs: 60_000 });
    assert.deepEqual(rig.states(), { a: 'done', b: 'failed' });
    down = false;
    assert.equal((await rig.run(steps, { maxAttempts: 2, attempts: 2 })).text, 'b');
    assert.deepEqual(played, ['a', 'b', 'b']);
  });

  it('a step that takes too long is aborted, and one that does not even hear it is left behind', async () => {
    const deaf = (step: WorkflowStep): Promise<unknown> => {
      const rig = new WorkflowRig();
      rig.play = () => new Promise(() => undefined);
      return rig.run([step]);
    };
    await assert.rejects(deaf(ask('a')), { code: 'task_timeout', message: /"a" failed: .* within 10m/ });
    await assert.rejects(deaf(post('a')), { code: 'outcome_unknown' });
  });
});

describe('a workflow on its way back', () => {
  it('undoes what was done, newest first and nothing else, and says which step failed', async () => {
    const rig = new WorkflowRig();
    const played: string[] = [];
    rig.play = async (key) => {
      // The first to begin is the last to be done.
      if (key === 'a') await rig.clock.sleep(5000);
      played.push(key);
      if (key === 'd') throw failing();
      return done(key);
    };
    const steps = [post('a', [], undo), post('b', [], undo), post('c', ['b']), post('d', ['a', 'c'], undo)];
    await assert.rejects(rig.run(steps), {
      code: 'down',
      retryable: false,
      message: 'The step "d" failed: It is down.',
    });
    assert.deepEqual(played, ['b', 'c', 'a', 'd', 'a:undo', 'b:undo']);
    assert.deepEqual(rig.states(), { a: 'undone', b: 'undone', c: 'done', d: 'failed' });
  });

  it('an undoing can name the result of what it undoes', async () => {
    const rig = new WorkflowRig();
    const bodies: unknown[] = [];
    rig.play = (key, { payload }) => {
      if (key === 'book:undo') bodies.push(payload);
      if (key === 'pay') throw failing();
      return done('number 7');
    };
    const book = post('book', [], { undo: { kind: 'webhook', name: 'cancel', body: { of: '{{book}}' } } });
    await assert.rejects(rig.run([book, ask('pay', ['book'])]));
    assert.deepEqual(bodies, [{ kind: 'webhook', name: 'cancel', body: { of: 'number 7' } }]);
  });

  it('what could not be undone is said, and does not keep the rest from being undone', async () => {
    const rig = new WorkflowRig();
    rig.play = (key) => {
      if (key === 'b:undo' || key === 'c') throw failing();
      return done();
    };
    const steps = [post('a', [], undo), post('b', ['a'], undo), ask('c', ['b'])];
    await assert.rejects(rig.run(steps), { message: 'The step "c" failed: It is down. Not undone: "b".' });
    assert.deepEqual(rig.states(), { a: 'undone', b: 'not_undone', c: 'failed' });
    assert.equal(rig.journal.get('b')?.error?.code, 'down');
  });

  it('a defect in a step comes through as it is, after everything was undone', async () => {
    const rig = new WorkflowRig();
    const defect = new TypeError('x is undefined');
    rig.play = (key) => {
      if (key === 'b') throw defect;
      return done();
    };
    await assert.rejects(rig.run([post('a', [], undo), ask('b', ['a'])], { maxAttempts: 5 }), defect);
    assert.equal(rig.states()['a'], 'undone');
  });

  it('what runs beside a step that failed ends by itself, and is undone with the rest', async () => {
    const rig = new WorkflowRig();
    rig.play = async (key) => {
      if (key === 'slow') await rig.clock.sleep(10_000);
      if (key === 'bad') throw failing();
      return done();
    };
    await assert.rejects(rig.run([post('slow', [], undo), ask('bad'), ask('never', ['slow'])]));
    assert.deepEqual(rig.states(), { bad: 'failed', slow: 'undone' });
  });
});

describe('a workflow that is aborted', () => {
  const steps = [post('a', [], undo), ask('b', ['a'])];

  async function abortedBy(reason: Error, more: Parameters<WorkflowRig['begin']>[1] = {}): Promise<WorkflowRig> {
    const rig = new WorkflowRig();
    const { signal, abort } = ((controller) => ({
      signal: controller.signal,
      abort: () => controller.abort(reason),
    }))(new AbortController());
    const begun = Promise.withResolvers<void>();
    rig.play = (key, work) => {
      if (key !== 'b') return done();
      begun.resolve();
      return untilAborted(work);
    };
    const over = assert.rejects(rig.begin(steps, more, signal), { code: (reason as { code?: string }).code });
    await begun.promise;
    abort();
    await rig.clock.until(over);
    return rig;
  }

  it('by a person undoes what it did', async () => {
    assert.deepEqual((await abortedBy(cancelled())).states(), { a: 'undone', b: 'failed' });
  });

  it('by a stop of the gateway, or the loss of its lease, leaves all as it is', async () => {
    assert.deepEqual((await abortedBy(stopped())).states(), { a: 'done', b: 'started' });
    assert.deepEqual((await abortedBy(lost())).states(), { a: 'done', b: 'started' });
  });

  it('has bounded time to undo it', async () => {
    const rig = new WorkflowRig();
    const controller = new AbortController();
    rig.play = (key, work) => {
      if (key === 'b') controller.abort(cancelled());
      return key === 'a' ? done() : untilAborted(work);
    };
    await assert.rejects(rig.run(steps, {}, controller.signal), { code: 'task_cancelled' });
    assert.deepEqual(rig.states(), { a: 'not_undone', b: 'failed' });
    assert.ok(rig.clock.monotonic() < (rig.kind.graceMs ?? 0));
  });
});

describe('what is wrong with a workflow before it is stored', () => {
  const problem = (steps: WorkflowStep[]): Promise<string | null> | undefined =>
    new WorkflowRig().kind.problem?.({ kind: 'workflow', steps }, 'owner');

  it('its order, its kinds and each of its payloads, by the name of the step', async () => {
    assert.match((await problem([ask('a', ['x'])])) ?? '', /"a" needs "x"/);
    assert.match((await problem([ask('a', [], { do: { kind: 'tool', tool: 't' } })])) ?? '', /"a": no tool t/);
    assert.match((await problem([ask('a', [], { undo: { kind: 'tool', tool: 'u' } })])) ?? '', /"a": no tool u/);
    assert.match(
      (await problem([ask('a', [], { do: { kind: 'lookup', query: 'q' } })])) ?? '',
      /"a": .*cannot be done/,
    );
    assert.equal(await problem([ask('a')]), null);
  });

  it('a kind that is gone by the time it runs fails the workflow, and what was done is undone', async () => {
    const rig = new WorkflowRig();
    const gone = ask('b', ['a'], { do: { kind: 'lookup', query: 'q' } });
    await assert.rejects(rig.run([post('a', [], undo), gone]), { code: 'unknown_kind' });
    assert.deepEqual(rig.states(), { a: 'undone', b: 'failed' });
    assert.equal(taskOf(gone.do).kind, 'lookup');
  });
});
