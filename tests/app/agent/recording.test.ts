import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Recorder } from '../../../src/app/agent/recording.ts';
import { agent } from '../../support/message-path.ts';

const of = { runId: 'run_1', owner: 'owner', sessionKey: 's', at: 0 };
const setting = { agent, person: 'owner', role: 'owner', groups: [] } as const;
const step = (characters: number) => ({
  request: { system: '', messages: [], tools: [] },
  answer: {
    parts: [{ type: 'text' as const, text: 'x'.repeat(characters) }],
    calls: [],
    reason: 'stop',
    model: 'p/m',
    usage: null,
    cost: null,
  },
  results: [],
});

test('a recording is bounded as a whole, and has no hole where a step was too much', () => {
  const recorder = new Recorder(of, { ...setting, groups: [] });
  for (let n = 0; n < 6; n++) recorder.step(step(n === 3 ? 7_000_000 : 500_000));
  assert.deepEqual(
    recorder.rows.map(({ n }) => n),
    [0, 1, 2, 3],
  );
});

test('a recording has so many steps and no more', () => {
  const recorder = new Recorder(of, { ...setting, groups: [] });
  for (let n = 0; n < 300; n++) recorder.step(step(1));
  assert.equal(recorder.rows.length, 201, 'what it worked with, and 200 steps');
});
