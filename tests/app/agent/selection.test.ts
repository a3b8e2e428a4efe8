import assert from 'node:assert/strict';
import { test } from 'node:test';
import { neededGroups } from '../../../src/app/agent/selection.ts';
import type { Message, Part } from '../../../src/core/message.ts';
import type { ToolGroup } from '../../../src/core/ports/tool.ts';

const group = (name: string): ToolGroup => ({ name, about: '', keywords: [], tools: [] });
const said = (role: Message['role'], part: Part): Message => ({
  id: 'msg_1',
  sessionKey: 's',
  seq: 1,
  role,
  parts: [part],
  author: null,
  runId: null,
  time: 0,
});
const result = { type: 'tool_result', callId: 'c', name: 'http_request', text: 'a … z', isError: false } as const;

test('a result that was cut brings the tool that reads on in it, a whole one does not', () => {
  const groups = [group('results'), group('files')];
  assert.deepEqual([...neededGroups(groups, [said('tool', result)])], []);
  assert.deepEqual([...neededGroups(groups, [said('tool', { ...result, file: 'file_1' })])], ['results']);
});
