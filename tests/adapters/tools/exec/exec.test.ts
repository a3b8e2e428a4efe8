import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, it, test, type TestContext } from 'node:test';
import { DiskPersonFiles } from '../../../../src/adapters/files/person-files.ts';
import { systemClock } from '../../../../src/adapters/system/index.ts';
import { sandboxState } from '../../../../src/adapters/tools/exec/available.ts';
import { execTools, type ExecOptions } from '../../../../src/adapters/tools/exec/index.ts';
import { BoundedOutput } from '../../../../src/adapters/tools/exec/output.ts';
import { sandboxArguments } from '../../../../src/adapters/tools/exec/sandbox.ts';
import { estimateTokens } from '../../../../src/core/estimate.ts';
import type { ToolOutput } from '../../../../src/core/ports/tool.ts';
import { testedAsNobody } from '../../../support/as-nobody.ts';
import { callOf, outcome } from '../../../support/tool-calls.ts';

const person = 'per_ann';
const defaults: ExecOptions = {
  writable: false,
  timeoutMs: 20_000,
  memoryBytes: 256_000_000,
  processes: 24,
  maxOutput: 20_000,
  maxFile: 1_000_000,
};

test('the beginning and the end of a long output are kept, and nothing else', () => {
  const output = new BoundedOutput(20);
  for (let n = 0; n < 100_000; n += 10) output.push(Buffer.from('0123456789'));
  assert.equal(output.text(), '0123456789\n[… 99980 bytes are left out here …]\n0123456789');
  const short = new BoundedOutput(20);
  for (const piece of ['abc', '', 'defghijklmnop', 'q']) short.push(Buffer.from(piece));
  assert.equal(short.text(), 'abcdefghijklmnopq');
  const exact = new BoundedOutput(20);
  exact.push(Buffer.from('x'.repeat(20)));
  assert.equal(exact.text(), 'x'.repeat(20));
  exact.push(Buffer.from('yy'));
  assert.equal(exact.text(), `${'x'.repeat(10)}\n[… 2 bytes are left out here …]\n${'x'.repeat(8)}yy`);
});

test('what a program is given is never read as an option of the sandbox, nor by a shell', () => {
  const limits = { memoryBytes: 1, processes: 1, fileBytes: 1, cpuSeconds: 1 };
  const argv = ['--bind', '/', '/', '$(id)', '; rm -rf /', '`id`', '*', '~', '\n', '--'];
  const args = sandboxArguments({ argv, folder: '/data/x', writable: false, limits });
  assert.deepEqual(args.slice(-argv.length - 1), ['--', ...argv]);
  assert.ok(args.indexOf('--') < args.length - argv.length - 1);
  for (const option of ['--share-net', '--bind', '--dev-bind', '--cap-add'])
    assert.equal(args.slice(0, args.indexOf('--')).includes(option), false, option);
});

if (!testedAsNobody(import.meta.filename)) {
  const state = await sandboxState(systemClock);
  const skip = 'bwrap' in state ? false : `${state.problem} ${state.fix}`;
  if (skip !== false) console.log(`skipped: ${skip}`);
  const bwrap = 'bwrap' in state ? state.bwrap : '';

  const rig = (t: TestContext, more: Partial<ExecOptions> = {}, quota = 3_000_000) => {
    const data = mkdtempSync(path.join(tmpdir(), 'clanker-exec-'));
    t.after(() => rmSync(data, { recursive: true, force: true }));
    const files = new DiskPersonFiles(path.join(data, 'people'), () => ({ maxFile: 1_000_000, quota }));
    const group = execTools({ ...defaults, ...more }, { bwrap, files, clock: systemClock });
    const root = path.join(data, 'people', person, 'files');
    mkdirSync(root, { recursive: true });
    const exec = (argv: string[], signal = new AbortController().signal): Promise<ToolOutput> =>
      outcome(group, 'exec', { argv }, callOf(person, { signal }));
    const sh = (script: string): Promise<ToolOutput> => exec(['sh', '-c', script]);
    return { data, root, group, files, exec, sh };
  };

  /** Descriptors that whoever started this test left open to all that it starts: not ours to judge. */
  const handedDown = (): number[] =>
    readdirSync('/proc/self/fdinfo')
      .map(Number)
      .filter((fd) => {
        try {
          const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '0';
          return fd > 2 && (Number.parseInt(flags, 8) & 0o2000000) === 0;
        } catch {
          return false;
        }
      });

  /** Processes of the host whose command line holds a word. */
  const living = (word: string): string[] =>
    readdirSync('/proc')
      .filter((pid) => /^\d+$/.test(pid) && pid !== String(process.pid))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(word);
        } catch {
          return false;
        }
      });

  describe('a program in the sandbox', { skip }, () => {
    it('gets its arguments letter by letter, and its end is told with its output', async (t) => {
      const { exec, sh, group } = rig(t);
      const argv = ['printf', '%s|', '; id', '$(id)', '`id`', '*', '~', 'a\nb', '-n', '--version'];
      assert.equal((await exec(argv)).text, '[exit code 0]\n; id|$(id)|`id`|*|~|a\nb|-n|--version|');
      const failed = await sh('echo out; echo err >&2; exit 3');
      assert.deepEqual(failed, { text: '[exit code 3]\nout\n[errors]\nerr', isError: true, outside: 'program' });
      assert.match((await exec(['no-such-program'])).text, /exit code 127[^]*No such file/);
      for (const bad of [[], [''], ['a', 'b\0c'], Array.from({ length: 201 }, () => 'a')])
        assert.equal((await exec(bad)).isError, true);
      assert.deepEqual([group.tools[0]?.effects, group.tools[0]?.idempotent], [['execute'], undefined]);
      assert.ok(estimateTokens(JSON.stringify(group.tools)) <= 100);
    });

    it('reaches no network, not even that of its own machine', async (t) => {
      const { sh } = rig(t);
      let reached = 0;
      const canary = createServer((socket) => {
        reached++;
        socket.destroy();
      }).listen(0, '127.0.0.1');
      await new Promise((resolve) => canary.once('listening', resolve));
      t.after(() => canary.close());
      const { port } = canary.address() as AddressInfo;
      const { text } = await sh(
        `cat /proc/net/dev | tail -n +3 | cut -d: -f1; cat /proc/net/route | tail -n +2; bash -c 'echo > /dev/tcp/127.0.0.1/${port}'`,
      );
      assert.match(text, /exit code 1\]\n\s*lo\n\[errors\]\n[^]*refused/i);
      assert.equal(reached, 0);
    });

    it('sees nothing of the host but its programs: no files, no processes, no environment, no other person', async (t) => {
      const { data, root, sh, exec } = rig(t);
      writeFileSync(path.join(data, 'token'), 'SECRET-OF-THE-HOST');
      writeFileSync(path.join(root, '.env'), 'LD_PRELOAD=/files/evil.so\nSECRET=1');
      mkdirSync(path.join(data, 'people', 'per_bob', 'files'), { recursive: true });
      process.env['CLANKER_TEST_SECRET'] = 'SECRET-OF-THE-ENVIRONMENT';
      t.after(() => delete process.env['CLANKER_TEST_SECRET']);
      assert.equal(
        (await exec(['env'])).text.split('\n').sort().join('\n'),
        [
          'HOME=/tmp',
          'LANG=C.UTF-8',
          'PATH=/usr/local/bin:/usr/bin:/bin',
          'PWD=/files',
          'TMPDIR=/tmp',
          '[exit code 0]',
        ].join('\n'),
      );
      const { text } = await sh(
        'ls /proc/self/fd | tr "\\n" " "; ls /; ls -A /tmp /home /root /var /work 2>&1; ls /etc; ls -A /files; ps ax 2>/dev/null | wc -l; ls -d /proc/[0-9]* | wc -l; hostname; id -u; cat /proc/1/environ | tr "\\0" "\\n"',
      );
      assert.doesNotMatch(text, /SECRET-OF|per_bob|clanker-exec/);
      for (const gone of ['/home', '/root', '/var', '/work']) assert.match(text, new RegExp(`${gone}': No such file`));
      assert.match(text, /sandbox\n1000/);
      // One more than input, output and errors: that of the listing itself.
      const open = /^\[exit code \d\]\n([\d ]+) /.exec(text)?.[1]?.split(' ').map(Number) ?? [];
      assert.deepEqual(open.filter((fd) => !handedDown().includes(fd)).length, 4, text);
      assert.match((await sh(`cat ${path.join(data, 'token')} /etc/passwd /etc/shadow`)).text, /No such file/);
      for (const escape of ['/files/..', '/proc/self/cwd/..', '/proc/1/root', '/proc/self/root'])
        assert.doesNotMatch((await sh(`ls -A ${escape}/ 2>&1; ls -A ${escape}/people 2>&1`)).text, /per_bob|token/);
    });

    it('changes nothing but its own scratch, and files only where that is allowed', async (t) => {
      const reading = rig(t);
      writeFileSync(path.join(reading.root, 'a'), 'x');
      const { text } = await reading.sh(
        'cat a; for f in /files/b /usr/b /b /etc/b /dev/b /proc/sys/kernel/hostname; do echo x > $f && echo WROTE $f; done; echo y > /tmp/t && cat /tmp/t',
      );
      assert.match(text, /exit code 0\]\nxy/);
      assert.doesNotMatch(text, /WROTE/);
      assert.deepEqual(readdirSync(reading.root), ['a']);
      assert.equal((await reading.sh('cat /tmp/t')).isError, true);
      const writing = rig(t, { writable: true });
      await writing.sh('mkdir d && echo made > d/f');
      assert.equal(readFileSync(path.join(writing.root, 'd/f'), 'utf8'), 'made\n');
      assert.equal((await writing.files.read(person, 'd/f')).own, false);
    });

    it('cannot become more than it is: no other namespaces, no mounts, no capabilities', async (t) => {
      const { sh } = rig(t);
      const { text } = await sh(
        'unshare -U true && echo NAMESPACE; unshare -Ur mount -t tmpfs x /tmp && echo MOUNT; mount -o remount,rw / && echo REMOUNT; grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status',
      );
      assert.doesNotMatch(text, /NAMESPACE|MOUNT|REMOUNT/);
      assert.match(text, /CapEff:\s*0+\nNoNewPrivs:\s*1/);
    });

    it('is stopped when its time is up, with all that it started, even what let go of it', async (t) => {
      const { sh } = rig(t, { timeoutMs: 700 });
      const mark = `314159.${process.pid}`;
      const { text } = await sh(
        `setsid sleep ${mark} & nohup sleep ${mark} >/dev/null 2>&1 & (trap "" TERM INT HUP; sleep ${mark}); sleep ${mark}`,
      );
      assert.match(text, /^\[it was stopped after 0.7 s\]/);
      assert.deepEqual(living(mark), []);
    });

    it('leaves nothing behind when it ends by itself', async (t) => {
      const { sh } = rig(t);
      const mark = `271828.${process.pid}`;
      assert.match(
        (await sh(`setsid sleep ${mark} >/dev/null 2>&1 & sleep ${mark} >/dev/null 2>&1 & echo done`)).text,
        /done/,
      );
      assert.deepEqual(living(mark), []);
    });

    it('ends with its run', async (t) => {
      const { exec } = rig(t);
      const mark = `161803.${process.pid}`;
      const stop = new AbortController();
      const running = exec(['sleep', mark], stop.signal);
      while (living(mark).length === 0) await new Promise((resolve) => setImmediate(resolve));
      stop.abort(new Error('stopped'));
      assert.match((await running).text, /^\[it was stopped\]/);
      assert.deepEqual(living(mark), []);
      await assert.rejects(exec(['true'], stop.signal), /stopped/);
    });

    it('leaves nothing behind whenever it is stopped, also while its sandbox is still made', async (t) => {
      const { exec } = rig(t);
      const mark = `173205.${process.pid}`;
      for (let ms = 0; ms < Number(process.env['CLANKER_STOP_ROUNDS'] ?? 20); ms++) {
        const ends = await Promise.all(
          [
            exec(['sleep', mark], AbortSignal.timeout(ms % 40)),
            exec(['sleep', mark], AbortSignal.timeout(ms % 40)),
          ].map((run) => run.then(({ text }) => text, String)),
        );
        for (const end of ends) assert.match(end, /stopped|TimeoutError/);
      }
      assert.deepEqual(living(mark), []);
    });

    it('does not outlive a gateway that is killed', async (t) => {
      const { root } = rig(t);
      const mark = `223606.${process.pid}`;
      const run = path.resolve(import.meta.dirname, '../../../../src/adapters/tools/exec/run.ts');
      const plan = { bwrap, argv: ['sleep', mark], folder: root, writable: false, timeoutMs: 60_000, maxOutput: 100 };
      const limits = { memoryBytes: 1e9, processes: 8, fileBytes: 1, cpuSeconds: 9 };
      const script = `
        const { runInSandbox } = await import(${JSON.stringify(run)});
        const clock = { monotonic: () => 0, sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)) };
        await runInSandbox({ ...${JSON.stringify({ ...plan, limits })}, clock, overQuota: async () => false, signal: new AbortController().signal });`;
      const gateway = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
      t.after(() => gateway.kill('SIGKILL'));
      const programs = (): string[] => living(mark).filter((pid) => pid !== String(gateway.pid));
      // bwrap, its first process and the program.
      while (programs().length < 3) await new Promise((resolve) => setImmediate(resolve));
      gateway.kill('SIGKILL');
      while (programs().length > 0) await new Promise((resolve) => setImmediate(resolve));
    });

    it('that multiplies itself comes to an end of its processes', async (t) => {
      const { sh } = rig(t, { timeoutMs: 1500 });
      const mark = `141421.${process.pid}`;
      const counting = sh(`bomb() { sleep ${mark} & bomb & bomb & wait; }; bomb`);
      let most = 0;
      const watching = setInterval(() => (most = Math.max(most, living(mark).length)), 100);
      const { text, isError } = await counting;
      clearInterval(watching);
      assert.equal(isError, true);
      assert.match(text, /fork|Resource temporarily unavailable|stopped/i);
      assert.ok(most <= defaults.processes + 2, `${most} processes`);
      assert.deepEqual(living(mark), []);
    });

    it('that eats memory is refused it, alone and with its children', async (t) => {
      const { exec, sh } = rig(t, { memoryBytes: 120_000_000 });
      const alone = await exec(['perl', '-e', '$x = "x" x 400_000_000; print "ATE IT"']);
      assert.equal(alone.isError, true);
      assert.doesNotMatch(alone.text, /ATE IT/);
      const eater = 'perl -e \'$n = 30_000_000; $x = "x" x $n; sleep 20; print "ATE IT"\'';
      const together = await sh(`${eater} & ${eater} & ${eater} & ${eater} & wait; echo ATE IT`);
      assert.match(together.text, /^\[it was stopped: it used more than 120 MB\]/);
      const scratch = await sh(
        'head -c 200000000 /dev/zero > /tmp/x; head -c 200000000 /dev/zero > /dev/shm/x; wc -c < /tmp/x',
      );
      assert.doesNotMatch(scratch.text, /200000000/);
    });

    it('that writes without end is stopped, and its output is cut', async (t) => {
      const { sh, root } = rig(t, { writable: true });
      assert.match(
        (await sh('yes | head -c 5000000')).text,
        /^\[exit code 0\]\ny\ny[^]*bytes are left out here[^]*y\ny$/,
      );
      assert.ok((await sh('yes | head -c 5000000')).text.length < 21_000);
      assert.equal((await sh('head -c 2000000 /dev/zero > big')).isError, true);
      rmSync(path.join(root, 'big'), { force: true });
      const many = await sh('n=0; while true; do n=$((n+1)); head -c 900000 /dev/zero > f$n; done');
      assert.match(many.text, /^\[it was stopped: the person's files are more/);
      assert.match((await sh('true')).text, /delete some first/);
    });
  });

  test('as root, without bubblewrap or on another system there is no tool, and it is said why', async () => {
    const found = await sandboxState(systemClock);
    if (!('bwrap' in found)) assert.ok(found.problem.endsWith('.') && found.fix.length > 0);
  });
}
