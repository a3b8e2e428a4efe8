import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { FakeHost } from '../fake-host.ts';
import { ScriptedGateway } from '../scripted-gateway.ts';

async function rig(t: TestContext) {
  const gateway = await ScriptedGateway.listen();
  const host = new FakeHost();
  t.after(async () => {
    host[Symbol.dispose]();
    await gateway[Symbol.asyncDispose]();
  });
  return {
    gateway,
    host,
    run: (...line: string[]) => host.run([...line, '--url', gateway.url]),
    feed: (input: string, ...line: string[]) => host.run([...line, '--url', gateway.url], input),
    sent: (): unknown => JSON.parse(gateway.asked.at(-1)?.body ?? 'null'),
  };
}

const settings = {
  name: 'stand-up',
  kind: 'text',
  schedule: { type: 'cron', expression: '0 9 * * 1-5' },
  time_zone: 'Europe/Berlin',
  except: ['holidays:DE'],
  until: null,
  max_runs: 10,
  deliver: { to: 'conversation', channel: 'telegram:main', chat: '42', thread: null, session: 'telegram:main:42' },
  missed: { policy: 'once', max: 1, max_lateness_seconds: 86_400 },
  jitter_seconds: 0,
  retries: 3,
  next: [
    { at: '2026-12-24T08:00:00.000Z', local: 'Thu 2026-12-24 09:00' },
    { at: '2026-12-28T08:00:00.000Z', local: 'Mon 2026-12-28 09:00' },
    { at: '2026-12-29T08:00:00.000Z', local: 'Tue 2026-12-29 09:00' },
  ],
  payload: { kind: 'text', text: 'stand-up \u001B[2Jnow' },
};
const job = {
  id: 'job_1',
  owner: 'owner',
  state: 'active',
  reason: null,
  ...settings,
  runs: 3,
  missed_runs: 1,
  last_fired_at: null,
};
const understood = [
  'When:    cron 0 9 * * 1-5, in Europe/Berlin, except holidays:DE, 10 times at most',
  'Does:    says "stand-up now"',
  'To:      telegram:main, chat 42',
  'Missed:  the newest is made up for, up to 1d late',
  'Next:    Thu 2026-12-24 09:00',
  '         Mon 2026-12-28 09:00',
  '         Tue 2026-12-29 09:00',
];
const lines = (text: string): string[] => text.trimEnd().split('\n');

test('a job that is made says what was understood, with the next three times', async (t) => {
  const { gateway, run, sent } = await rig(t);
  gateway.json('POST /api/v1/jobs', 201, job);
  const { code, out } = await run('jobs', 'add', 'every weekday at 9', '--text', 'stand-up');
  assert.equal(code, 0);
  assert.deepEqual(lines(out), ['job_1  stand-up', ...understood]);
  assert.deepEqual(sent(), { words: 'every weekday at 9', payload: { kind: 'text', text: 'stand-up' } });
  const json = await run('jobs', 'add', 'every weekday at 9', '--text', 'stand-up', '--json');
  assert.deepEqual(JSON.parse(json.out), job);
});

test('who is told of nothing hears so, unless it was wished', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('POST /api/v1/jobs', 201, { ...job, deliver: { to: 'nowhere' } });
  const line = ['jobs', 'add', 'every weekday at 9', '--text', 'stand-up'];
  assert.match((await run(...line)).out, /\nNobody is told, as no direct chat is yours yet .*people link owner/);
  assert.doesNotMatch((await run(...line, '--deliver', 'nowhere')).out, /Nobody is told/);
  assert.doesNotMatch((await run(...line, '--json')).out, /Nobody is told/);
});

test('each option says its field, and numbers, lists and JSON are read', async (t) => {
  const { gateway, host, run, sent, feed } = await rig(t);
  gateway.json('POST /api/v1/jobs', 201, job);
  const text = { kind: 'text', text: 'x' };
  const cases: [line: string[], body: object][] = [
    [
      ['--every', '2h', '--from', '2026-12-24T09:00', '--ask', 'news?', '--silent'],
      {
        every: '2h',
        from: '2026-12-24T09:00',
        payload: { kind: 'ask', prompt: 'news?', silent: true },
      },
    ],
    [
      ['--cron', '0 9 * * 1-5', '--tool', 'weather', '--args', '{"city":"Oslo"}', '--in', 'Europe/Oslo'],
      {
        cron: '0 9 * * 1-5',
        time_zone: 'Europe/Oslo',
        payload: { kind: 'tool', tool: 'weather', args: { city: 'Oslo' } },
      },
    ],
    [
      ['--after', '20m', '--fetch', 'https://example.org/', '--changed'],
      {
        after: '20m',
        payload: { kind: 'fetch', url: 'https://example.org/', changed: true },
      },
    ],
    [
      ['--at', '2026-12-24T18:00', '--fetch', 'https://example.org/', '--ask', 'what is new?'],
      {
        at: '2026-12-24T18:00',
        payload: { kind: 'fetch', url: 'https://example.org/', prompt: 'what is new?' },
      },
    ],
    [
      ['daily', '--webhook', 'ops', '--body', '[1]', '--deliver', 'nowhere', '--name', 'ping'],
      {
        words: 'daily',
        deliver: 'nowhere',
        name: 'ping',
        payload: { kind: 'webhook', name: 'ops', body: [1] },
      },
    ],
    [
      ['daily', '--text', 'x', '--except', 'holidays:DE, 2026-12-24', '--until', '2027-01-01', '--times', '5'],
      {
        words: 'daily',
        except: ['holidays:DE', '2026-12-24'],
        until: '2027-01-01',
        max_runs: 5,
        payload: text,
      },
    ],
    [
      ['daily', '--text', 'x', '--missed', 'all:3', '--max-lateness', '2h', '--jitter', '5m', '--retries', '0'],
      {
        words: 'daily',
        missed: { policy: 'all', max: 3, max_lateness: '2h' },
        jitter: '5m',
        retries: 0,
        payload: text,
      },
    ],
  ];
  for (const [line, body] of cases) {
    const { code, err } = await run('jobs', 'add', ...line);
    assert.equal(code, 0, err);
    assert.deepEqual(sent(), body, line.join(' '));
  }
  const workflow = { kind: 'workflow', steps: [{ id: 'a', do: text }] };
  writeFileSync(path.join(host.dir, 'steps.json'), JSON.stringify(workflow));
  await run('jobs', 'add', 'daily', '--payload', 'steps.json');
  assert.deepEqual(sent(), { words: 'daily', payload: workflow });
  await feed(JSON.stringify(workflow), 'jobs', 'add', 'daily', '--payload', '-');
  assert.deepEqual(sent(), { words: 'daily', payload: workflow });
});

test('what cannot be meant is refused before the gateway is asked, with what to say instead', async (t) => {
  const { gateway, host, run } = await rig(t);
  writeFileSync(path.join(host.dir, 'list.json'), '[1]');
  const wrong: [line: string[], reason: RegExp][] = [
    [['daily'], /Say what is to be done: --text/],
    [['daily', '--text', 'x', '--ask', 'y'], /one thing to do, not --text and --ask/],
    [['daily', '--every', '2h', '--text', 'x'], /once when it is due, not by the words and --every/],
    [['--at', 'x', '--after', '1h', '--text', 'x'], /not by --at and --after/],
    [['daily', '--text', 'x', '--missed', 'never'], /--missed takes skip, once, all or all:N/],
    [['daily', '--text', 'x', '--missed', 'once:3'], /--missed takes/],
    [['daily', '--text', 'x', '--max-lateness', '1h'], /--max-lateness goes with --missed/],
    [['daily', '--text', 'x', '--times', 'many'], /--times takes a number/],
    [['daily', '--text', 'x', '--args', '{}'], /--args goes with --tool/],
    [['daily', '--tool', 'x', '--args', '{a}'], /--args takes JSON/],
    [['daily', '--payload', 'missing.json'], /missing\.json cannot be read/],
    [['daily', '--payload', 'list.json'], /must be an object/],
  ];
  for (const [line, reason] of wrong) {
    const { code, err } = await run('jobs', 'add', ...line);
    assert.notEqual(code, 0);
    assert.match(err, reason);
    assert.equal(lines(err).length, 1);
  }
  assert.match((await run('jobs', 'preview')).err, /^open-clanker: Say when: /);
  assert.match((await run('jobs', 'edit', 'job_1')).err, /Say what is to be changed/);
  assert.match((await run('jobs', 'preview', 'daily', '--count', '101')).err, /--count takes a number from 1 to 100/);
  assert.deepEqual(gateway.asked, []);
});

test('jobs are listed in columns, and why one rests stands beside it', async (t) => {
  const { gateway, run } = await rig(t);
  const paused = { ...job, id: 'job_22', state: 'paused', reason: 'crashed', next: [], name: 'page' };
  gateway.json('GET /api/v1/jobs?limit=50', 200, { jobs: [job, paused], next_cursor: 'c' });
  assert.deepEqual(lines((await run('jobs', 'list')).out), [
    'job_1   active            Thu 2026-12-24 09:00 Europe/Berlin  stand-up',
    'job_22  paused (crashed)  —                                   page',
    'There are more; --limit shows them, at most 200.',
  ]);
  const other = { ...job, id: 'job_3', owner: 'per_1' };
  gateway.json('GET /api/v1/jobs?limit=50', 200, { jobs: [job, other], next_cursor: null });
  assert.deepEqual(lines((await run('jobs', 'list')).out), [
    'job_1  active  Thu 2026-12-24 09:00 Europe/Berlin  owner  stand-up',
    'job_3  active  Thu 2026-12-24 09:00 Europe/Berlin  per_1  stand-up',
  ]);
  gateway.json('GET /api/v1/jobs?limit=5&state=paused&chores=without', 200, { jobs: [], next_cursor: null });
  const none = await run('jobs', 'list', '--limit', '5', '--state', 'paused', '--chores', 'without');
  assert.equal(none.out, 'There are no jobs; "open-clanker jobs add" makes one.\n');
});

test('one job is shown with what became of its last times', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/jobs/job_1', 200, { ...job, state: 'paused', reason: 'by hand' });
  const at = (hour: string): string => `2026-12-23T${hour}:00:00.000Z`;
  const fired = { due: at('08'), until: at('08'), count: 1, state: 'fired', task_id: 'task_9' };
  const missed = { due: at('02'), until: at('05'), count: 4, state: 'missed', task_id: null };
  gateway.json('GET /api/v1/jobs/job_1/slots?limit=5', 200, { slots: [fired, missed], next_cursor: null });
  assert.deepEqual(lines((await run('jobs', 'show', 'job_1')).out), [
    'job_1  stand-up',
    ...understood,
    'State:   paused, by hand',
    'So far:  3 runs, 1 missed',
    'Lately (UTC):',
    '  2026-12-23 08:00  task_9',
    '  2026-12-23 02:00 to 2026-12-23 05:00  missed 4×',
  ]);
});

test('a single time that is over is still told', async (t) => {
  const { gateway, run } = await rig(t);
  const schedule = { type: 'at', at: '2026-12-23T08:00:00.000Z' };
  gateway.json('GET /api/v1/jobs/job_1', 200, {
    ...job,
    schedule,
    state: 'finished',
    reason: 'over',
    next: [],
    runs: 1,
  });
  gateway.json('GET /api/v1/jobs/job_1/slots?limit=5', 200, { slots: [], next_cursor: null });
  const { out } = await run('jobs', 'show', 'job_1');
  assert.match(out, /^When: {4}once, at 2026-12-23 08:00 UTC, in Europe\/Berlin/m);
  assert.match(out, /^Missed: {2}is made up for, up to 1d late$/m);
  assert.match(out, /^So far: {2}1 run, 1 missed$/m);
});

test('a preview shows the times alone when nothing was said of what it does', async (t) => {
  const { gateway, run, sent } = await rig(t);
  gateway.json('POST /api/v1/jobs/preview', 200, settings);
  const { out } = await run('jobs', 'preview', 'every weekday at 9', '--count', '3');
  assert.deepEqual(
    lines(out),
    understood.filter((line) => !/^(?:Does|To):/.test(line)),
  );
  assert.equal((sent() as { count: number }).count, 3);
  assert.deepEqual(lines((await run('jobs', 'preview', 'daily', '--text', 'x')).out), understood);
});

test('a job is edited, paused, resumed, run and removed by its id', async (t) => {
  const { gateway, run, sent } = await rig(t);
  gateway.json('PATCH /api/v1/jobs/job_1', 200, job);
  const edit = ['--words', 'every day at 8', '--until', 'none', '--except', 'none', '--times', '0'];
  assert.deepEqual(lines((await run('jobs', 'edit', 'job_1', ...edit)).out)[0], 'job_1  stand-up');
  assert.deepEqual(sent(), { words: 'every day at 8', until: '', except: [], max_runs: 0 });
  for (const action of ['pause', 'resume']) {
    gateway.json(`POST /api/v1/jobs/job_1/${action}`, 200, job);
    assert.equal(lines((await run('jobs', action, 'job_1')).out)[0], 'job_1  stand-up');
  }
  gateway.json('POST /api/v1/jobs/job_1/run', 202, { id: 'task_9' });
  assert.match((await run('jobs', 'run', 'job_1')).out, /^It is begun as task_9; see it with: .*tasks show task_9\n$/);
  gateway.json('DELETE /api/v1/jobs/job_1', 200, { ok: true });
  assert.equal((await run('jobs', 'remove', 'job_1')).out, 'The job is removed.\n');
  gateway.json('POST /api/v1/jobs/job_2/pause', 404, {
    error: { code: 'not_found', message: 'There is no such job.' },
  });
  const refused = await run('jobs', 'pause', 'job_2');
  assert.deepEqual(refused, { code: 1, out: '', err: 'open-clanker: There is no such job.\n' });
});

const task = {
  id: 'task_1',
  owner: 'owner',
  job_id: 'job_1',
  name: 'news',
  kind: 'ask',
  state: 'failed',
  deliver: { to: 'nowhere' },
  attempts: 4,
  max_attempts: 4,
  progress: null,
  error: { message: 'The model failed.' },
  run_at: '2026-12-24T08:00:00.000Z',
  created_at: '2026-12-24T08:00:00.000Z',
  started_at: '2026-12-24T08:01:00.000Z',
  finished_at: '2026-12-24T08:02:00.000Z',
};

test('tasks are listed with how far they are or why they failed', async (t) => {
  const { gateway, run } = await rig(t);
  const running = { ...task, id: 'task_22', state: 'running', finished_at: null, error: null };
  const progress = { done: 0.5, text: 'page 2 of 4' };
  gateway.json('GET /api/v1/tasks?limit=50', 200, { tasks: [{ ...running, progress }, task], next_cursor: null });
  assert.deepEqual(lines((await run('tasks', 'list')).out), [
    'task_22  running  2026-12-24 08:01 UTC  ask  news  50 % page 2 of 4',
    'task_1   failed   2026-12-24 08:02 UTC  ask  news  The model failed.',
  ]);
  const from = encodeURIComponent('2026-12-01T00:00:00.000Z');
  gateway.json(`GET /api/v1/tasks?limit=50&state=failed&job=job_1&owner=per_1&from=${from}`, 200, {
    tasks: [],
    next_cursor: null,
  });
  const line = ['--state', 'failed', '--job', 'job_1', '--owner', 'per_1', '--since', '2026-12-01T00:00:00Z'];
  assert.equal((await run('tasks', 'list', ...line)).out, 'There are no such tasks.\n');
  assert.equal((await run('tasks', 'list', '--since', 'yesterday')).code, 2);
});

test('one task is shown with its steps, its story and what came of it', async (t) => {
  const { gateway, run } = await rig(t);
  gateway.json('GET /api/v1/tasks/task_1', 200, {
    ...task,
    payload: { kind: 'ask', prompt: 'What is new?' },
    result: { text: 'one\ntwo', files: [{ id: 'file_1', name: 'news.txt', size: 3 }] },
    events: [{ at: task.run_at, kind: 'queued', detail: '' }],
    steps: [{ id: 'first', state: 'failed', error: { message: 'Nobody answers.' } }],
  });
  assert.deepEqual(lines((await run('tasks', 'show', 'task_1')).out), [
    'task_1  news',
    'State:   failed, attempt 4 of 4',
    'Does:    asks the agent "What is new?"',
    'To:      nobody',
    'Job:     job_1',
    'Failed:  The model failed.',
    'Steps:',
    '  first  failed: Nobody answers.',
    'Story (UTC):',
    '  2026-12-24 08:00  queued',
    'Result:',
    '  one',
    '  two',
    'Files:',
    '  news.txt  3 bytes  file_1',
    'To queue it again: open-clanker tasks retry task_1',
  ]);
});

test('a task is made, cancelled and queued again', async (t) => {
  const { gateway, run, sent } = await rig(t);
  gateway.json('POST /api/v1/tasks', 202, task);
  const { out } = await run('tasks', 'add', '--ask', 'news?', '--after', '20m', '--in', 'UTC', '--name', 'news');
  assert.equal(out, 'task_1 begins at 2026-12-24 08:00 UTC; see it with: open-clanker tasks show task_1\n');
  assert.deepEqual(sent(), {
    after: '20m',
    time_zone: 'UTC',
    name: 'news',
    payload: { kind: 'ask', prompt: 'news?' },
  });
  assert.equal((await run('tasks', 'add', '--after', '20m')).code, 2);
  gateway.json('POST /api/v1/tasks/task_1/cancel', 200, task);
  gateway.json('POST /api/v1/tasks/task_1/retry', 202, task);
  assert.equal((await run('tasks', 'cancel', 'task_1')).out, 'The task is cancelled.\n');
  assert.equal((await run('tasks', 'retry', 'task_1')).out, 'It is queued again.\n');
  assert.deepEqual(JSON.parse((await run('tasks', 'retry', 'task_1', '--json')).out), task);
});

test('sessions are cleaned up by their age, which has to be said', async (t) => {
  const { gateway, run, sent } = await rig(t);
  gateway.json('POST /api/v1/sessions/cleanup', 200, { closed: 4 });
  const { out } = await run('sessions', 'cleanup', '--max-age', '30d');
  assert.equal(out, '4 sessions begin a new history with their next message.\n');
  assert.deepEqual(sent(), { max_age_seconds: 2_592_000 });
  for (const line of [[], ['--max-age', 'old'], ['--max-age', '10ms']]) {
    assert.notEqual((await run('sessions', 'cleanup', ...line)).code, 0);
  }
  assert.equal(gateway.asked.length, 1);
});
