import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { readsOnly } from '../../../src/core/ports/tool.ts';
import { freePort } from '../../support/daemon.ts';
import { serveMcp } from '../../support/mcp-library-server.ts';
import { openMcp, program, toolCall } from '../../support/mcp-rig.ts';

const official = { command: process.execPath, args: [program('mcp-library-server.ts')] };

describe('servers that behave', () => {
  test('the tools of a program are there, sorted, named after it, with the effects that they admit', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ 'lib-1': official });
    assert.deepEqual(rig.servers.groups(), [], 'nobody waits for a server');
    await rig.up('lib-1');
    const [group] = rig.servers.groups();
    assert.equal(group?.name, 'mcp_lib_1');
    assert.deepEqual(
      group.tools.map(({ name }) => name),
      ['add', 'environment', 'fails', 'grow', 'picture', 'weather'].map((name) => `mcp_lib_1__${name}`),
    );
    assert.ok(readsOnly(rig.tool('mcp_lib_1__add').effects));
    assert.deepEqual(rig.tool('mcp_lib_1__picture').effects, ['write', 'send']);
  });

  test('who has to can wait until each server is there or could not be started', async (t) => {
    const rig = openMcp(t);
    // Also who asks before it is known which servers there are.
    const arrived = rig.servers.arrived();
    await rig.configure({ lib: official, bad: { command: '/nowhere/to/be/found' } });
    await arrived;
    assert.deepEqual(
      rig.servers.groups().map(({ name }) => name),
      ['mcp_lib'],
    );
  });

  test('an answer is text, a failure stays one, and all of it is from outside', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ lib: official });
    await rig.up('lib');
    assert.deepEqual(await rig.call('mcp_lib__add', { a: 2, b: 3 }), { text: '5', outside: 'mcp lib' });
    assert.deepEqual(await rig.call('mcp_lib__weather'), { text: '{"degrees":21}', outside: 'mcp lib' });
    assert.deepEqual(await rig.call('mcp_lib__fails'), { text: 'no such city', outside: 'mcp lib', isError: true });
    const [status] = rig.servers.status();
    assert.deepEqual([status?.calls, status?.failedCalls], [3, 0]);
    assert.equal(rig.metrics.values.get('mcp_calls_total{server=lib,outcome=ok}'), 2);
  });

  test('arguments that cannot be right are told in words and never leave', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ lib: official });
    await rig.up('lib');
    const { text } = await rig.call('mcp_lib__add', { a: 'two' });
    assert.match(text, /b: it is required.*a: it must be number/);
    assert.equal(rig.servers.status()[0]?.calls, 0);
  });

  test('a picture becomes a file of the person who asked', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ lib: official });
    await rig.up('lib');
    const { text, files } = await rig.call('mcp_lib__picture', {}, { person: 'ben' });
    assert.match(text, /^look:\n\[image kept as file file_1, image\/png/);
    assert.deepEqual(
      files?.map(({ id }) => id),
      ['file_1'],
    );
    assert.deepEqual(
      rig.kept.map(({ owner, mimeType }) => [owner, mimeType]),
      [['ben', 'image/png']],
    );
  });

  test('of our environment a program gets where things are, and no secret', async (t) => {
    const rig = openMcp(t, {
      env: { PATH: process.env['PATH'], OPENAI_API_KEY: 'sk-secret', OPEN_CLANKER_TOKEN: 'x', LC_ALL: 'C' },
    });
    await rig.configure({ lib: { ...official, env: { GITHUB_TOKEN: 'given' } } });
    await rig.up('lib');
    const { text } = await rig.call('mcp_lib__environment');
    assert.deepEqual(JSON.parse(text), ['GITHUB_TOKEN', 'LC_ALL', 'PATH']);
  });

  test('a tool that comes later is there after the server has said so', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ lib: official });
    await rig.up('lib');
    await rig.call('mcp_lib__grow');
    await rig.until(() => rig.servers.groups()[0]?.tools.some(({ name }) => name === 'mcp_lib__grown') === true);
  });

  test('what the operator configures stands: which tools, what they count as, and the one who may', async (t) => {
    const rig = openMcp(t);
    const more = { allow: ['a*', '*e*'], deny: ['fails', 'pict*'], effects: ['execute'], role: 'owner', about: 'sums' };
    await rig.configure({ lib: { ...official, ...more } });
    await rig.up('lib');
    const [group] = rig.servers.groups();
    assert.equal(group?.about, 'sums');
    assert.deepEqual(
      group.tools.map(({ name, effects, role }) => [name, effects, role]),
      ['add', 'environment', 'weather'].map((name) => [`mcp_lib__${name}`, ['execute'], 'owner']),
    );
  });

  test('a reload starts anew what changed and leaves the others alone', async (t) => {
    const rig = openMcp(t);
    const pid =
      (name: string): (() => boolean) =>
      () =>
        rig.servers.status().some((one) => one.name === name && one.state === 'up');
    await rig.configure({ one: official, two: official, three: { ...official, enabled: false } });
    await rig.until(() => pid('one')() && pid('two')());
    await rig.call('mcp_one__add', { a: 1, b: 1 });
    await rig.call('mcp_two__add', { a: 1, b: 1 });
    await rig.configure({ one: official, two: { ...official, deny: ['grow'] } });
    assert.deepEqual(
      rig.servers.status().map(({ name, calls }) => [name, calls]),
      [
        ['one', 1],
        ['two', 0],
      ],
    );
    await rig.up('two');
    assert.equal(rig.servers.groups()[1]?.tools.length, 5);
    await rig.configure({});
    assert.deepEqual(rig.servers.groups(), []);
  });

  test('the example of a server works as it stands', async (t) => {
    const rig = openMcp(t);
    const file = path.join(import.meta.dirname, '../../../examples/mcp-server/server.mjs');
    await rig.configure({ dice: { command: process.execPath, args: [file] } });
    await rig.up('dice');
    assert.match((await rig.call('mcp_dice__roll', { sides: 2, count: 3 })).text, /^[12], [12], [12]$/);
    assert.match((await rig.call('mcp_dice__rolls')).text, /^[12], [12], [12]$/);
    assert.match((await rig.call('mcp_dice__roll')).text, /sides: it is required/);
  });
});

describe('servers over HTTP', () => {
  test('a session is opened, its tools are used, and it is ended', async (t) => {
    const remote = await serveMcp({ token: 'hunter2-hunter2' });
    t.after(() => remote.close());
    const rig = openMcp(t);
    await rig.configure({ lib: { url: remote.url, headers: { Authorization: 'Bearer hunter2-hunter2' } } });
    await rig.up('lib');
    assert.equal((await rig.call('mcp_lib__add', { a: 2, b: 3 })).text, '5');
    await rig.servers.stop();
    assert.ok(remote.requests.includes('DELETE 200'), remote.requests.join());
  });

  test('what the server says unasked is heard', async (t) => {
    const remote = await serveMcp();
    t.after(() => remote.close());
    const rig = openMcp(t);
    await rig.configure({ lib: { url: remote.url } });
    await rig.up('lib');
    await rig.until(() => remote.requests.includes('GET 200'));
    await rig.call('mcp_lib__grow');
    await rig.until(() => rig.servers.groups()[0]?.tools.some(({ name }) => name === 'mcp_lib__grown') === true);
  });

  test('a token that is refused is told with what to do, and the token is nowhere', async (t) => {
    const remote = await serveMcp({ token: 'hunter2-hunter2' });
    t.after(() => remote.close());
    const rig = openMcp(t);
    await rig.configure({ lib: { url: remote.url, headers: { Authorization: 'Bearer wrong-wrong-wrong' } } });
    await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
    assert.match(rig.servers.status()[0]?.detail ?? '', /refuses us \(401\).*headers/);
    assert.doesNotMatch(JSON.stringify([rig.log.lines, rig.servers.status()]), /wrong-wrong/);
  });

  test('a server that forgot the session is asked for a new one', async (t) => {
    const remote = await serveMcp();
    t.after(() => remote.close());
    const rig = openMcp(t);
    await rig.configure({ lib: { url: remote.url } });
    await rig.up('lib');
    remote.forget();
    assert.equal((await rig.call('mcp_lib__add', { a: 2, b: 3 })).isError, true);
    await rig.until(() => (rig.servers.status()[0]?.restarts ?? 0) > 0 && rig.servers.status()[0]?.state === 'up');
    assert.equal((await rig.call('mcp_lib__add', { a: 2, b: 3 })).text, '5');
  });

  test('a server that goes away takes its tools with it, and brings them back', async (t) => {
    const port = await freePort();
    const remote = await serveMcp({ port });
    const rig = openMcp(t);
    await rig.configure({ lib: { url: remote.url } });
    await rig.up('lib');
    const add = rig.tool('mcp_lib__add').prepare({ a: 1, b: 1 });
    await remote.close();
    await rig.until(() => rig.servers.groups().length === 0);
    assert.ok('run' in add);
    const answer = await add.run(toolCall());
    assert.equal(answer.isError, true);
    assert.match(answer.text, /"lib" gave no result/);
    const again = await serveMcp({ port });
    t.after(() => again.close());
    await rig.up('lib');
  });
});
