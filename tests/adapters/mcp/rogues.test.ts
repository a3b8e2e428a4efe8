import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, test } from 'node:test';
import { type McpRig, openMcp, program, rogue, toolCall } from '../../support/mcp-rig.ts';

const loggedLine = (rig: McpRig, begin: string): string | undefined =>
  rig.log.lines.map(({ fields }) => fields['line'] as string | undefined).find((line) => line?.startsWith(begin));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

const pidIn = (line: string | undefined): number => Number(line?.split(' ')[1]);

describe('a server that does not come up', () => {
  for (const [what, options, words] of [
    ['a program that is not there', { command: '/nowhere/to/be/found' }, /cannot be started: it was not found/],
    ['a program that ends at once', rogue('dies', '7'), /ended by itself with exit code 7/],
    ['one that never answers', { ...rogue('hang'), timeout: '1s' }, /timed out/],
    ['one that reads nothing', { ...rogue('deaf'), timeout: '1s' }, /timed out/],
    ['one of another protocol', rogue('version'), /version is not supported/],
    ['one at a port where nobody listens', { url: 'http://127.0.0.1:9/mcp' }, /127\.0\.0\.1:9/],
  ] as const) {
    test(`${what} is told in words and tried again`, async (t) => {
      const rig = openMcp(t);
      await rig.configure({ bad: options });
      await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
      assert.match(rig.servers.status()[0]?.detail ?? '', words);
      assert.deepEqual(rig.servers.groups(), []);
      await rig.until(() => (rig.servers.status()[0]?.restarts ?? 0) > 0);
    });
  }

  test('pauses grow and stay within their bound', async (t) => {
    const pauses: number[] = [];
    const rig = openMcp(t, {
      clock: {
        sleep(ms, signal) {
          pauses.push(ms);
          if (pauses.length < 12) return Promise.resolve();
          return new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('over'))));
        },
      },
    });
    await rig.configure({ bad: { command: '/nowhere/to/be/found' } });
    await rig.until(() => pauses.length === 12);
    assert.ok(
      pauses.every((ms, n) => ms >= Math.min(300_000, 1000 * 2 ** n) / 2 && ms <= Math.min(300_000, 1000 * 2 ** n)),
    );
  });
});

describe('a server that misbehaves', () => {
  test('one that dies in a call answers it with an error and comes back', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('crash') });
    await rig.up('bad');
    const { text, isError } = await rig.call('mcp_bad__work');
    assert.equal(isError, true);
    assert.match(text, /exit code 3/);
    await rig.until(() => (rig.servers.status()[0]?.restarts ?? 0) > 0 && rig.servers.status()[0]?.state === 'up');
  });

  test('the last words of one that ends are heard', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('last') });
    await rig.up('bad');
    assert.equal((await rig.call('mcp_bad__work')).text, 'done');
    await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
    assert.match(rig.servers.status()[0]?.detail ?? '', /exit code 0/);
  });

  test('one that hangs in a call is cancelled with the run, and is ended when it answers no ping either', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: { ...rogue('mute'), timeout: '1s' } });
    await rig.up('bad');
    const tool = rig.tool('mcp_bad__work').prepare({});
    assert.ok('run' in tool);
    const stop = new AbortController();
    const answer = tool.run(toolCall({ signal: stop.signal }));
    stop.abort(new Error('the run was aborted'));
    assert.equal((await answer).isError, true);
    await rig.until(() => rig.servers.groups().length === 0);
    assert.match((await tool.run(toolCall())).text, /gave no result/);
  });

  test('one that is slow loses the call at its time, and stays because it answers a ping', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: { ...rogue('slow'), timeout: '1s' } });
    await rig.up('bad');
    const { isError, text } = await rig.call('mcp_bad__work');
    assert.equal(isError, true);
    assert.match(text, /timed out/);
    assert.equal(rig.servers.status()[0]?.state, 'up');
  });

  for (const kind of ['oversized', 'oversized-end']) {
    test(`an answer of 10 MB is told as too large at once (${kind})`, async (t) => {
      const rig = openMcp(t);
      await rig.configure({ bad: { ...rogue(kind), timeout: '60s' } });
      await rig.up('bad');
      const { isError, text } = await rig.call('mcp_bad__work');
      assert.equal(isError, true);
      assert.match(text, /larger than 4 MB/);
      assert.equal(rig.servers.status()[0]?.state, 'up');
    });
  }

  for (const kind of ['garbage', 'stderr', 'flood', 'storm', 'asks', 'other-id', 'pages']) {
    test(`"${kind}" does not keep a call from its answer`, async (t) => {
      const rig = openMcp(t);
      await rig.configure({ bad: rogue(kind) });
      await rig.up('bad');
      assert.equal((await rig.call('mcp_bad__work')).text, 'done');
      assert.ok(rig.log.lines.length < 200, `${rig.log.lines.length} lines of log`);
      assert.ok(rig.log.lines.every((line) => JSON.stringify(line).length < 2500));
    });
  }

  test('a line without an end is not kept, and does not hold up the rest of us', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: { ...rogue('endless'), timeout: '1s' } });
    await rig.until(() => rig.servers.status()[0]?.state === 'up');
    assert.equal((await rig.call('mcp_bad__work')).isError, true);
    assert.ok(process.memoryUsage().rss < 400_000_000);
  });

  test('a result that is none is read as nothing, one without a bottom as far as it goes', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ none: rogue('nonsense'), deep: rogue('deep') });
    await rig.up('none');
    await rig.up('deep');
    assert.equal((await rig.call('mcp_none__work')).text, '(nothing)');
    assert.equal((await rig.call('mcp_deep__work')).outside, 'mcp deep');
    assert.ok(rig.servers.status().every(({ state }) => state === 'up'));
  });

  test('a thousand tools are cut to what a model can choose from, and that is told', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('thousand') });
    await rig.up('bad');
    assert.equal(rig.servers.groups()[0]?.tools.length, 128);
    assert.ok(rig.log.lines.some(({ fields }) => fields['count'] === 872));
  });

  test('names cannot pass for tools of ours or of another server, and doubles are told apart', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('names') });
    await rig.up('bad');
    const tools = rig.servers.groups()[0]?.tools ?? [];
    const names = tools.map(({ name }) => name);
    assert.deepEqual(names, [
      `mcp_bad__${'a'.repeat(55)}`,
      'mcp_bad__etc',
      'mcp_bad__hidden',
      'mcp_bad__mcp_other_x',
      'mcp_bad__notes_save',
      'mcp_bad__notes_save_2',
      'mcp_bad__notes_save_3',
      'mcp_bad__work',
    ]);
    const { description = '' } = tools.find(({ name }) => name === 'mcp_bad__hidden') ?? {};
    assert.match(description, /^be ware x/);
    assert.equal(description.length, 500);
  });

  test('one that asks and never reads the answers is ended before they fill the memory', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('unread') });
    await rig.until(() => rig.servers.status()[0]?.state === 'waiting');
    assert.match(rig.servers.status()[0]?.detail ?? '', /does not read/);
  });

  test('what it asks of us is refused, and a ping is answered', async (t) => {
    const rig = openMcp(t);
    await rig.configure({ bad: rogue('asks') });
    await rig.until(() => loggedLine(rig, 'answers') !== undefined);
    const line = loggedLine(rig, 'answers') ?? '';
    assert.equal(line.match(/-32601/g)?.length, 3, line);
    assert.match(line, /"id":4,"result":\{\}|"result":\{\},.*"id":4/);
  });
});

describe('the end of a program', () => {
  for (const kind of ['children', 'stubborn']) {
    test(`nothing is left of one with ${kind === 'children' ? 'children that heed nothing' : 'no manners'}`, async (t) => {
      const rig = openMcp(t);
      await rig.configure({ bad: rogue(kind) });
      await rig.up('bad');
      await rig.until(() => loggedLine(rig, 'pid') !== undefined);
      const pids = [loggedLine(rig, 'pid'), loggedLine(rig, 'child')].filter((line) => line !== undefined).map(pidIn);
      assert.ok(pids.every(isAlive));
      await rig.servers.stop();
      await rig.until(() => !pids.some(isAlive));
    });
  }

  test('a gateway that is killed leaves no server behind that heeds the end of its input', async (t) => {
    const rig = openMcp(t);
    const parent = spawn(
      process.execPath,
      [
        '--input-type=module-typescript',
        '-e',
        `import { StdioTransport } from ${JSON.stringify(program('../../src/adapters/mcp/stdio.ts'))};
         import { systemClock as clock } from ${JSON.stringify(program('../../src/adapters/system/index.ts'))};
         const log = { info: (_, { line }) => console.log(line), warn() {}, with: () => log };
         const [command, file] = [process.execPath, ${JSON.stringify(program('mcp-rogue.ts'))}];
         await new StdioTransport({ command, args: [file, 'pid'], env: {}, cwd: undefined, clock, log }).start();
         setInterval(() => 0, 1000);`,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    t.after(() => parent.kill('SIGKILL'));
    const [line] = (await parent.stdout.take(1).toArray()) as [Buffer];
    const pid = pidIn(line.toString());
    assert.ok(isAlive(pid));
    parent.kill('SIGKILL');
    await rig.until(() => !isAlive(pid));
  });
});
