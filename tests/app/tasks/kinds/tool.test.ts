import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import * as z from 'zod/mini';
import { toolKind } from '../../../../src/app/tasks/kinds/tool.ts';
import { defineTool } from '../../../../src/core/define-tool.ts';
import type { Tool, ToolOutput } from '../../../../src/core/ports/tool.ts';
import { ownerPerson } from '../../../../src/core/principal.ts';
import { defaultPolicy } from '../../../support/asking.ts';
import { jobs } from '../../../support/jobs.ts';
import { dayMs, hasty } from '../../../support/message-path.ts';

async function open(t: TestContext, run: (n: number) => Promise<ToolOutput>, more: Partial<Tool> = {}) {
  let made = 0;
  const tool = defineTool({
    name: 'deed',
    description: 'deed',
    effects: ['write'],
    input: () => z.strictObject({ what: z.optional(z.string()) }),
    run: () => run(++made),
    ...more,
  });
  const policy = structuredClone(defaultPolicy);
  const rig = await jobs(t, [], {
    groups: [{ name: 'deeds', about: 'deeds', keywords: [], tools: [tool] }],
    toolPolicy: policy,
  });
  const kind = toolKind({ tools: rig.tools, clock: hasty, timeoutMs: () => dayMs, save: rig.save });
  return { ...rig, kind, policyOf: policy, made: () => made };
}

const deed = { kind: 'tool', tool: 'deed' } as const;

test('what a tool returns is the result, with where it comes from and its files', async (t) => {
  const file = { id: 'file_1', mimeType: 'text/plain', size: 1 };
  const rig = await open(t, () => Promise.resolve({ text: 'done', outside: 'web page', files: [file] }));
  assert.deepEqual(await rig.carryOut(rig.kind, deed), { text: 'done', files: [file], outside: 'web page' });
});

test('a long result is cut, and the whole of it goes along', async (t) => {
  const whole = 'x'.repeat(100_000);
  const rig = await open(t, () => Promise.resolve({ text: whole }));
  const { text, files } = await rig.carryOut(rig.kind, deed);
  assert.ok(text.length <= 32_768 && text.endsWith('[cut here]'));
  const bytes = await rig.files.read(files[0]?.id ?? '');
  assert.equal(Buffer.from(bytes ?? []).toString(), whole);
});

test('what must not be done twice is not done again after an attempt that was cut, and never by itself', async (t) => {
  const rig = await open(t, () => Promise.resolve({ text: 'it broke', isError: true }));
  await assert.rejects(rig.carryOut(rig.kind, deed, {}, { again: true }), {
    code: 'outcome_unknown',
    retryable: false,
  });
  assert.equal(rig.made(), 0);
  await assert.rejects(rig.carryOut(rig.kind, deed), { code: 'tool_failed', retryable: false });
  const harmless = await open(t, () => Promise.resolve({ text: 'it broke', isError: true }), { idempotent: true });
  await assert.rejects(harmless.carryOut(harmless.kind, deed, {}, { again: true }), { retryable: true });
  assert.equal(harmless.made(), 1);
});

test('a tool that hangs ends in its time: unknown where it may have done something', async (t) => {
  const hangs = (): Promise<never> => new Promise(() => undefined);
  const rig = await open(t, hangs, { timeoutMs: 1000 });
  await assert.rejects(rig.carryOut(rig.kind, deed), { code: 'outcome_unknown', retryable: false });
  const reads = await open(t, hangs, { timeoutMs: 1000, effects: ['read'] });
  await assert.rejects(reads.carryOut(reads.kind, deed), { code: 'timeout', retryable: true });
});

test('the policy by then decides: a refusal is final, what would be asked was asked when the job was made', async (t) => {
  const rig = await open(t, () => Promise.resolve({ text: 'sent' }), { effects: ['send'] });
  assert.equal((await rig.carryOut(rig.kind, deed)).text, 'sent');
  rig.policyOf.channels = { job: { send: 'deny' } };
  await assert.rejects(rig.carryOut(rig.kind, deed), { code: 'not_allowed', retryable: false });
  assert.equal(rig.made(), 1);
});

test('a job has the lesser of the rights it was made with and those of its owner by now', async (t) => {
  const rig = await open(t, () => Promise.resolve({ text: 'done' }), { role: 'owner' });
  const origin = { kind: 'token', id: 'tok', role: 'member', tainted: null } as const;
  await assert.rejects(rig.carryOut(rig.kind, deed, { origin }), { code: 'no_such_tool' });
  await rig.store.setRole(ownerPerson, 'member');
  rig.directory.forget();
  await assert.rejects(rig.carryOut(rig.kind, deed), { code: 'no_such_tool' });
  await rig.store.setRole(ownerPerson, 'guest');
  rig.directory.forget();
  await assert.rejects(rig.carryOut(rig.kind, deed), { code: 'not_allowed' });
  assert.equal(rig.made(), 0);
});

test('a tool that is not there, or takes other arguments, is refused before anything is stored', async (t) => {
  const rig = await open(t, () => Promise.resolve({ text: 'done' }));
  const { kind } = rig;
  assert.equal(await kind.problem?.(deed, ownerPerson), null);
  assert.match((await kind.problem?.({ ...deed, tool: 'none' }, ownerPerson)) ?? '', /no tool "none"/);
  assert.match((await kind.problem?.({ ...deed, args: { how: 1 } }, ownerPerson)) ?? '', /^deed: /);
});
