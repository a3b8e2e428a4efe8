/** The commands about reminders, jobs and tasks, on the real message path and with the real service of jobs. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { mayRun } from '../../../src/app/commands/registry.ts';
import { registerScheduleCommands } from '../../../src/app/schedule/commands.ts';
import { Jobs } from '../../../src/app/schedule/jobs.ts';
import { readWords } from '../../../src/app/schedule/read-words.ts';
import { wordsIn } from '../../../src/core/notices/index.ts';
import { noNotice, type NewJob } from '../../../src/core/ports/schedule-store.ts';
import type { Clock } from '../../../src/core/ports/system.ts';
import type { TaskKind } from '../../../src/core/ports/task-kind.ts';
import { ownerPerson, type PersonRole } from '../../../src/core/principal.ts';
import { hasty, messagePath, said } from '../../support/message-path.ts';
import { ScriptedChannel } from '../../support/scripted-channel.ts';

/** Wednesday, 25 November 2026, 10:30 in Berlin, and some minutes more while a test is at work. */
const start = Date.UTC(2026, 10, 25, 9, 30) - hasty.now();
const clock: Clock = {
  now: () => start + hasty.now(),
  monotonic: () => hasty.monotonic(),
  after: (ms, wake) => hasty.after(ms, wake),
  sleep: (ms, signal) => hasty.sleep(ms, signal),
};

async function rig(t: TestContext) {
  // A list is one message.
  const channel = new ScriptedChannel('scripted', 'main', { text: { maxLength: 4000, maxSpans: 200 } });
  const path = await messagePath(t, [], { clock, channel });
  const { store, bus, mintId, audit, commands, preferences, ingress } = path;
  const calendar = createCalendar();
  const kind: TaskKind = { kind: 'text', repeatable: true, run: () => Promise.reject(new Error('nothing is begun')) };
  const settings = {
    zone: 'Europe/Berlin',
    maxJobs: 12,
    minIntervalMs: 60_000,
    maxLatenessMs: 86_400_000,
    maxOpen: 5,
    retries: 3,
  };
  const schedule = new Jobs({
    store,
    clock,
    bus,
    calendar,
    mintId,
    audit,
    scheduler: { wake: () => undefined, settle: () => Promise.resolve() },
    runner: { wake: () => undefined, cancel: () => undefined },
    kinds: () => Promise.resolve(kind),
    delivery: (_by, _written, here) => {
      const conversation = here?.conversation ?? null;
      if (here === null || conversation === null) return Promise.resolve({ to: 'nowhere' });
      return Promise.resolve({ to: 'conversation', ...here, conversation });
    },
    readWords,
    settings: () => settings,
  });
  registerScheduleCommands(commands, { schedule, preferences, zone: () => settings.zone, calendar });
  path.attach();
  const ask = async (text: string, over: Parameters<typeof said>[1] = {}) => {
    const before = channel.shown.length;
    await ingress.sinkFor('scripted', 'main').commit([said(text, over)]);
    while (channel.shown.length === before) await clock.sleep(50);
    return channel.shown.at(-1)?.texts.at(-1) ?? '';
  };
  await ask('/whoami');
  const { person = '' } = (await store.identity({ channel: 'scripted', account: 'main', native: '7' })) ?? {};
  const principal = { kind: 'sender', id: 'scripted:main', person, scope: 'send', name: 'Ann' } as const;
  const jobs = async () => (await schedule.jobs(principal, { limit: 100, chores: 'without' })).items;
  const setRole = async (role: PersonRole): Promise<void> => {
    await store.setRole(person, role);
    path.directory.forget();
  };
  return { path, setRole, store, schedule, settings, calendar, principal, ask, person, jobs };
}

/** Without buttons on the platform their commands stand below the answer. */
const pressable = (answer: string): string[] => answer.match(/^\/\S.*$/gm) ?? [];
const bob = { sender: { native: '8', display: 'Bob', isBot: false } };
const alone = { ...bob, conversation: { channel: 'scripted', account: 'main', native: '8' } };
const together = {
  conversation: { channel: 'scripted', account: 'main', native: '-1' },
  chat: { type: 'group' as const, addressed: true },
};

test('/remind repeats what was understood with the next three times, and can be cancelled at once', async (t) => {
  const { ask, jobs } = await rig(t);
  const answer = await ask('/remind every weekday at 9 Stand-up *now* unless it is a holiday');
  assert.match(answer, /^Noted: Stand-up \*now\*\n/);
  assert.match(answer, /Every weekday at 09:00 \(Europe\/Berlin\), except holidays \(Germany\)/);
  assert.match(answer, /I say: Stand-up \*now\*/);
  assert.match(answer, /Next: Thu,? 26 Nov 2026, 09:00 · Fri,? 27 Nov 2026, 09:00 · Mon,? 30 Nov 2026, 09:00/);
  const [{ job } = assert.fail()] = await jobs();
  assert.deepEqual(job.payload, { kind: 'text', text: 'Stand-up *now*' });
  assert.deepEqual(job.deliver, {
    to: 'conversation',
    conversation: { channel: 'scripted', account: 'main', native: '7' },
    chatType: 'direct',
    sessionKey: job.deliver.to === 'conversation' ? job.deliver.sessionKey : '',
  });
  const [cancel = ''] = pressable(answer);
  assert(Buffer.byteLength(cancel) <= 64);
  assert.match(await ask(cancel), /“Stand-up \*now\*” is removed/);
  assert.deepEqual(await jobs(), []);
  assert.match(await ask(cancel), /no such job/);
});

test('a time zone that nobody told is named once, and the person’s own is used where there is one', async (t) => {
  const { ask, path, person, jobs } = await rig(t);
  assert.match(
    await ask('/remind tomorrow at 9 tea'),
    /I took Europe\/Berlin as your time zone.*\/settings time_zone/s,
  );
  assert.doesNotMatch(await ask('/remind tomorrow at 10 tea'), /I took/);
  await path.preferences.set(person, { time_zone: 'America/New_York' });
  assert.match(await ask('/remind at 9 coffee'), /Next: Wed,? 25 Nov 2026, 09:00/);
  const coffee = (await jobs()).find(({ job }) => job.name === 'coffee');
  assert.equal(coffee?.job.zone, 'America/New_York');
  assert.equal(coffee.next[0]?.at, Date.UTC(2026, 10, 25, 14));
});

test('what is not understood, has passed, comes too often or has no text is an answer, and no job', async (t) => {
  const { ask, jobs, settings } = await rig(t);
  for (const [text, expected] of [
    ['/remind', /Say when and of what: \/remind in 20 minutes/],
    ['/remind tea', /do not understand when.*in 20 minutes/],
    ['/remind tomorrow at 9', /not of what/],
    ['/remind today at 9 tea', /passed already/],
    ['/remind every 10 seconds tea', /too often/],
    ['/remind `0 0 30 2 *` tea', /./],
  ] as const)
    assert.match(await ask(text), expected, text);
  assert.deepEqual(await jobs(), []);
  settings.maxJobs = 1;
  await ask('/remind tomorrow at 9 one');
  assert.match(await ask('/remind tomorrow at 9 two'), /as many jobs as there may be/);
});

test('somebody is answered in their language, whatever language they write in', async (t) => {
  const { ask } = await rig(t);
  await ask('/lang de');
  const german = await ask('/remind jeden Montag und Donnerstag um 18:30 Sport bis 1. März');
  assert.match(german, /Jeden Montag und Donnerstag um 18:30 \(Europe\/Berlin\), bis Mo\.?, 1\. März 2027/);
  await ask('/lang fr');
  assert.match(await ask('/remind every day at 9 tea'), /Chaque jour à 09:00/);
  await ask('/lang es');
  assert.match(await ask('/jobs'), /cada lunes y jueves a las 18:30/);
});

test('a command that runs again after a crash makes, runs and cancels nothing twice', async (t) => {
  const { path, store, person, jobs, schedule, principal } = await rig(t);
  const row = await store.person(person);
  assert(row !== null);
  const again = async (text: string, id: string) => {
    const match = path.commands.match(text);
    const context = {
      inbound: {
        id,
        channel: 'scripted',
        account: 'main',
        conversation: { channel: 'scripted', account: 'main', native: '7' },
        chatType: 'direct',
        sessionKey: 'scripted:main:7',
        outside: null,
        receivedAt: clock.now(),
      },
      session: {},
      argument: match?.argument,
      person: row,
      role: 'member',
      words: wordsIn('en'),
    } as never;
    await match?.command.run(context);
    hasty.pass(90_000);
    await match?.command.run(context);
  };
  await again('/remind in 3 days tea', 'msg_1');
  const [{ job } = assert.fail(), ...more] = await jobs();
  assert.deepEqual(more, []);
  await again(`/jobs run ${job.id}`, 'msg_2');
  await again(`/jobs pause ${job.id}`, 'msg_3');
  const { items } = await schedule.tasks(principal, { limit: 10 });
  assert.equal(items.length, 1);
  await again(`/tasks cancel ${items[0]?.id}`, 'msg_4');
  await again(`/jobs remove yes ${job.id}`, 'msg_5');
  assert.deepEqual(await jobs(), []);
});

test('/jobs lists, goes on by a button, and opens a job that can be paused, resumed, run and removed', async (t) => {
  const { ask, jobs, schedule, principal } = await rig(t);
  assert.match(await ask('/jobs'), /no reminders or jobs/);
  for (let i = 1; i <= 10; i++) await ask(`/remind tomorrow at ${i + 8}:00 thing ${i}`);
  const first = await ask('/jobs');
  assert.match(first, /thing 1 \(job_\w+\): on Thu,? 26 Nov 2026, 09:00 \(Europe\/Berlin\)/);
  const buttons = pressable(first);
  assert.equal(buttons.length, 9);
  for (const command of buttons) assert(Buffer.byteLength(command) <= 64, command);
  assert.match(await ask(buttons.at(-1) ?? ''), /thing 9.*thing 10/s);

  const shown = await ask(buttons[0] ?? '');
  assert.match(shown, /^thing 1 \(job_/);
  const [pause = '', run = '', remove = ''] = pressable(shown);
  const paused = await ask(pause);
  assert.match(paused, /“thing 1” is paused\..*Paused: by hand/s);
  assert.match(await ask(run), /“thing 1” has begun/);
  assert.equal((await schedule.tasks(principal, { limit: 10 })).items.length, 1);
  assert.match(await ask(pressable(paused)[0] ?? ''), /“thing 1” goes on/);
  const sure = await ask(remove);
  assert.match(sure, /Remove “thing 1”\?/);
  assert.equal((await jobs()).length, 10, 'nothing is removed before the button');
  assert.match(await ask(pressable(sure)[0] ?? ''), /is removed/);
  assert.equal((await jobs()).length, 9);
  for (const wrong of ['/jobs show', '/jobs explode job_1', '/jobs remove yes'])
    assert.match(await ask(wrong), /Write/);
  assert.match(await ask('/jobs show job_none'), /no such job/);
});

test('jobs and tasks of somebody else are not there', async (t) => {
  const { ask, jobs, schedule, principal } = await rig(t);
  await ask('/remind tomorrow at 9 secret');
  const [{ job } = assert.fail()] = await jobs();
  const task = await schedule.runJob(principal, job.id);
  await ask('/whoami', alone);
  assert.match(await ask('/jobs', alone), /no reminders/);
  assert.match(await ask('/tasks', alone), /Nothing is at work/);
  for (const verb of ['show', 'pause', 'resume', 'run', 'remove', 'remove yes'])
    assert.match(await ask(`/jobs ${verb} ${job.id}`, alone), /no such job/, verb);
  for (const verb of ['show', 'cancel', 'retry'])
    assert.match(await ask(`/tasks ${verb} ${task.id}`, alone), /no such task/, verb);
  assert.equal((await jobs()).length, 1);
});

test('a guest has no jobs: the commands are for members, and the service asks again', async (t) => {
  const { path, schedule, store } = await rig(t);
  for (const name of ['remind', 'jobs', 'tasks']) {
    const { command } = path.commands.match(`/${name}`) ?? assert.fail(name);
    assert(!mayRun('guest', command));
    assert(mayRun('member', command));
  }
  await store.ensurePerson({ id: 'per_guest', name: 'Eve', role: 'guest', language: null, createdAt: 0 });
  const guest = { kind: 'sender', id: 'scripted:main', person: 'per_guest', scope: 'send', name: 'Eve' } as const;
  const tea = { after: '1h', payload: { kind: 'text', text: 'tea' } } as const;
  await assert.rejects(schedule.addJob(guest, tea), { code: 'not_allowed' });
});

test('in a group a reminder comes to the group, and nothing is read out that goes elsewhere', async (t) => {
  const { ask, jobs } = await rig(t);
  await ask('/remind tomorrow at 9 private matter');
  const [{ job: own } = assert.fail()] = await jobs();
  assert.match(await ask('/jobs', together), /comes to this group/);
  assert.match(await ask('/remind tomorrow at 10 lunch', together), /Noted: lunch/);
  const lunch = (await jobs()).find(({ job }) => job.name === 'lunch');
  assert.equal(lunch?.job.deliver.to === 'conversation' && lunch.job.deliver.conversation.native, '-1');
  const listed = await ask('/jobs', together);
  assert.match(listed, /lunch/);
  assert.doesNotMatch(listed, /private/);
  for (const verb of ['show', 'remove', 'run'])
    assert.match(await ask(`/jobs ${verb} ${own.id}`, together), /no such job/, verb);
  await ask('/whoami', { ...together, ...bob });
  assert.match(await ask(`/jobs remove yes ${lunch?.job.id}`, { ...together, ...bob }), /no such job/);
  assert.match(await ask('/jobs'), /private matter.*lunch/s, 'alone with us one sees all of one’s own');
});

test('chores of the gateway are shown to owners alone, who may pause and run them', async (t) => {
  const { ask, store, setRole } = await rig(t);
  await store.addJob(chore, 100);
  assert.doesNotMatch(await ask('/jobs all'), /sweep/);
  assert.match(await ask('/jobs pause chore-sweep'), /no such job/);
  await setRole('owner');
  assert.match(await ask('/jobs all', together), /Only owners/);
  assert.doesNotMatch(await ask('/jobs'), /sweep/);
  assert.match(await ask('/jobs all'), /Chores of the gateway:.*sweep \(chore-sweep\): every hour/s);
  const shown = await ask('/jobs show chore-sweep');
  assert.match(shown, /I do the chore sweep/);
  assert.doesNotMatch(pressable(shown).join('\n'), /remove/);
  assert.match(await ask('/jobs pause chore-sweep'), /“sweep” is paused/);
  assert.match(await ask('/jobs remove yes chore-sweep'), /Chores are set in the configuration/);
});

const chore: NewJob = {
  id: 'chore-sweep',
  owner: ownerPerson,
  name: 'sweep',
  schedule: { type: 'cron', expression: '0 * * * *' },
  zone: 'UTC',
  except: [],
  endAt: null,
  maxRuns: null,
  payload: { kind: 'chore', chore: 'sweep' },
  deliver: { to: 'nowhere' },
  missed: { policy: 'once', max: 1, maxLatenessMs: null },
  jitterMs: 0,
  maxAttempts: 1,
  origin: { kind: 'system', id: 'system', role: 'owner', tainted: null },
  nextAt: Date.UTC(2026, 10, 25, 11),
  createdAt: Date.UTC(2026, 10, 25),
};

test('/tasks lists what is at work first, cancels and tries again', async (t) => {
  const { ask, schedule, principal, store, jobs } = await rig(t);
  assert.match(await ask('/tasks'), /Nothing is at work/);
  await ask('/remind tomorrow at 9 tea');
  const [{ job } = assert.fail()] = await jobs();
  const { id } = await schedule.runJob(principal, job.id);
  const listed = await ask('/tasks list');
  assert.match(listed, new RegExp(`tea \\(${id}\\): waiting, begins on Wed`));
  assert.match(await ask(pressable(listed)[0] ?? ''), /“tea” is cancelled/);
  assert.match(await ask('/tasks list cancelled'), /tea .*: cancelled/);
  assert.match(await ask('/tasks list queued'), /Nothing/);
  assert.match(await ask(`/tasks retry ${id}`), /“tea” is tried again/);
  const now = clock.now();
  const claimed = await store.claimTask({ now, node: 'n', leaseUntil: now + 9e6, busyOwners: [], busyKinds: [] });
  assert.equal(claimed?.id, id);
  assert.match(await ask('/tasks'), /tea .*: at work/);
  const error = { kind: 'network', code: 'unreachable', message: 'No *way* there.', retryable: false } as const;
  await store.failTask({ id, fence: claimed.fence, error, retryAt: null, notice: noNotice, at: now });
  const failed = await ask(`/tasks show ${id}`);
  assert.match(failed, /tea .*: failed, No \*way\* there\./);
  assert.match(failed, /I say: tea/);
  assert.match(await ask(pressable(failed)[0] ?? ''), /tried again/);
  for (const wrong of ['/tasks show', '/tasks list all', '/tasks explode']) assert.match(await ask(wrong), /Write/);
});

test('/tasks schedule makes a job, which may be named in front', async (t) => {
  const { ask, jobs } = await rig(t);
  assert.match(await ask('/tasks schedule'), /Write/);
  assert.match(await ask('/tasks schedule daily_reminder'), /do not understand when/);
  assert.match(await ask('/tasks schedule daily_reminder every day at 9 drink water'), /Noted: daily_reminder/);
  const [{ job } = assert.fail()] = await jobs();
  assert.deepEqual([job.name, job.payload], ['daily_reminder', { kind: 'text', text: 'drink water' }]);
  assert.match(await ask('/tasks schedule in 2 hours tea'), /Noted: tea/);
});

test('each command has its line in /help, after what models cost', async (t) => {
  const { ask } = await rig(t);
  assert.match(await ask('/help'), /\/usage.*\/remind: remind you.*\/jobs: show.*\/tasks: show.*\/settings/s);
});
