import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { fileKind } from '../../../../src/app/tasks/kinds/file.ts';
import { ownerPerson } from '../../../../src/core/principal.ts';
import { answering } from '../../../support/asking.ts';
import { jobs } from '../../../support/jobs.ts';
import type { Step } from '../../../support/scripted-provider.ts';

async function open(t: TestContext, scripts: Step[][] = []) {
  const rig = await jobs(t, scripts);
  const kind = fileKind(rig);
  const contents = async (id = ''): Promise<string> => Buffer.from((await rig.files.read(id)) ?? []).toString();
  return { ...rig, kind, contents };
}

test('a given text becomes a file of its owner, handed over without a word', async (t) => {
  const rig = await open(t);
  const { text, files, outside } = await rig.carryOut(rig.kind, { kind: 'file', name: 'list.csv', text: 'a,b\n1,2' });
  const [file] = files;
  assert.deepEqual([text, outside, file?.name, file?.mimeType, file?.size], ['', null, 'list.csv', 'text/csv', 7]);
  assert.equal(await rig.contents(file?.id), 'a,b\n1,2');
  assert.notEqual(await rig.store.file(file?.id ?? '', ownerPerson), null);
});

test('a name is no way to anywhere, and no promise that the contents do not keep', async (t) => {
  const rig = await open(t);
  const cases = [
    ['../../etc/passwd', 'passwd', 'text/plain'],
    ['page.png', 'page.png', 'text/plain'],
    ['data.json', 'data.json', 'application/json'],
    ['..', 'file.txt', 'text/plain'],
  ] as const;
  for (const [wanted, name, mimeType] of cases) {
    const [file] = (await rig.carryOut(rig.kind, { kind: 'file', name: wanted, text: '{"a":1}' })).files;
    assert.deepEqual([file?.name, file?.mimeType], [name, mimeType], wanted);
  }
});

test('what the agent writes is the file, without the block of code around it', async (t) => {
  const rig = await open(t, [answering('```csv\na,b\n1,2\n```'), answering('Use `a` and\n```\nb\n```\nthen c.')]);
  const made = async (): Promise<string> => {
    const { files } = await rig.carryOut(rig.kind, { kind: 'file', name: 'list.csv', prompt: 'make a list' });
    return rig.contents(files[0]?.id);
  };
  assert.equal(await made(), 'a,b\n1,2');
  assert.equal(await made(), 'Use `a` and\n```\nb\n```\nthen c.');
  assert.match(JSON.stringify(rig.provider.requests[0]?.messages), /make a list[^]*contents of the file/);
});

test('a text or a prompt is needed, not both and not none', async (t) => {
  const rig = await open(t);
  const problem = (more: object): Promise<string | null> | undefined =>
    rig.kind.problem?.({ kind: 'file', name: 'a', ...more }, ownerPerson);
  assert.equal(await problem({ text: 'x' }), null);
  assert.equal(await problem({ prompt: 'x' }), null);
  assert.notEqual(await problem({}), null);
  assert.notEqual(await problem({ text: 'x', prompt: 'x' }), null);
});
