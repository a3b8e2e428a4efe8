/**
 * Random workflows whose steps fail at random, in a gateway that is killed at random moments: before and after each line of
 * the journal, and in the middle of what a step does. Over all its lives nothing may happen twice that must not.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { stopped } from '../../../../src/app/tasks/aborted.ts';
import { ClankerError } from '../../../../src/core/errors.ts';
import type { SimplePayload, WorkflowStep } from '../../../../src/core/payload.ts';
import type { TaskStep } from '../../../../src/core/ports/schedule-store.ts';
import { workflowProblem } from '../../../../src/core/workflow.ts';
import { done, failing, WorkflowRig } from '../workflow-rig.ts';

const numRuns = Number(process.env['RUNS'] ?? 400);
const maxLives = 60;

interface Scripted {
  step: WorkflowStep;
  /** How often it fails in passing before it succeeds. */
  passing: number;
  fails: boolean;
  undoFails: boolean;
}

const payload = (repeatable: boolean): SimplePayload =>
  repeatable ? { kind: 'ask', prompt: 'x' } : { kind: 'webhook', name: 'x' };

const scripted = fc
  .array(
    fc.record({
      needs: fc.array(fc.nat(7), { maxLength: 3 }),
      repeatable: fc.boolean(),
      undo: fc.option(fc.boolean()),
      passing: fc.constantFrom(0, 0, 0, 1, 4),
      fails: fc.constantFrom(false, false, false, true),
      undoFails: fc.constantFrom(false, false, true),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((steps) =>
    steps.map(({ needs, repeatable, undo, ...script }, n): Scripted => ({
      ...script,
      step: {
        id: `s${n}`,
        needs: [...new Set(needs.filter((need) => need < n).map((need) => `s${need}`))],
        do: payload(repeatable),
        ...(undo === null ? {} : { undo: payload(undo) }),
      },
    })),
  );

/** One task over all lives of the gateway. */
class Story {
  readonly journal = new Map<string, TaskStep>();
  /** Everything that happened, in its order: `done s1`, `effect s1:undo`, … */
  readonly happened: string[] = [];
  readonly #script: Scripted[];
  readonly #tries = new Map<string, number>();
  /** Moments until the next death, of each life to come. */
  readonly #deaths: number[];
  readonly #maxAttempts: number;

  constructor(script: Scripted[], deaths: number[], maxAttempts: number) {
    this.#script = script;
    this.#deaths = [...deaths];
    this.#maxAttempts = maxAttempts;
  }

  async live(): Promise<'done' | 'failed'> {
    let attempts = 0;
    for (let life = 0; life < maxLives; life++) {
      attempts += 1;
      const end = await this.#life(attempts);
      if (end === 'done' || end === 'failed') return end;
      if (end === 'stopped') attempts -= 1;
    }
    throw new Error('it came to no end');
  }

  async #life(attempts: number): Promise<'done' | 'failed' | 'killed' | 'stopped' | 'again'> {
    const rig = new WorkflowRig(this.journal);
    const stop = new AbortController();
    const killed = Promise.withResolvers<'killed'>();
    const deathIn = this.#deaths.shift() ?? Infinity;
    let moments = 0;
    let dead = false;
    /** Here it may die: what is behind it does not happen any more. Every third death is a stop, which is told before. */
    const moment = async (): Promise<void> => {
      if (dead) return new Promise(() => undefined);
      if (++moments < deathIn) return Promise.resolve();
      if (moments === deathIn && deathIn % 3 === 0) {
        stop.abort(stopped());
        return Promise.resolve();
      }
      if (deathIn % 3 === 0) return Promise.resolve();
      dead = true;
      killed.resolve('killed');
      return new Promise(() => undefined);
    };
    rig.writing = moment;
    rig.written = async ({ id, state }) => {
      this.happened.push(`${state} ${id}`);
      await moment();
    };
    rig.play = async (key, { signal }) => {
      await moment();
      signal.throwIfAborted();
      this.#effect(key);
      await moment();
      return done(key);
    };
    const steps = this.#script.map(({ step }) => step);
    const run = rig.begin(steps, { attempts, maxAttempts: this.#maxAttempts }, stop.signal).then(
      () => 'done' as const,
      (error: unknown) => {
        if (stop.signal.aborted) return 'stopped';
        assert.ok(error instanceof ClankerError, String(error));
        return error.retryable && attempts < this.#maxAttempts ? 'again' : 'failed';
      },
    );
    return rig.clock.until(Promise.race([run, killed.promise]));
  }

  /** Fails as it is scripted, or takes effect. */
  #effect(key: string): void {
    const [id = '', undo] = key.split(':');
    const script = this.#script.find(({ step }) => step.id === id);
    assert.ok(script);
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    if (undo === undefined && tries <= script.passing) throw failing(true);
    if (undo === undefined ? script.fails : script.undoFails) throw failing();
    this.happened.push(`effect ${key}`);
  }
}

function judge(script: Scripted[], { happened, journal }: Story, end: 'done' | 'failed'): void {
  const at = (what: string): number => happened.indexOf(what);
  const times = (what: string): number => happened.filter((one) => one === what).length;
  const firstBack = happened.findIndex((one) => /^(?:undoing|undone|not_undone)/.test(one));
  for (const { step, undoFails } of script) {
    const { id, needs = [], undo } = step;
    const effects = happened.flatMap((one, n) => (one === `effect ${id}` ? [n] : []));
    if (step.do.kind === 'webhook') assert.ok(effects.length <= 1, `${id} was done twice`);
    if (undo?.kind === 'webhook') assert.ok(times(`effect ${id}:undo`) <= 1, `${id} was undone twice`);
    const doneAt = at(`done ${id}`);
    for (const n of effects) {
      assert.ok(doneAt < 0 || n < doneAt, `${id} was repeated although it was done`);
      assert.ok(firstBack < 0 || n < firstBack, `${id} was done on the way back`);
      for (const need of needs) {
        const before = at(`done ${need}`);
        assert.ok(before >= 0 && before < n, `${id} was done before ${need}`);
      }
    }
    const state = journal.get(id)?.state;
    if (end === 'done') {
      assert.equal(state, 'done');
      assert.equal(times(`undoing ${id}`), 0, 'nothing of a workflow that was done is undone');
      continue;
    }
    if (doneAt < 0) {
      assert.ok(state === undefined || state === 'failed', `${id} is left as ${state}`);
      assert.equal(times(`effect ${id}:undo`), 0, `${id} was never done and was undone`);
    } else if (undo === undefined) assert.equal(state, 'done');
    else {
      assert.ok(state === 'undone' || state === 'not_undone', `${id} was done and is left as ${state}`);
      if (state === 'undone') assert.ok(times(`effect ${id}:undo`) >= 1 && !undoFails);
    }
  }
  const back = [...new Set(happened.filter((one) => one.startsWith('undoing ')))].map((one) => one.split(' ')[1]);
  const newestFirst = back.toSorted((a, b) => at(`done ${b}`) - at(`done ${a}`));
  assert.deepEqual(back, newestFirst, 'what was done last is undone first');
}

describe('workflows under crashes', () => {
  it('do nothing twice, keep their order, and undo exactly what was done', async () => {
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(
        scripted,
        fc.array(fc.integer({ min: 1, max: 14 }), { maxLength: 6 }),
        fc.integer({ min: 1, max: 3 }),
        async (script, deaths, maxAttempts) => {
          assert.equal(workflowProblem(script.map(({ step }) => step)), null);
          const story = new Story(script, deaths, maxAttempts);
          const end = await story.live();
          if (end === 'failed') failed += 1;
          judge(script, story, end);
        },
      ),
      { numRuns },
    );
    assert.ok(failed > numRuns / 10 && failed < numRuns, 'both ends were seen');
  });
});
