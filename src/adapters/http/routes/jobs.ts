import { HttpError } from '../errors.ts';
import { json, route } from '../route.ts';
import {
  jobBody,
  jobDetail,
  jobEdit,
  jobPreview,
  jobPreviewBody,
  jobQuery,
  jobs,
  jobsQuery,
  slots,
  taskLine,
} from '../schemas/schedule.ts';
import { wireJob, wireJobDetail, wirePreview, wireSlot, wireTask } from '../schedule-wire.ts';
import { failure, ok, pageQuery } from '../schemas/base.ts';
import { idempotencyKeyOf } from './chat.ts';

const defaultPage = 50;
const missing = { description: 'No such job of yours.', schema: failure };
const refused = { description: 'Something is not understood; the message says how it is written.', schema: failure };
const notNow = { description: 'The state of the job does not allow it.', schema: failure };
const theJob = { description: 'The job.', schema: jobDetail };

/** What was asked with the key of the header or the field, from a client without a chat. */
export const askedBy = (key: string | undefined): { key?: string; here: null; tainted: null } => ({
  ...(key === undefined ? {} : { key }),
  here: null,
  tainted: null,
});
export const timeOf = <K extends string>(name: K, text: string | undefined): { [N in K]?: number } =>
  (text === undefined ? {} : { [name]: Date.parse(text) }) as { [N in K]?: number };

/** Jobs of the token's person; with `admin` everybody's. */
export const jobRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/jobs',
    summary: 'Jobs, the next due first.',
    scope: 'read',
    query: jobsQuery,
    answers: { 200: { description: 'A page of jobs.', schema: jobs } },
    async handle({ principal, query, context }) {
      const { due_from, due_to, ...rest } = query;
      const times = { ...timeOf('dueFrom', due_from), ...timeOf('dueTo', due_to) };
      const { items, nextCursor } = await context.gateway.jobs(principal, { limit: defaultPage, ...rest, ...times });
      return json({ jobs: items.map(wireJob), next_cursor: nextCursor });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/jobs',
    summary: 'Make a job; the answer says what was understood and when it is due next.',
    scope: 'manage',
    body: jobBody,
    headers: { 'Idempotency-Key': 'The same as the field `idempotency_key`: a repeat is answered with the same job.' },
    answers: {
      201: theJob,
      400: refused,
      409: { description: 'The idempotency key was used for another body.', schema: failure },
      429: { description: 'There are as many as there may be.', schema: failure },
    },
    async handle({ principal, body, request, context }) {
      const { idempotency_key: field, ...written } = body;
      const asked = askedBy(idempotencyKeyOf(request, field));
      return json(wireJobDetail(await context.gateway.addJob(principal, written, asked)), 201);
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/jobs/preview',
    summary: 'What a job would be and when it would be due; nothing is kept.',
    scope: 'manage',
    body: jobPreviewBody,
    answers: { 200: { description: 'What was understood.', schema: jobPreview }, 400: refused },
    async handle({ principal, body, context }) {
      const { count, ...written } = body;
      return json(wirePreview(await context.gateway.previewJob(principal, written, askedBy(undefined), count)));
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/jobs/{id}',
    summary: 'One job, with what it does; `count` of its next times.',
    scope: 'read',
    query: jobQuery,
    answers: { 200: theJob, 404: missing },
    handle: async ({ principal, params, query, context }) =>
      json(wireJobDetail(await context.gateway.job(principal, params.id, query.count))),
  }),
  route({
    method: 'PATCH',
    path: '/api/v1/jobs/{id}',
    summary: 'Change a job; it keeps its id and history. What is named of when it is due replaces all of that.',
    scope: 'manage',
    body: jobEdit,
    answers: { 200: theJob, 400: refused, 404: missing, 409: notNow },
    async handle({ principal, params, body, context }) {
      if (Object.keys(body).length === 0) throw new HttpError(400, 'invalid_input', 'Name what is to be changed.');
      return json(wireJobDetail(await context.gateway.editJob(principal, params.id, body, askedBy(undefined))));
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/jobs/{id}',
    summary: 'Remove a job with the record of its times; tasks that wait are cancelled, those that ended stay.',
    scope: 'manage',
    answers: { 200: { description: 'It is gone.', schema: ok }, 404: missing },
    async handle({ principal, params, context }) {
      await context.gateway.removeJob(principal, params.id);
      return json({ ok: true });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/jobs/{id}/pause',
    summary: 'Let a job rest until it is resumed.',
    scope: 'manage',
    answers: { 200: theJob, 404: missing, 409: notNow },
    handle: async ({ principal, params, context }) =>
      json(wireJobDetail(await context.gateway.pauseJob(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/jobs/{id}/resume',
    summary: 'Let a job go on from now; what was due meanwhile is not made up for.',
    scope: 'manage',
    answers: { 200: theJob, 404: missing, 409: notNow },
    handle: async ({ principal, params, context }) =>
      json(wireJobDetail(await context.gateway.resumeJob(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/jobs/{id}/run',
    summary: 'Run a job now, beside its schedule.',
    scope: 'manage',
    headers: { 'Idempotency-Key': 'A repeat is answered with the same task.' },
    answers: {
      202: { description: 'The task that was queued.', schema: taskLine },
      404: missing,
      409: { description: 'The idempotency key was used for another job.', schema: failure },
      429: { description: 'As many wait as may.', schema: failure },
    },
    handle: async ({ principal, params, request, context }) =>
      json(wireTask(await context.gateway.runJob(principal, params.id, idempotencyKeyOf(request, undefined))), 202),
  }),
  route({
    method: 'GET',
    path: '/api/v1/jobs/{id}/slots',
    summary: 'What became of its due times, newest first.',
    scope: 'read',
    query: pageQuery,
    answers: { 200: { description: 'A page of due times.', schema: slots }, 404: missing },
    async handle({ principal, params, query, context }) {
      const options = { limit: defaultPage, ...query };
      const { items, nextCursor } = await context.gateway.slots(principal, params.id, options);
      return json({ slots: items.map(wireSlot), next_cursor: nextCursor });
    },
  }),
];
