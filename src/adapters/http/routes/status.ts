import { json, route } from '../route.ts';
import { failure } from '../schemas/base.ts';
import { config, reloaded, status, trace } from '../schemas/status.ts';

export const statusRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/status',
    summary: 'What runs, since when, and how it does.',
    scope: 'read',
    answers: { 200: { description: 'The state of the gateway.', schema: status } },
    handle: async ({ context }) => json(await context.gateway.status()),
  }),
  route({
    method: 'GET',
    path: '/api/v1/messages/{id}/trace',
    summary: 'The story of one inbound message, from its durable rows.',
    scope: 'read',
    answers: { 200: { description: 'Its rows.', schema: trace }, 404: { description: 'None such.', schema: failure } },
    handle: async ({ principal, params, context }) => json(await context.gateway.trace(principal, params.id)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/config',
    summary: 'The configuration in force, secrets masked.',
    scope: 'read',
    answers: { 200: { description: 'Each value with its source.', schema: config } },
    handle: async ({ principal, context }) => json({ config: await context.gateway.config(principal) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/config/reload',
    summary: 'Read the configuration again; a bad one changes nothing.',
    scope: 'admin',
    answers: {
      200: { description: 'What changed.', schema: reloaded },
      422: { description: 'The configuration is not valid; the old one stays.', schema: failure },
    },
    handle: async ({ principal, context }) => json(await context.gateway.reloadConfig(principal)),
  }),
];
