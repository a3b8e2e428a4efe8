/** What of somebody's schedules is theirs to take along, and that nothing of it is left when they go. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as z from 'zod/mini';
import { Erasures } from '../../../src/app/rights/erasure.ts';
import { exportPerson } from '../../../src/app/rights/export.ts';
import { defineTool } from '../../../src/core/define-tool.ts';
import { answering, from } from '../../support/asking.ts';
import { principal } from '../../support/message-path.ts';
import { scheduling } from '../../support/scheduling.ts';

const reading = defineTool({
  name: 'http_request',
  description: 'reads',
  effects: ['read'],
  input: () => z.strictObject({ url: z.string() }),
  run: () => Promise.reject(new Error('jobs read pages by themselves')),
});

async function open(t: TestContext) {
  const web = { name: 'web', about: 'web', keywords: [], tools: [reading] };
  const rig = await scheduling(t, [answering('hello')], { more: [web] });
  await rig.say('hello');
  const person = await rig.personOf('7');
  const by = await rig.principalOf();
  const erasures = new Erasures({
    ...rig,
    tokens: { forgetPerson: () => undefined },
    crash: () => undefined,
    stopping: new AbortController().signal,
    forget: [(gone) => rig.runner.endOf(gone)],
    kept: () => [],
  });
  const exported = async (): Promise<string> => {
    const personFiles = {
      walk: async function* none() {},
      read: () => Promise.reject(new Error('there is none')),
    };
    let text = '';
    for await (const line of await exportPerson(principal, person, { ...rig, personFiles })) text += `${line}\n`;
    return text;
  };
  const left = async (): Promise<unknown[]> => {
    const rows: unknown[] = [];
    for await (const of of rig.store.erasable(person, new AbortController().signal)) rows.push(of);
    return rows;
  };
  return { ...rig, person, by, erasures, exported, left };
}

test('an export holds a person’s jobs, what became of them, and each step of their story, and nobody else’s', async (t) => {
  const rig = await open(t);
  await rig.say('hello', from('8'));
  const payload = { kind: 'text', text: 'my own tea' } as const;
  const { job } = await rig.schedule.addJob(rig.by, { every: '1h', payload });
  await rig.schedule.addJob(await rig.principalOf('8'), { every: '1h', payload: { kind: 'text', text: 'of bob' } });
  const task = await rig.carriedOut(job.id);
  const text = await rig.exported();
  for (const part of [job.id, task.id, 'my own tea', '"jobs"', '"tasks"', '"task_events"'])
    assert.ok(text.includes(part), part);
  assert.doesNotMatch(text, /of bob/);
});

test('an erasure ends the task at work first, so that nothing it still saves is left behind', async (t) => {
  const rig = await open(t);
  const reads = Promise.withResolvers<void>();
  // No sign of life is given meanwhile that would tell it to end.
  rig.working.leaseMs = 36_000_000;
  // It heeds its end late, and with a result too long to be kept but as a file.
  const page = { url: 'https://example.org/', title: 'x', text: 'secret '.repeat(20_000) };
  rig.pages.readPage = (_url, { signal }) => {
    reads.resolve();
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(page as never)));
  };
  const payload = { kind: 'fetch', url: 'https://example.org/' } as const;
  const { job } = await rig.schedule.addJob(rig.by, { every: '1h', payload });
  await rig.schedule.runJob(rig.by, job.id);
  await reads.promise;
  const receipt = await rig.erasures.erase(principal, rig.person);
  assert.ok((receipt.removed['tasks'] ?? 0) > 0 && (receipt.removed['jobs'] ?? 0) > 0);
  assert.equal(rig.runner.active, 0);
  assert.deepEqual(await rig.left(), []);
  for (const list of [
    rig.store.listJobs({ owner: null }, { limit: 9 }),
    rig.store.listTasks({ owner: null }, { limit: 9 }),
  ])
    assert.deepEqual((await list).items, []);
});
