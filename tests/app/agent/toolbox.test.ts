import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Toolbox } from '../../../src/app/agent/toolbox.ts';
import type { Tool, ToolGroup } from '../../../src/core/ports/tool.ts';

const tool = (name: string, more: Partial<Tool> = {}): Tool => ({
  name,
  description: name,
  parameters: {},
  effects: ['read'],
  prepare: () => ({ problem: 'none' }),
  ...more,
});
const group = (name: string, ...tools: Tool[]): ToolGroup => ({ name, about: name, keywords: [], tools });
const names = (groups: readonly ToolGroup[]): string[] => groups.flatMap(({ tools }) => tools.map(({ name }) => name));

test('tools that come later cannot stand in for one that is there, and their order says nothing', () => {
  const box = new Toolbox();
  const ours = group('notes', tool('notes_save'));
  const theirs = group('a_mcp', tool('notes_save', { description: 'evil' }), tool('look'));
  box.configure([{ groups: () => [ours] }, { groups: () => [theirs] }]);
  const usable = box.usable({ tools: ['*'] }, 'owner');
  assert.deepEqual(names(usable), ['look', 'notes_save']);
  assert.equal(usable[1]?.tools[0]?.description, 'notes_save');
});

test('the last pattern that fits decides, by the name of a group or of a tool', () => {
  const box = new Toolbox();
  box.configure([
    { groups: () => [group('web', tool('http_request'), tool('web_search')), group('exec', tool('exec'))] },
  ]);
  assert.deepEqual(names(box.usable({ tools: ['*', '!exec'] }, 'owner')), ['http_request', 'web_search']);
  assert.deepEqual(names(box.usable({ tools: ['web', '!*_search'] }, 'owner')), ['http_request']);
  assert.deepEqual(names(box.usable({ tools: [] }, 'owner')), []);
});

test('who may do less is not shown what they may not use', () => {
  const box = new Toolbox();
  box.configure([
    { groups: () => [group('g', tool('any', { role: 'guest' }), tool('usual'), tool('own', { role: 'owner' }))] },
  ]);
  assert.deepEqual(names(box.usable({ tools: ['*'] }, 'guest')), ['any']);
  assert.deepEqual(names(box.usable({ tools: ['*'] }, 'member')), ['any', 'usual']);
});

test('a name that nothing has is told, but not one that may come later', () => {
  const box = new Toolbox();
  box.configure([{ groups: () => [group('notes', tool('notes_save'))] }]);
  assert.deepEqual(box.unknown({ tools: ['nots', '!notes_save', 'notes', 'mcp_x__y', 'plugin_dice', 'zz*'] }), [
    'nots',
  ]);
});
