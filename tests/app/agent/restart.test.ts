/** What a run that goes on after a crash finds: tools that are gone, tools that come late, a step that was never kept. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as z from 'zod/mini';
import { CallRunner, type StepContext } from '../../../src/app/agent/calls.ts';
import { LoopBreaker } from '../../../src/app/agent/breaker.ts';
import { callEntry, emptyStep, stepEntry, stepsOf, type Step } from '../../../src/app/agent/steps.ts';
import { Toolbox } from '../../../src/app/agent/toolbox.ts';
import { systemClock } from '../../../src/adapters/system/index.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import type { Tool } from '../../../src/core/ports/tool.ts';
import { CountedMetrics, KeptLog } from '../../support/door.ts';
import { answering, asking, calling, calls, defaultPolicy } from '../../support/asking.ts';
import { callOf } from '../../support/tool-calls.ts';

const runner = new CallRunner({
  gate: { judge: () => ({ decision: 'allow' }), ask: () => Promise.reject(new Error('not asked')) },
  clock: systemClock,
  log: new KeptLog(),
  metrics: new CountedMetrics(),
  crash: () => undefined,
  limits: () => ({ timeoutMs: 1000, maxResult: 1000 }),
  keep: () => Promise.resolve('file_1'),
});

const stepOf = (name: string): Step => ({
  ...emptyStep(1),
  calls: [{ type: 'tool_call', id: 'call_1', name, args: {} }],
});

const contextOf = (tools: Tool[], journal: StepContext['journal']): StepContext => ({
  groups: [{ name: 'all', about: 'all', keywords: [], tools }],
  caller: callOf('ada'),
  tainted: null,
  mentioned: () => true,
  signal: new AbortController().signal,
  deadlineMs: Infinity,
  maxCalls: 8,
  breaker: new LoopBreaker(),
  journal,
  told: () => undefined,
});

test('of a call that was begun and whose tool is gone after the restart nobody says that nothing was done', async () => {
  const step = stepOf('gone');
  step.begun.add(0);
  await runner.carryOut(
    step,
    contextOf([], () => Promise.resolve()),
  );
  assert.match(step.results[0]?.text ?? '', /outcome is unknown/);
});

for (const idempotent of [true, false])
  test(`a tool ${idempotent ? 'whose effects can' : 'with effects that cannot'} be repeated waits until its step is written down`, async () => {
    const order: string[] = [];
    const written = Promise.withResolvers<void>();
    const tool = defineTool({
      name: 'save',
      description: 'saves',
      effects: ['write'],
      idempotent,
      input: () => z.strictObject({}),
      run: () => {
        order.push('saved');
        return Promise.resolve({ text: 'saved' });
      },
    });
    const step = stepOf('save');
    const ended = runner.carryOut(
      step,
      contextOf([tool], () => written.promise),
    );
    await new Promise((resolve) => setImmediate(resolve));
    order.push('written');
    written.resolve();
    await ended;
    assert.deepEqual(order, ['written', 'saved']);
  });

test('a file that a call brought before the crash goes along with the answer after it', () => {
  const file = { id: 'file_1', mimeType: 'image/png', size: 3 };
  const result = { type: 'tool_result', callId: 'call_1', name: 'draw', text: 'a cat', isError: false } as const;
  const entries = [
    stepEntry('run_1', stepOf('draw'), 1),
    callEntry('run_1', 2, { state: 'started', call: 'call_1' }, 1),
    callEntry('run_1', 2, { state: 'finished', result, files: [file] }, 1),
  ];
  const [step] = stepsOf(entries).steps;
  assert.deepEqual(step?.files, [file]);
  assert.deepEqual(step.results, [result]);
});

test('the tools have arrived once every source that is still starting has', async () => {
  const started = Promise.withResolvers<void>();
  const toolbox = new Toolbox();
  toolbox.configure([{ groups: () => [] }, { groups: () => [], arrived: () => started.promise }]);
  const order: string[] = [];
  const arrived = toolbox.arrived().then(() => order.push('arrived'));
  await new Promise((resolve) => setImmediate(resolve));
  order.push('started');
  started.resolve();
  await arrived;
  assert.deepEqual(order, ['started', 'arrived']);
});

test('an approved call whose tool is still starting is carried out once it is there', async (t) => {
  let done = 0;
  const post = defineTool({
    name: 'post',
    description: 'post',
    effects: ['send'],
    role: 'guest',
    input: () => z.strictObject({}),
    run: () => Promise.resolve({ text: `posted ${++done}` }),
  });
  const group = { name: 'deeds', about: 'deeds', keywords: ['do'], tools: [post] };
  const groups = [group];
  const rig = await asking(t, [calling(calls('post')), answering('Sent.')], {
    toolPolicy: defaultPolicy,
    groups,
    arrived: () => Promise.resolve(void groups.push(group)),
  });
  await rig.say('do post it');
  groups.pop();
  assert.match(await rig.say(await rig.command()), /Sent\.$/);
  assert.equal(done, 1);
});
