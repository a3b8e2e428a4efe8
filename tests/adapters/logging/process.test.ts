/** What only a process of its own can show: pipes that nobody reads or that break, and the end of the process. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import path from 'node:path';
import { it } from 'node:test';
import type { TestContext } from 'node:test';
import { createLog } from '../../../src/adapters/logging/index.ts';

const index = path.resolve(import.meta.dirname, '../../../src/adapters/logging/index.ts');

/** Runs a script that has `log`, which writes JSON to stdout; its own words go to stderr. */
function child(t: TestContext, script: string): ChildProcess {
  const source = `import { createLog } from ${JSON.stringify(index)};
    const log = createLog({ level: 'info', output: 'stdout', format: 'json', service: 't', env: {} });
    const say = (text) => process.stderr.write(text + '\\n');
    ${script}`;
  const running = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: ['pipe', 'pipe', 'pipe'] });
  t.after(() => running.kill('SIGKILL'));
  return running;
}

async function textOf(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  for await (const chunk of stream ?? []) text += String(chunk);
  return text;
}

it('lines written right before process.exit still arrive', async (t) => {
  const running = child(t, `for (let i = 0; i < 300; i++) log.error('last words', { i }); process.exit(3);`);
  const [text, [code]] = await Promise.all([textOf(running.stdout), once(running, 'exit')]);
  assert.equal(code, 3);
  assert.equal(text.trimEnd().split('\n').length, 300);
});

it('a reader that never reads blocks nothing: the loop goes on, memory is bounded, lines are dropped and counted', async (t) => {
  const running = child(
    t,
    `for (let i = 0; i < 20000; i++) { log.info('x'.repeat(200)); if (i % 1000 === 0) await new Promise(setImmediate); }
     await new Promise((resolve) => setTimeout(resolve, 50));
     say(String(log.dropped));
     process.stdin.once('data', async () => { await log.flush(); log.info('after'); await log.flush(); say('done'); process.exit(0); });`,
  );
  const words = running.stderr?.[Symbol.asyncIterator]();
  const dropped = Number(String((await words?.next())?.value));
  assert.ok(dropped > 5000 && dropped < 20_000, `${dropped}`);
  // The reader wakes up: what was kept comes, then the note about what is missing.
  const reading = textOf(running.stdout);
  running.stdin?.write('go\n');
  const lines = (await reading)
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { message: string });
  assert.ok(lines.some(({ message }) => message === `${dropped} lines of the log were dropped here`));
  assert.equal(lines.at(-1)?.message, 'after');
  assert.equal(lines.length, 20_000 - dropped + 2);
});

it('a reader that went away does not take the process with it', async (t) => {
  const running = child(
    t,
    `process.stdin.once('data', async () => {
       for (let i = 0; i < 10; i++) { log.info('into the void'); await log.flush(); }
       say(String(log.dropped)); process.exit(0); });
     say('ready');`,
  );
  const words = running.stderr?.[Symbol.asyncIterator]();
  await words?.next();
  running.stdout?.destroy();
  await once(running.stdout ?? running, 'close');
  const exited = once(running, 'exit');
  running.stdin?.write('go\n');
  assert.equal(String((await words?.next())?.value).trim(), '10');
  assert.deepEqual(await exited, [0, null]);
});

it('closing gives up at its deadline when nobody reads', async (t) => {
  const running = child(
    t,
    `for (let i = 0; i < 4000; i++) log.info('x'.repeat(200)); await log.close(20); say('closed'); process.exitCode = 0; process.kill(process.pid, 'SIGKILL');`,
  );
  assert.equal(await textOf(running.stderr), 'closed\n');
});

it('syslog: one datagram a line, with the header of RFC 5424', async (t) => {
  const collector = createSocket('udp4');
  t.after(() => collector.close());
  collector.bind(0, '127.0.0.1');
  await once(collector, 'listening');
  const log = createLog({
    level: 'info',
    output: 'syslog',
    format: 'logfmt',
    service: 'a b',
    env: {},
    syslog: { host: '127.0.0.1', port: collector.address().port },
    now: () => 0,
  });
  const received: string[] = [];
  const both = new Promise<void>((resolve) => {
    collector.on('message', (bytes: Buffer) => {
      received.push(bytes.toString());
      if (received.length === 2) resolve();
    });
  });
  log.error('first');
  log.info('x'.repeat(8000));
  await both;
  await log.close();
  assert.match(
    received[0] ?? '',
    /^<27>1 1970-01-01T00:00:00\.000Z \S+ a_b \d+ - - time=\S+ level=error service="a b" message=first$/,
  );
  assert.match(received[1] ?? '', /^<30>1 /);
  assert.equal(received[1]?.length, 2048);
});
