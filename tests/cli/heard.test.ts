import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CliError } from '../../src/cli/command.ts';
import { Unreachable } from '../../src/cli/client.ts';
import { hearJobs } from '../../src/cli/heard.ts';

const changed = (id: string, state: string) => ({
  event: 'task.changed',
  id: `${id}-${state}`,
  data: JSON.stringify({ task_id: id, state }),
});

test('what jobs send into a session is said once, also when the gateway was gone meanwhile', async () => {
  const left = new AbortController();
  const said: string[] = [];
  const asked: (string | null)[] = [];
  const results: Record<string, unknown> = {
    '/api/v1/tasks/task_1': { result: { text: 'drink tea', files: [] } },
    '/api/v1/tasks/task_2': { result: { text: '', files: [] } },
    '/api/v1/tasks/task_3': { result: { text: 'the list', files: [{ id: 'file_1', name: 'list.csv', size: 3 }] } },
  };
  const client = {
    async *events(path: string, last: string | null) {
      await Promise.resolve();
      assert.equal(path, '/api/v1/events?type=task.changed&session=cli');
      asked.push(last);
      if (asked.length === 2) throw new Unreachable('gone');
      if (asked.length === 1) yield* [changed('task_1', 'running'), changed('task_1', 'completed')];
      else {
        yield* [changed('task_2', 'completed'), changed('task_3', 'completed')];
        left.abort();
      }
    },
    get: <T>(path: string): Promise<T> => Promise.resolve(results[path] as T),
  };
  await hearJobs(client, 'cli', left.signal, (text) => said.push(text));
  assert.deepEqual(said, ['drink tea', 'the list\n(list.csv)']);
  assert.deepEqual(asked, [null, 'task_1-completed', 'task_1-completed']);
});

test('a gateway that does not let one listen is not asked again, and the conversation goes on', async () => {
  let asked = 0;
  const client = {
    // eslint-disable-next-line require-yield -- it is refused
    async *events() {
      await Promise.resolve();
      asked += 1;
      throw new CliError('The scope is too small.');
    },
    get: () => Promise.reject(new Error('not asked')),
  };
  await hearJobs(client, 'cli', new AbortController().signal, () => assert.fail('nothing was sent'));
  assert.equal(asked, 1);
});
