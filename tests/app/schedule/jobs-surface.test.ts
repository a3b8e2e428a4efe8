/** The terminal, the HTTP door, the service of jobs and a real database together. */
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { createCalendar } from '../../../src/adapters/calendar/index.ts';
import { Jobs } from '../../../src/app/schedule/jobs.ts';
import type { NewEvent } from '../../../src/core/events.ts';
import type { Bus } from '../../../src/core/ports/bus.ts';
import type { TaskKind } from '../../../src/core/ports/task-kind.ts';
import { FakeHost } from '../../cli/fake-host.ts';
import { folder, open } from '../../adapters/store/open.ts';
import { openDoor } from '../../support/door.ts';
import { ask } from '../../support/raw.ts';
import { ScriptedGateway } from '../../support/scripted-gateway.ts';
import { tokens } from '../../support/scripted-tokens.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const methods = [
  'previewJob',
  'addJob',
  'jobs',
  'job',
  'editJob',
  'pauseJob',
  'resumeJob',
  'runJob',
  'removeJob',
  'slots',
  'addTask',
  'tasks',
  'task',
  'cancelTask',
  'retryTask',
] as const;

/** It is Friday, 15 January 2027, 9:00 in Berlin, and nothing is ever begun. */
async function rig(t: TestContext) {
  const store = await open(t, path.join(folder(t), 'store.db'));
  const clock = new VirtualClock();
  for (const [id, role] of [
    ['owner', 'owner'],
    ['per_stranger', 'guest'],
  ] as const) {
    await store.ensurePerson({ id, name: id, role, language: 'en', createdAt: clock.now() });
  }
  const gateway = new ScriptedGateway();
  const deeds: string[] = [];
  const kind: TaskKind = { kind: 'text', repeatable: true, run: () => Promise.reject(new Error('nothing is begun')) };
  const jobs = new Jobs({
    store,
    clock,
    bus: { publish: (event: NewEvent) => void gateway.publish(event) } as unknown as Bus,
    calendar: createCalendar(),
    mintId: gateway.mintId,
    audit: { record: async (_by, deed) => void deeds.push(deed) },
    scheduler: { wake: () => undefined, settle: () => Promise.resolve() },
    runner: { wake: () => undefined, cancel: () => undefined },
    kinds: () => Promise.resolve(kind),
    delivery: async () => ({ to: 'session', sessionKey: 'api:owner:main' }),
    readWords: async () => ({ cron: '0 9 * * 1-5' }),
    settings: () => ({
      zone: 'Europe/Berlin',
      maxJobs: 2,
      minIntervalMs: 60_000,
      maxLatenessMs: 86_400_000,
      maxOpen: 2,
      retries: 3,
    }),
  });
  for (const method of methods) Object.assign(gateway, { [method]: jobs[method].bind(jobs) });
  const door = await openDoor({ gateway });
  const host = new FakeHost();
  host.env['OPEN_CLANKER_TOKEN'] = tokens.manage;
  t.after(async () => {
    host[Symbol.dispose]();
    await door.stop();
  });
  const run = (...line: string[]) => host.run([...line, '--url', door.url]);
  const call = (method: string, route: string, body?: object, token: string = tokens.manage) =>
    ask(
      { host: '127.0.0.1', port: door.port },
      { method, path: `/api/v1/${route}`, token, ...(body === undefined ? {} : { body: JSON.stringify(body) }) },
    );
  const idOf = async (...line: string[]): Promise<string> => {
    const { code, out, err } = await run(...line, '--json');
    assert.equal(code, 0, err);
    return (JSON.parse(out) as { id: string }).id;
  };
  return { run, call, idOf, deeds };
}

test('what is said in the terminal is kept, repeated with the next three times, and edited without losing its id', async (t) => {
  const { run, idOf, deeds } = await rig(t);
  const id = await idOf('jobs', 'add', 'every weekday at 9', '--text', 'stand-up', '--except', '2027-01-19');
  const { out } = await run('jobs', 'show', id);
  assert.deepEqual(out.trimEnd().split('\n'), [
    `${id}  stand-up`,
    'When:    cron 0 9 * * 1-5, in Europe/Berlin, except 2027-01-19',
    'Does:    says "stand-up"',
    'To:      the session api:owner:main',
    'Missed:  the newest is made up for, up to 1d late',
    'Next:    Mon 2027-01-18 09:00',
    '         Wed 2027-01-20 09:00',
    '         Thu 2027-01-21 09:00',
    'So far:  0 runs, 0 missed',
  ]);
  const edited = await run('jobs', 'edit', id, '--every', '2h', '--except', 'none', '--times', '2', '--in', 'UTC');
  assert.match(edited.out, /When: {4}every 2h, in UTC, 2 times at most\n/);
  assert.match(edited.out, /Next: {4}Fri 2027-01-15 10:00\n {9}Fri 2027-01-15 12:00\n$/);
  assert.match((await run('jobs', 'edit', id, '--times', '0')).out, /When: {4}every 2h, in UTC\n/);
  assert.match((await run('jobs', 'pause', id)).out, /State: {3}paused, by hand\n$/);
  assert.match((await run('jobs', 'list')).out, new RegExp(`^${id} {2}paused \\(by hand\\) {2}— {2}stand-up\n$`));
  assert.match((await run('jobs', 'resume', id)).out, /Fri 2027-01-15 14:00\n$/);
  assert.equal((await run('jobs', 'remove', id)).code, 0);
  assert.equal((await run('jobs', 'show', id)).err, 'open-clanker: There is no such job.\n');
  assert.deepEqual(deeds, ['job.added', 'job.edited', 'job.edited', 'job.paused', 'job.resumed', 'job.removed']);
});

test('a job that is run by hand is a task that can be cancelled and queued again', async (t) => {
  const { run, idOf } = await rig(t);
  const id = await idOf('jobs', 'add', '--after', '20m', '--text', 'tea');
  const task = await idOf('jobs', 'run', id);
  assert.match(
    (await run('tasks', 'list', '--job', id)).out,
    new RegExp(`^${task} {2}queued {2}2027-01-15 08:00 UTC {2}text {2}tea\n$`),
  );
  assert.match((await run('tasks', 'list', '--owner', 'owner')).out, /tea/);
  assert.equal((await run('tasks', 'list', '--owner', 'per_other')).out, 'There are no such tasks.\n');
  assert.equal((await run('tasks', 'cancel', task)).code, 0);
  assert.match((await run('tasks', 'cancel', task)).err, /The task is cancelled already\./);
  assert.equal((await run('tasks', 'retry', task)).code, 0);
  const shown = (await run('tasks', 'show', task)).out;
  assert.match(shown, /State: {3}queued, attempt 0 of 4\n/);
  assert.match(shown, /Story \(UTC\):\n {2}2027-01-15 08:00 {2}queued/);
});

test('by the API a job may be as quick as a second, with a key as without, and a repeat is the same job', async (t) => {
  const { call } = await rig(t);
  const body = { every: '1s', payload: { kind: 'text', text: 'tick' }, missed: { policy: 'all', max: 3 } };
  const first = await call('POST', 'jobs', { ...body, idempotency_key: 'tick' });
  assert.equal(first.status, 201, first.text);
  assert.equal((await call('POST', 'jobs', { ...body, idempotency_key: 'tick' })).json?.['id'], first.json?.['id']);
  assert.equal((await call('POST', 'jobs', { ...body, every: '2s', idempotency_key: 'tick' })).status, 409);
  assert.equal((await call('POST', 'jobs', body)).status, 201);
  assert.equal((await call('POST', 'jobs', body)).status, 429, 'there may be two');
  const task = { payload: { kind: 'text', text: 'tea' }, after: '20m', idempotency_key: 'tea' };
  const made = await call('POST', 'tasks', task);
  assert.equal(made.json?.['run_at'], '2027-01-15T08:20:00.000Z');
  assert.equal((await call('POST', 'tasks', task)).json?.['id'], made.json?.['id']);
  assert.equal((await call('POST', 'tasks', { ...task, after: '30m' })).status, 409);
});

test('what makes no sense is refused with words that say how to write it, and guests make nothing', async (t) => {
  const { run, call } = await rig(t);
  const text = ['--text', 'x'];
  for (const [line, reason] of [
    [['--cron', '* * * *', ...text], /five|fields/i],
    [['--at', 'soon', ...text], /write it like 2026-12-24T18:00/],
    [['--at', '2020-01-01T00:00', ...text], /has passed already/],
    [['--after', 'later', ...text], /write it like 20m/],
    [['--every', '1h', '--in', 'Mars/Base', ...text], /Europe\/Berlin/],
    [['--cron', '0 0 31 2 *', ...text], /cron "0 0 31 2 \*" is never due: such a day never comes\.$/m],
    [['--every', '1h', '--jitter', 'some', ...text], /jitter: "some" is no duration; write it like 20m/],
    [['--every', '1h', '--fetch', 'example.org'], /"payload\.url" must be an address such as https:/],
    [text, /every weekday at 9.*--at, --after, --every or --cron/],
  ] as const) {
    const { code, err } = await run('jobs', 'add', ...line);
    assert.equal(code, 2, line.join(' '));
    assert.match(err, reason);
  }
  const refused = await call('POST', 'jobs', { every: '1h', payload: { kind: 'text', text: 'x' } }, tokens.stranger);
  assert.equal(refused.status, 403, refused.text);
  const { out } = await run('jobs', 'preview', '--cron', '30 2 * * *', '--count', '2');
  assert.match(out, /Next: {4}Sat 2027-01-16 02:30\n {9}Sun 2027-01-17 02:30\n$/);
  assert.deepEqual((await call('GET', 'jobs')).json?.['jobs'], []);
});
