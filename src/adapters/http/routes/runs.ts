import { notFound } from '../../../core/errors.ts';
import { readUpload, uploadType } from '../body.ts';
import { json, route } from '../route.ts';
import { failure } from '../schemas/base.ts';
import { aborted, file, fileOf } from '../schemas/chat.ts';

/** Bytes of one uploaded file. */
export const maxFileBytes = 20_000_000;

export const runRoutes = [
  route({
    method: 'POST',
    path: '/api/v1/runs/{id}/abort',
    summary: 'Stop a run that is under way.',
    scope: 'send',
    answers: {
      200: { description: 'It stops.', schema: aborted },
      404: { description: 'No such run of yours is under way.', schema: failure },
    },
    async handle({ principal, params, context }) {
      if (!(await context.gateway.abortRun(principal, params.id))) throw notFound('run under way');
      return json({ aborted: true });
    },
  }),
  route({
    method: 'POST',
    path: '/api/v1/files',
    summary: 'Upload a file (raw body, at most 20 MB) to name in `attachments`.',
    scope: 'send',
    body: 'raw',
    answers: {
      201: { description: 'It is stored.', schema: file },
      413: { description: 'It is too large.', schema: failure },
      415: { description: 'Its bytes are not what its type promises.', schema: failure },
    },
    async handle({ principal, request, response, context }) {
      const type = uploadType(request);
      const limits = { maxBytes: maxFileBytes, idleMs: context.timings.uploadIdleMs };
      const stored = await context.gateway.saveFile(principal, type, readUpload(request, response, limits));
      return json(fileOf(stored), 201);
    },
  }),
];
