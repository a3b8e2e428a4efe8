/** A job in which the built gateway dies each time: it stops there, it is told, and everything else goes on. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { maxTaskCrashes } from '../../src/core/task.ts';
import { runCli } from '../support/daemon.ts';
import { ask } from '../support/gateway-client.ts';
import { chats, JobsRig } from './proofs/jobs-rig.ts';

const chat = chats[0] ?? 0;
interface Job {
  id: string;
  state: string;
  reason: string | null;
}
interface Task {
  id: string;
  state: string;
  error: { code: string } | null;
}

test(
  'a job that crashes the process is a dead letter after three deaths and rests, and other jobs run',
  { timeout: 240_000 },
  async () => {
    const rig = await JobsRig.open({ scheduler: 'min_interval = "1s"' });
    try {
      await rig.start();
      const say = (text: string): void => void rig.telegram.inject({ chatId: chat, text });
      const shows = (what: RegExp): Promise<void> =>
        rig.telegram.until(() => rig.telegram.messages(chat).some(({ text }) => what.test(text)));
      say('/remind in 3 hours the other one');
      await shows(/the other one/);
      await rig.stop();

      // Killed with each task that begins; a start that has one to begin at once is never ready. Then once more, as soon as
      // the last of it is stored.
      for (let death = 1; death <= maxTaskCrashes + 1; death++) {
        try {
          const crashAt = death > maxTaskCrashes ? 'after_task_failure' : 'task_claimed';
          const daemon = await rig.start({ OPEN_CLANKER_CRASH_AT: crashAt });
          if (death === 1) say('/remind `* * * * * *` the deadly one');
          assert.equal((await daemon.exit).signal, 'SIGKILL');
        } catch (error) {
          if (!(error instanceof Error) || !error.message.includes('"signal":"SIGKILL"')) throw error;
        }
      }

      const daemon = await rig.start();
      const paused = async (): Promise<Job[]> =>
        (await ask<{ jobs: Job[] }>(rig.target, 'GET', '/api/v1/jobs?chores=without&state=paused')).body.jobs;
      // Ready is said before the tasks of the last life are looked at.
      while ((await paused()).length === 0) await sleep(20);
      const jobs = await paused();
      assert.deepEqual(
        jobs.map(({ reason }) => reason),
        ['crashed'],
      );
      const [job] = jobs;
      const failed = (await ask<{ tasks: Task[] }>(rig.target, 'GET', '/api/v1/tasks?chores=without&state=failed')).body
        .tasks;
      assert.deepEqual(
        failed.map(({ error }) => error?.code),
        ['crashed'],
      );
      const [task] = failed;
      const dead = (await ask<{ dead: { id: string }[] }>(rig.target, 'GET', '/api/v1/dead')).body.dead;
      assert.deepEqual(
        dead.map(({ id }) => id),
        [task?.id],
      );
      const open = ['queued', 'running'].map((state) => `/api/v1/tasks?chores=without&state=${state}`);
      for (const list of open) assert.deepEqual((await ask<{ tasks: Task[] }>(rig.target, 'GET', list)).body.tasks, []);

      const doctor = await runCli({ dir: rig.dir, env: rig.cliEnv }, 'doctor', '--config', `${rig.dir}/config.toml`);
      assert.match(
        doctor.stdout,
        new RegExp(`the deadly one.*${job?.id ?? 'no job'}.*rests, as the gateway ended each time`),
      );
      say('/jobs');
      await shows(/the deadly one[^]*crashed the gateway again and again/);
      assert.match(rig.telegram.messages(chat).at(-1)?.text ?? '', /the other one/);
      await shows(/the deadly one.*could not be done/);

      // Other jobs run, and a retry by hand does what was not done.
      say('/remind in 1 seconds another one');
      await shows(/^another one/);
      assert.equal((await ask(rig.target, 'POST', `/api/v1/tasks/${task?.id ?? ''}/retry`)).status, 202);
      await shows(/^the deadly one$/);
      assert.equal((await ask(rig.target, 'POST', `/api/v1/jobs/${job?.id ?? ''}/resume`)).status, 200);
      const times = (): number => rig.telegram.messages(chat).filter(({ text }) => text === 'the deadly one').length;
      await rig.telegram.until(() => times() >= 2);
      await daemon.stop();
      assert.equal(rig.telegram.messages(chat).filter(({ text }) => text.includes('could not be done')).length, 1);
    } finally {
      await rig.close();
    }
  },
);
