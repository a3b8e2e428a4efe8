import { json, route } from '../route.ts';
import { taskBody, taskDetail, taskLine, tasks, tasksQuery } from '../schemas/schedule.ts';
import { wireTask, wireTaskDetail } from '../schedule-wire.ts';
import { failure } from '../schemas/base.ts';
import { idempotencyKeyOf } from './chat.ts';
import { askedBy, timeOf } from './jobs.ts';

const defaultPage = 50;
const missing = { description: 'No such task of yours.', schema: failure };
const notNow = { description: 'The state of the task does not allow it.', schema: failure };

/** Tasks of the token's person; with `admin` everybody's. */
export const taskRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/tasks',
    summary: 'Tasks, newest first: of a state, a job or (with `admin`) a person, made in a window of time.',
    scope: 'read',
    query: tasksQuery,
    answers: { 200: { description: 'A page of tasks.', schema: tasks } },
    async handle({ principal, query, context }) {
      const { from, to, ...rest } = query;
      const times = { ...timeOf('from', from), ...timeOf('to', to) };
      const { items, nextCursor } = await context.gateway.tasks(principal, { limit: defaultPage, ...rest, ...times });
      return json({ tasks: items.map(wireTask), next_cursor: nextCursor });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks',
    summary: 'Have something done in the background: now, `at` a time or `after` a while.',
    scope: 'manage',
    body: taskBody,
    headers: { 'Idempotency-Key': 'The same as the field `idempotency_key`: a repeat is answered with the same task.' },
    answers: {
      202: { description: 'The task; it is kept, and will be begun.', schema: taskLine },
      400: { description: 'Something is not understood; the message says how it is written.', schema: failure },
      409: { description: 'The idempotency key was used for another body.', schema: failure },
      429: { description: 'As many wait as may.', schema: failure },
    },
    async handle({ principal, body, request, context }) {
      const { idempotency_key: field, ...written } = body;
      const asked = askedBy(idempotencyKeyOf(request, field));
      return json(wireTask(await context.gateway.addTask(principal, written, asked)), 202);
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/tasks/{id}',
    summary: 'One task: what it does, how far it is, its story, the steps of a workflow, and what came of it.',
    scope: 'read',
    answers: { 200: { description: 'The task.', schema: taskDetail }, 404: missing },
    handle: async ({ principal, params, context }) =>
      json(wireTaskDetail(await context.gateway.task(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/{id}/cancel',
    summary: 'Stop a task that waits or is at work.',
    scope: 'manage',
    answers: { 200: { description: 'The task.', schema: taskLine }, 404: missing, 409: notNow },
    handle: async ({ principal, params, context }) =>
      json(wireTask(await context.gateway.cancelTask(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tasks/{id}/retry',
    summary: 'Queue a failed or cancelled task again, with fresh attempts.',
    scope: 'manage',
    answers: { 202: { description: 'The task.', schema: taskLine }, 404: missing, 409: notNow },
    handle: async ({ principal, params, context }) =>
      json(wireTask(await context.gateway.retryTask(principal, params.id)), 202),
  }),
];
