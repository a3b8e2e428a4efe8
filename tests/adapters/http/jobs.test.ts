import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, test } from 'node:test';
import type { NewEvent } from '../../../src/core/events.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { ask, type Asked } from '../../support/raw.ts';
import { tokens } from '../../support/scripted-tokens.ts';

let door: TestDoor;
before(async () => {
  door = await openDoor();
});
after(() => door.stop());

const endpoint = (): { host: string; port: number } => ({ host: '127.0.0.1', port: door.port });
const call = (method: string, path: string, token: string | undefined, body?: object, headers?: Asked['headers']) =>
  ask(endpoint(), {
    method,
    path: `/api/v1/${path}`,
    ...(token === undefined ? {} : { token }),
    ...(headers === undefined ? {} : { headers }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const text = { kind: 'text', text: 'stand-up' };
const job = { every: '1h', payload: text };
const made = async (body: object = job): Promise<string> =>
  String((await call('POST', 'jobs', tokens.manage, body)).json?.['id']);
const listOf = ({ json }: { json: Record<string, unknown> | undefined }, name: string): Record<string, unknown>[] =>
  (json ?? {})[name] as Record<string, unknown>[];
const complaint = (answer: { text: string }): string =>
  (JSON.parse(answer.text) as { error: { message: string } }).error.message;

test('looking at jobs and tasks needs read, changing them manage', async () => {
  const id = await made();
  const task = String((await call('POST', 'tasks', tokens.manage, { payload: text })).json?.['id']);
  for (const path of ['jobs', `jobs/${id}`, `jobs/${id}/slots`, 'tasks', `tasks/${task}`]) {
    assert.equal((await call('GET', path, undefined)).status, 401, path);
    assert.equal((await call('GET', path, tokens.read)).status, 200, path);
  }
  const changes: [method: string, path: string, body?: object][] = [
    ['POST', 'jobs', job],
    ['POST', 'jobs/preview', job],
    ['PATCH', `jobs/${id}`, { name: 'x' }],
    ['POST', `jobs/${id}/pause`],
    ['POST', `jobs/${id}/resume`],
    ['POST', `jobs/${id}/run`],
    ['DELETE', `jobs/${id}`],
    ['POST', 'tasks', { payload: text }],
    ['POST', `tasks/${task}/cancel`],
    ['POST', `tasks/${task}/retry`],
  ];
  for (const [method, path, body] of changes) {
    for (const token of [tokens.read, tokens.send]) {
      assert.equal((await call(method, path, token, body)).status, 403, `${method} ${path}`);
    }
    assert.ok((await call(method, path, tokens.manage, body)).status < 300, `${method} ${path}`);
  }
});

test('what is somebody else’s is not there, whatever is tried with it', async () => {
  const id = await made();
  const task = String((await call('POST', `jobs/${id}/run`, tokens.manage)).json?.['id']);
  const tries: [method: string, path: string, body?: object][] = [
    ['GET', `jobs/${id}`],
    ['GET', `jobs/${id}/slots`],
    ['PATCH', `jobs/${id}`, { name: 'mine' }],
    ['POST', `jobs/${id}/pause`],
    ['POST', `jobs/${id}/resume`],
    ['POST', `jobs/${id}/run`],
    ['DELETE', `jobs/${id}`],
    ['GET', `tasks/${task}`],
    ['POST', `tasks/${task}/cancel`],
    ['POST', `tasks/${task}/retry`],
  ];
  for (const [method, path, body] of tries) {
    assert.equal((await call(method, path, tokens.stranger, body)).status, 404, `${method} ${path}`);
  }
  assert.deepEqual((await call('GET', 'jobs', tokens.stranger)).json?.['jobs'], []);
  assert.deepEqual((await call('GET', 'tasks', tokens.stranger)).json?.['tasks'], []);
  assert.equal((await call('GET', `jobs/${id}`, tokens.admin)).status, 200);
});

test('a job is answered in snake case, with times in UTC and what it does; a list leaves that out', async () => {
  const json = (await call('POST', 'jobs', tokens.manage, { words: 'every weekday at 9', payload: text })).json ?? {};
  assert.deepEqual(json['payload'], text);
  assert.deepEqual(json['schedule'], { type: 'cron', expression: '0 9 * * 1-5' });
  assert.equal(json['created_at'], '2026-01-01T00:00:00.000Z');
  assert.deepEqual((json['next'] as object[])[0], { at: '2026-01-01T00:00:00.000Z', local: 'Thu 2026-01-01 09:00' });
  assert.deepEqual(json['deliver'], {
    to: 'conversation',
    channel: 'telegram:main',
    chat: '42',
    thread: null,
    session: 'telegram:main:42',
  });
  assert.equal(listOf(await call('GET', `jobs/${String(json['id'])}?count=12`, tokens.read), 'next').length, 12);
  const listed = await call('GET', 'jobs?limit=1', tokens.read);
  assert.ok(!('payload' in (listOf(listed, 'jobs')[0] ?? {})));
  assert.equal(typeof listed.json?.['next_cursor'], 'string');
});

test('a preview keeps nothing and has no id', async () => {
  const count = async (): Promise<number> => listOf(await call('GET', 'jobs?limit=200', tokens.read), 'jobs').length;
  const before = await count();
  const answer = await call('POST', 'jobs/preview', tokens.manage, { ...job, count: 20 });
  assert.equal(answer.status, 200);
  assert.equal(listOf(answer, 'next').length, 20);
  assert.ok(!('id' in (answer.json ?? { id: 1 })));
  assert.equal(await count(), before);
});

test('the same key makes the same job and the same task once, another body under it is a conflict', async () => {
  for (const [path, body] of [
    ['jobs', job],
    ['tasks', { payload: text }],
  ] as const) {
    const headers = { 'idempotency-key': `once-${path}` };
    const first = await call('POST', path, tokens.manage, body, headers);
    const again = await call('POST', path, tokens.manage, { ...body, idempotency_key: `once-${path}` });
    assert.equal(again.json?.['id'], first.json?.['id']);
    const other = await call('POST', path, tokens.manage, { ...body, name: 'other' }, headers);
    assert.equal(other.status, 409, other.text);
    const both = await call('POST', path, tokens.manage, { ...body, idempotency_key: 'another' }, headers);
    assert.equal(both.status, 400, 'two keys that differ');
    assert.notEqual((await call('POST', path, tokens.manage, body)).json?.['id'], first.json?.['id']);
  }
});

test('what is asked by a client has no chat and no outside text about it', async () => {
  await call('POST', 'jobs', tokens.manage, job, { 'idempotency-key': 'whence' });
  assert.deepEqual(door.gateway.asked.at(-1), { written: job, asked: { key: 'whence', here: null, tainted: null } });
  await call('POST', 'tasks', tokens.manage, { payload: text });
  assert.deepEqual(door.gateway.asked.at(-1)?.asked, { here: null, tainted: null });
});

test('what is wrong is refused by name, and nobody but the gateway makes chores', async () => {
  const bad: [path: string, body: object, reason: RegExp][] = [
    ['jobs', { payload: text }, /when it is due/],
    ['jobs', { every: '1h' }, /"payload\.?/],
    ['jobs', { ...job, owner: 'per_x' }, /Unknown field "owner"/],
    ['jobs', { ...job, payload: { ...text, to: 'x' } }, /Unknown field "payload\.to"/],
    ['jobs', { ...job, payload: { kind: 'chore', chore: 'vacuum' } }, /"payload\.kind" must be one of "text", "ask"/],
    ['jobs', { ...job, payload: { kind: 'text' } }, /"payload\.text" is required/],
    ['jobs', { ...job, missed: { policy: 'never' } }, /"missed\.policy" must be one of "skip", "once", "all"/],
    ['jobs', { ...job, retries: 11 }, /"retries" may have at most 10/],
    ['jobs', { ...job, except: Array.from({ length: 101 }, () => '2026-12-24') }, /"except" may have at most 100/],
    ['jobs/preview', { ...job, count: 101 }, /"count" may have at most 100/],
    ['tasks', { payload: text, cron: '* * * * *' }, /Unknown field "cron"/],
  ];
  for (const [path, body, reason] of bad) {
    const answer = await call('POST', path, tokens.manage, body);
    assert.equal(answer.status, 400, answer.text);
    assert.match(complaint(answer), reason);
  }
  const queries = ['jobs?state=due', 'jobs?due_from=tomorrow', 'jobs?limit=0', 'jobs?owner=a', 'jobs?chores=yes'];
  for (const path of [...queries, 'tasks?state=dead', 'tasks?from=2026', 'tasks?cursor=%20', 'tasks?who=a']) {
    assert.equal((await call('GET', path, tokens.read)).status, 400, path);
  }
});

test('filters reach the gateway as moments, and only those that were given', async () => {
  await call('GET', 'jobs?due_from=2026-01-01T01:00:00%2B01:00&chores=only', tokens.read);
  assert.deepEqual(door.gateway.jobQueries.at(-1), { chores: 'only', dueFrom: Date.UTC(2026, 0, 1) });
  await call('GET', 'tasks?job=job_1&owner=per_x&state=failed&to=2026-01-01T00:00:00Z', tokens.read);
  const asked = { job: 'job_1', owner: 'per_x', state: 'failed', to: Date.UTC(2026, 0, 1) };
  assert.deepEqual(door.gateway.taskQueries.at(-1), asked);
});

test('an edit names what it changes; one that names nothing, or comes without a body, is refused', async () => {
  const id = await made();
  const { status, json } = await call('PATCH', `jobs/${id}`, tokens.manage, { name: 'other' });
  assert.deepEqual([status, json?.['name'], json?.['id']], [200, 'other', id]);
  assert.deepEqual(json?.['payload'], text);
  assert.match(complaint(await call('PATCH', `jobs/${id}`, tokens.manage, {})), /Name what is to be changed/);
  assert.equal((await call('PATCH', `jobs/${id}`, tokens.manage)).status, 415);
  assert.equal((await call('PATCH', `jobs/${id}`, tokens.manage, { id: 'job_x' })).status, 400);
});

test('a task tells its story, its steps and what came of it, and what its state forbids is a conflict', async () => {
  const { json: task } = await call('POST', 'tasks', tokens.manage, { payload: text });
  const id = String(task?.['id']);
  const json = (await call('GET', `tasks/${id}`, tokens.read)).json ?? {};
  assert.deepEqual(json['result'], {
    text: 'done',
    files: [{ id: 'file_1', name: null, mime_type: 'text/plain', size: 3 }],
    outside: 'https://example.org/',
  });
  assert.deepEqual(json['progress'], { done: 0.5, text: 'half' });
  assert.deepEqual(json['events'], [{ n: 1, at: '2026-01-01T00:00:00.000Z', kind: 'queued', detail: '' }]);
  assert.deepEqual((json['steps'] as { error: object }[])[0]?.error, {
    code: 'unreachable',
    message: 'Nobody answers.',
    retryable: true,
  });
  assert.equal((await call('POST', `tasks/${id}/cancel`, tokens.manage)).json?.['state'], 'cancelled');
  assert.equal((await call('POST', `tasks/${id}/cancel`, tokens.manage)).status, 409);
});

test('events of jobs and tasks reach their owner, in snake case, and nobody else', async () => {
  const events = async (token: string): Promise<{ response: IncomingMessage; seen(): Promise<string> }> => {
    const path = '/api/v1/events?type=job.fired,job.missed,task.changed,task.progress';
    const call = request({ ...endpoint(), path, headers: { authorization: `Bearer ${token}` } }).end();
    const [response] = (await once(call, 'response')) as [IncomingMessage];
    let told = '';
    return {
      response,
      async seen() {
        for await (const piece of response.setEncoding('utf8') as AsyncIterable<string>) {
          told += piece;
          if (told.includes('last')) break;
        }
        return told;
      },
    };
  };
  const owner = await events(tokens.read);
  const stranger = await events(tokens.stranger);
  const of = (person: string, event: NewEvent): unknown => door.gateway.publish({ ...event, person });
  of('owner', { type: 'job.fired', jobId: 'job_1', taskId: 'task_1', due: 5 });
  of('owner', { type: 'task.changed', taskId: 'task_1', jobId: 'job_1', kind: 'text', state: 'running' });
  for (const person of ['owner', 'per_stranger']) {
    of(person, { type: 'task.progress', taskId: 'task_2', jobId: null, done: 1, text: 'last' });
  }
  const told = await owner.seen();
  assert.match(
    told,
    /event: job\.fired\nid: \d+\ndata: \{"job_id":"job_1","task_id":"task_1","due":"1970-01-01T00:00:00\.005Z","person":"owner"\}/,
  );
  assert.ok(!told.includes('per_stranger'));
  assert.match(told, /event: task\.changed\nid: \d+\ndata: \{"task_id":"task_1","job_id":"job_1"/);
  const others = await stranger.seen();
  assert.ok(others.includes('task_2') && !others.includes('task_1'), others);
});
