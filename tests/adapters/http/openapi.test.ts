import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { fromJSONSchema, type ZodType } from 'zod';
import { routeTable } from '../../../src/adapters/http/routes/index.ts';
import { ask, type Asked } from '../../support/raw.ts';
import { openDoor, type TestDoor } from '../../support/door.ts';
import { tokens } from '../../support/scripted-tokens.ts';

interface Media {
  schema: Parameters<typeof fromJSONSchema>[0];
}
interface Operation {
  operationId: string;
  security?: unknown[];
  'x-scope'?: string;
  parameters: { name: string; in: string; required: boolean }[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { description: string; content: Record<string, Media> }>;
}
interface Document {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
}

/** Values that stand for the parameters of a path, by operation where it matters. */
const key = 'documented';
const deadId = (n: number): string => `dead-of-document-${n}`;

/** One example per documented operation; a new operation without one turns this file red. */
const examples: Record<string, Omit<Asked, 'method'> & { streams?: boolean }> = {
  'GET /health': { path: '/health' },
  'GET /healthz': { path: '/healthz' },
  'GET /ready': { path: '/ready', token: tokens.read },
  'GET /readyz': { path: '/readyz' },
  'GET /metrics': { path: '/metrics', token: tokens.read },
  'GET /openapi.json': { path: '/openapi.json' },
  'POST /api/v1/chat': {
    path: '/api/v1/chat',
    token: tokens.send,
    body: JSON.stringify({ text: 'hello', session: key }),
  },
  'POST /api/v1/message': {
    path: '/api/v1/message',
    token: tokens.send,
    body: JSON.stringify({ channel: 'telegram', target: '42', content: 'hi' }),
  },
  'POST /api/message': {
    path: '/api/message',
    token: tokens.send,
    body: JSON.stringify({ channel: 'telegram', target: '42', content: 'hi' }),
  },
  'POST /api/v1/files': {
    path: '/api/v1/files',
    token: tokens.send,
    body: 'bytes',
    headers: { 'content-type': 'text/plain' },
  },
  'POST /api/v1/runs/{id}/abort': { path: '/api/v1/runs/RUN/abort', token: tokens.send, body: '{}' },
  'GET /api/v1/sessions': { path: '/api/v1/sessions?limit=10', token: tokens.read },
  'GET /api/v1/sessions/{key}': { path: `/api/v1/sessions/${key}`, token: tokens.read },
  'GET /api/v1/sessions/{key}/messages': { path: `/api/v1/sessions/${key}/messages?limit=1`, token: tokens.read },
  'GET /api/v1/sessions/{key}/export': { path: `/api/v1/sessions/api:owner:${key}/export`, token: tokens.read },
  'POST /api/v1/sessions/{key}/reset': { path: `/api/v1/sessions/${key}/reset`, token: tokens.manage, body: '{}' },
  'DELETE /api/v1/sessions/{key}': { path: `/api/v1/sessions/deleted`, token: tokens.manage },
  'POST /api/v1/sessions/cleanup': {
    path: '/api/v1/sessions/cleanup',
    token: tokens.manage,
    body: '{"max_age_seconds":3600}',
  },
  'GET /api/v1/events': { path: '/api/v1/events?type=run.started,message', token: tokens.read, streams: true },
  'GET /api/v1/status': { path: '/api/v1/status', token: tokens.read },
  'GET /api/v1/messages/{id}/trace': { path: '/api/v1/messages/MESSAGE/trace', token: tokens.read },
  'GET /api/v1/usage': { path: '/api/v1/usage?days=7', token: tokens.read },
  'GET /api/v1/config': { path: '/api/v1/config', token: tokens.read },
  'POST /api/v1/config/reload': { path: '/api/v1/config/reload', token: tokens.admin, body: '{}' },
  'GET /api/v1/dead': { path: '/api/v1/dead?limit=5', token: tokens.read },
  'GET /api/v1/dead/{id}': { path: `/api/v1/dead/${deadId(1)}`, token: tokens.read },
  'DELETE /api/v1/dead/{id}': { path: `/api/v1/dead/${deadId(2)}`, token: tokens.manage },
  'POST /api/v1/dead/{id}/retry': { path: `/api/v1/dead/${deadId(3)}/retry`, token: tokens.manage, body: '{}' },
  'DELETE /api/v1/dead': { path: '/api/v1/dead', token: tokens.manage },
  'GET /api/v1/tokens': { path: '/api/v1/tokens', token: tokens.read },
  'POST /api/v1/tokens': {
    path: '/api/v1/tokens',
    token: tokens.admin,
    body: JSON.stringify({ name: 'documented', scopes: ['read'], expires: '30d' }),
  },
  'POST /api/v1/tokens/{id}/rotate': { path: '/api/v1/tokens/TOKEN/rotate', token: tokens.admin, body: '{}' },
  'DELETE /api/v1/tokens/{id}': { path: '/api/v1/tokens/TOKEN', token: tokens.admin },
  'GET /api/v1/channels': { path: '/api/v1/channels', token: tokens.read },
  ...Object.fromEntries(
    ['start', 'stop', 'pause', 'resume'].map((action) => [
      `POST /api/v1/channels/{id}/${action}`,
      { path: `/api/v1/channels/telegram:main/${action}`, token: tokens.manage, body: '{}' },
    ]),
  ),
  'POST /mcp': { path: '/mcp', token: tokens.read, body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}' },
  'POST /hooks/{name}': { path: '/hooks/orders', body: '{}' },
  'POST /hooks/{type}/{account}': { path: '/hooks/slack/main', body: '{}' },
  'GET /hooks/{type}/{account}': { path: '/hooks/whatsapp/main' },
  'GET /api/v1/people': { path: '/api/v1/people?limit=5', token: tokens.read },
  'GET /api/v1/people/{id}': { path: '/api/v1/people/per_ada', token: tokens.read },
  'GET /api/v1/people/{id}/budget': { path: '/api/v1/people/per_ada/budget', token: tokens.read },
  'POST /api/v1/people/{id}/budget': {
    path: '/api/v1/people/per_ada/budget',
    token: tokens.admin,
    body: JSON.stringify({ usd_day: 1, usd_month: null, tokens_day: 'default' }),
  },
  'GET /api/v1/people/{id}/preferences': { path: '/api/v1/people/per_ada/preferences', token: tokens.read },
  'POST /api/v1/people/{id}/preferences': {
    path: '/api/v1/people/per_ada/preferences',
    token: tokens.send,
    body: JSON.stringify({ notices: false, model: null }),
  },
  'POST /api/v1/people/{id}/role': {
    path: '/api/v1/people/per_ada/role',
    token: tokens.admin,
    body: JSON.stringify({ role: 'guest' }),
  },
  'POST /api/v1/people/{id}/link': { path: '/api/v1/people/per_ada/link', token: tokens.admin, body: '{}' },
  'POST /api/v1/people/{id}/unlink': {
    path: '/api/v1/people/per_ada/unlink',
    token: tokens.admin,
    body: JSON.stringify({ channel: 'telegram:main', sender: '42' }),
  },
  'GET /api/v1/people/{id}/export': { path: '/api/v1/people/per_ada/export', token: tokens.read },
  'POST /api/v1/people/{id}/erase': { path: '/api/v1/people/per_ada/erase', token: tokens.admin, body: '{}' },
  'GET /api/v1/erasures': { path: '/api/v1/erasures', token: tokens.admin },
  'GET /api/v1/audit': { path: '/api/v1/audit?action=role.set&since=2026-01-01T00:00:00Z', token: tokens.admin },
  'GET /api/v1/audit/verify': { path: '/api/v1/audit/verify', token: tokens.admin },
  'POST /api/v1/backup': { path: '/api/v1/backup', token: tokens.admin, body: '{"path":"/backups/today"}' },
  'POST /api/v1/restore': { path: '/api/v1/restore', token: tokens.admin, body: '{"path":"/backups/today"}' },
  'GET /api/v1/restore': { path: '/api/v1/restore', token: tokens.admin },
  'GET /api/v1/logs': { path: '/api/v1/logs?level=warn&limit=10', token: tokens.admin },
  'GET /api/v1/logs/follow': { path: '/api/v1/logs/follow?level=warn', token: tokens.admin, streams: true },
  'POST /api/v1/sessions/import': {
    path: '/api/v1/sessions/import',
    token: tokens.manage,
    body: '{"session":{"key":"api:owner:main"}}',
  },
  'GET /api/v1/pairing': { path: '/api/v1/pairing', token: tokens.read },
  'POST /api/v1/runs/{id}/replay': {
    path: '/api/v1/runs/run_1/replay',
    token: tokens.send,
    body: '{"model":"demo/demo"}',
  },
  'POST /api/v1/chat/dry-run': { path: '/api/v1/chat/dry-run', token: tokens.send, body: '{"text":"hello"}' },
  'GET /api/v1/approvals': { path: '/api/v1/approvals?open=true', token: tokens.read },
  'GET /api/v1/approvals/{id}': { path: '/api/v1/approvals/appr_1', token: tokens.read },
  'POST /api/v1/approvals/{id}/approve': {
    path: '/api/v1/approvals/appr_1/approve',
    token: tokens.send,
    body: '{}',
  },
  'POST /api/v1/approvals/{id}/deny': { path: '/api/v1/approvals/appr_1/deny', token: tokens.send, body: '{}' },
  'POST /api/v1/pairing/approve': {
    path: '/api/v1/pairing/approve',
    token: tokens.manage,
    body: JSON.stringify({ code: 'ABCD-EFGH', role: 'guest' }),
  },
  'POST /api/v1/pairing/reject': {
    path: '/api/v1/pairing/reject',
    token: tokens.manage,
    body: JSON.stringify({ code: 'ABCD-EFGH' }),
  },
  'GET /api/v1/notes': { path: '/api/v1/notes?q=tea&limit=5', token: tokens.read },
  'POST /api/v1/notes': {
    path: '/api/v1/notes',
    token: tokens.manage,
    body: JSON.stringify({ title: 'tea', text: 'green', metadata: { a: [1, null] }, expires: '30d' }),
  },
  'GET /api/v1/notes/{id}': { path: '/api/v1/notes/NOTE', token: tokens.read },
  'DELETE /api/v1/notes/{id}': { path: '/api/v1/notes/NOTE', token: tokens.manage },
  'DELETE /api/v1/notes': { path: '/api/v1/notes', token: tokens.manage },
  'GET /api/v1/jobs': {
    path: '/api/v1/jobs?state=active&chores=without&due_from=2026-01-01T00:00:00Z&due_to=2027-01-01T00:00:00%2B01:00',
    token: tokens.read,
  },
  'POST /api/v1/jobs': {
    path: '/api/v1/jobs',
    token: tokens.manage,
    body: JSON.stringify({
      words: 'every weekday at 9',
      payload: { kind: 'tool', tool: 'echo', args: { deep: [{ a: null }] } },
      missed: { policy: 'all', max: 3 },
      except: ['holidays:DE'],
      deliver: 'nowhere',
    }),
  },
  'POST /api/v1/jobs/preview': {
    path: '/api/v1/jobs/preview',
    token: tokens.manage,
    body: JSON.stringify({ every: '1h', payload: { kind: 'text', text: 'hi' }, count: 10 }),
  },
  'GET /api/v1/jobs/{id}': { path: '/api/v1/jobs/JOB?count=10', token: tokens.read },
  'PATCH /api/v1/jobs/{id}': {
    path: '/api/v1/jobs/JOB',
    token: tokens.manage,
    body: JSON.stringify({ name: 'stand-up', until: '', max_runs: 0 }),
  },
  'DELETE /api/v1/jobs/{id}': { path: '/api/v1/jobs/JOB', token: tokens.manage },
  'POST /api/v1/jobs/{id}/pause': { path: '/api/v1/jobs/JOB/pause', token: tokens.manage, body: '{}' },
  'POST /api/v1/jobs/{id}/resume': { path: '/api/v1/jobs/JOB/resume', token: tokens.manage, body: '{}' },
  'POST /api/v1/jobs/{id}/run': { path: '/api/v1/jobs/JOB/run', token: tokens.manage, body: '{}' },
  'GET /api/v1/jobs/{id}/slots': { path: '/api/v1/jobs/JOB/slots?limit=5', token: tokens.read },
  'GET /api/v1/tasks': { path: '/api/v1/tasks?state=queued&job=job_1&from=2026-01-01T00:00:00Z', token: tokens.read },
  'POST /api/v1/tasks': {
    path: '/api/v1/tasks',
    token: tokens.manage,
    body: JSON.stringify({ after: '20m', payload: { kind: 'ask', prompt: 'What is new?' } }),
  },
  'GET /api/v1/tasks/{id}': { path: '/api/v1/tasks/TASK', token: tokens.read },
  'POST /api/v1/tasks/{id}/cancel': { path: '/api/v1/tasks/TASK/cancel', token: tokens.manage, body: '{}' },
  'POST /api/v1/tasks/{id}/retry': { path: '/api/v1/tasks/CANCELLED/retry', token: tokens.manage, body: '{}' },
  'GET /': { path: '/' },
  'GET /admin': { path: '/admin' },
  'GET /assets/page.css': { path: '/assets/page.css' },
  'GET /assets/page.js': { path: '/assets/page.js' },
};

let door: TestDoor;
let document: Document;

before(async () => {
  door = await openDoor();
  door.gateway.onHook = (name, { method }) =>
    method === 'GET'
      ? { status: 200, body: '1158201444', contentType: 'text/plain; charset=utf-8' }
      : { status: name === 'orders' ? 202 : 200, body: '{}' };
  document = (await ask(endpoint(), { path: '/openapi.json' })).json as unknown as Document;
});
after(() => door.stop());

const endpoint = (): { host: string; port: number } => ({ host: '127.0.0.1', port: door.port });
const operations = (): [string, string, Operation][] =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]): [string, string, Operation] => [
      method.toUpperCase(),
      path,
      operation,
    ]),
  );
const compiled = (media: Media): ZodType => fromJSONSchema(media.schema);

/** What an example needs to find: a run, a message, a token, dead letters. */
async function prepare(asked: Asked): Promise<Asked> {
  const chat = async (text: string, session: string): Promise<Record<string, unknown>> => {
    const answer = await ask(endpoint(), {
      path: '/api/v1/chat',
      token: tokens.send,
      body: JSON.stringify({ text, session }),
    });
    return answer.json ?? {};
  };
  const filled = { ...asked };
  if (asked.path.includes('/sessions/')) await chat('hello', asked.path.includes('deleted') ? 'deleted' : key);
  if (asked.path.includes('/dead')) for (const n of [1, 2, 3]) door.gateway.addDead(deadId(n));
  if (asked.path.includes('MESSAGE')) {
    filled.path = asked.path.replace('MESSAGE', String((await chat('hello', key))['message_id']));
  }
  if (asked.path.includes('NOTE')) {
    const body = JSON.stringify({ title: asked.method, text: 'green' });
    const made = await ask(endpoint(), { path: '/api/v1/notes', token: tokens.manage, body });
    filled.path = asked.path.replace('NOTE', String(made.json?.['id']));
  }
  if (/JOB|TASK|CANCELLED/.test(asked.path)) {
    const principal = await door.gateway.authenticate(tokens.manage);
    assert.ok(principal !== null);
    const { job } = await door.gateway.addJob(principal, { every: '1h', payload: { kind: 'text', text: 'hi' } });
    const task = await door.gateway.runJob(principal, job.id);
    if (asked.path.includes('CANCELLED')) await door.gateway.cancelTask(principal, task.id);
    filled.path = asked.path.replace('JOB', job.id).replace(/TASK|CANCELLED/, task.id);
  }
  if (asked.path.includes('TOKEN')) {
    const principal = await door.gateway.authenticate(tokens.admin);
    assert.ok(principal !== null);
    const made = await door.gateway.createToken(principal, { name: 'extra', scopes: ['read'] });
    filled.path = asked.path.replace('TOKEN', made.id);
  }
  if (asked.path.includes('RUN')) {
    const principal = await door.gateway.authenticate(tokens.send);
    assert.ok(principal !== null);
    filled.path = asked.path.replace('RUN', (await door.gateway.chat(principal, { text: 'hang' })).runId);
  }
  return filled;
}

async function headOfStream(asked: Asked): Promise<{ status: number; type: string }> {
  const call = request({ ...endpoint(), path: asked.path, headers: { authorization: `Bearer ${asked.token}` } }).end();
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  call.destroy();
  return { status: response.statusCode ?? 0, type: response.headers['content-type'] ?? '' };
}

describe('the document', () => {
  test('lists exactly the routes that answer', () => {
    const documented = operations().map(([method, path]) => `${method} ${path}`);
    const served = routeTable('0').map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(documented.sort(), served.sort());
    assert.deepEqual(documented.sort(), Object.keys(examples).sort());
    assert.equal(new Set(operations().map(([, , { operationId }]) => operationId)).size, documented.length);
  });

  test('holds nothing that a reader would have to look up elsewhere in it', () => {
    assert.ok(!JSON.stringify(document).includes('"$ref"'));
  });

  test('declares every parameter of its paths', () => {
    for (const [, path, operation] of operations()) {
      const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      assert.deepEqual(
        operation.parameters.filter((each) => each.in === 'path').map(({ name }) => name),
        names,
        path,
      );
    }
  });

  test('holds for the example of every operation: its request is as documented, its answer too', async () => {
    for (const [method, path, operation] of operations()) {
      const name = `${method} ${path}`;
      const { streams, ...example } = examples[name] ?? { path };
      const asked = await prepare({ ...example, method });
      const query = new URL(asked.path, door.url).searchParams;
      for (const field of query.keys()) {
        assert.ok(
          operation.parameters.some((each) => each.in === 'query' && each.name === field),
          `${name}: ${field}`,
        );
      }
      const body = operation.requestBody?.content['application/json'];
      if (body !== undefined) compiled(body).parse(JSON.parse(String(asked.body)));
      if (streams === true) {
        const { status, type } = await headOfStream(asked);
        assert.ok(operation.responses[status]?.content[type] !== undefined, `${name}: ${status} ${type}`);
        continue;
      }
      const answer = await ask(endpoint(), asked);
      const response = operation.responses[answer.status];
      assert.ok(response !== undefined, `${name} answered ${answer.status}, which is not documented: ${answer.text}`);
      const media = response.content[String(answer.headers['content-type'])];
      assert.ok(media !== undefined, `${name} answered ${String(answer.headers['content-type'])}`);
      if (answer.headers['content-type'] === 'application/json') {
        const parsed = compiled(media).safeParse(answer.json);
        assert.ok(parsed.success, `${name}: ${parsed.error?.message}`);
      }
    }
  });

  test('holds for refusals: each operation that needs a token says so and answers 401 in its error shape', async () => {
    for (const [method, path, operation] of operations()) {
      const open = Array.isArray(operation.security) && operation.security.length === 0;
      assert.equal(operation['x-scope'] === undefined, open, path);
      if (open) continue;
      const answer = await ask(endpoint(), { method, path: path.replaceAll(/\{\w+\}/g, 'x') });
      assert.equal(answer.status, 401, path);
    }
    for (const path of ['/api/v1/message', '/api/message', '/api/v1/chat']) {
      const answer = await ask(endpoint(), { path, token: tokens.send, body: '{}' });
      assert.equal(answer.status, 400);
      const refusal = document.paths[path]?.['post']?.responses['default']?.content['application/json'];
      assert.ok(refusal !== undefined);
      compiled(refusal).parse(answer.json);
    }
  });

  test('no path answers that is not in it, and no method', async () => {
    const unlisted = [
      '/api',
      '/api/v1',
      '/api/v1/job',
      '/v1/models',
      '/hooks',
      '/hooks/a/b/c',
      '/debug',
      '/api/v1/status/',
      '/assets/',
      '/ws',
    ];
    for (const path of unlisted) {
      for (const method of ['GET', 'POST', 'DELETE']) {
        assert.equal((await ask(endpoint(), { method, path, token: tokens.admin })).status, 404, `${method} ${path}`);
      }
    }
    /** Whether what looks like an action is taken for the id of something: `sessions/cleanup`. */
    const names = (path: string, method: string): boolean =>
      Object.entries(document.paths).some(
        ([pattern, methods]) =>
          pattern.includes('{') &&
          methods[method.toLowerCase()] !== undefined &&
          new RegExp(`^${pattern.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
      );
    for (const [path, methods] of Object.entries(document.paths)) {
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'].filter(
        (each) => methods[each.toLowerCase()] === undefined,
      )) {
        const answer = await ask(endpoint(), { method, path: path.replaceAll(/\{\w+\}/g, 'x'), token: tokens.admin });
        if (!path.includes('{') && names(path, method)) {
          assert.notEqual(answer.status, 405, `${method} ${path}`);
          continue;
        }
        assert.equal(answer.status, 405, `${method} ${path}`);
        assert.ok(String(answer.headers['allow']).length > 0);
      }
    }
  });

  test('HEAD answers wherever GET does, without a body', async () => {
    for (const [method, path] of operations()) {
      if (method !== 'GET') continue;
      const asked = await prepare({ ...(examples[`GET ${path}`] as Asked), method: 'HEAD' });
      const answer = await ask(endpoint(), { path: asked.path, token: tokens.admin, method: 'HEAD' });
      assert.ok(answer.status < 400, `${path} ${answer.status}`);
      assert.equal(answer.text, '');
    }
  });
});
