import { json, route } from '../route.ts';
import { failure, ok, pageQuery } from '../schemas/base.ts';
import { channels, cleared, dead, deadList, newToken, tokenBody, tokens } from '../schemas/operate.ts';
import { channel } from '../schemas/status.ts';

const defaultPage = 50;
const channelActions = ['start', 'stop', 'pause', 'resume'] as const;
const noLetter = { description: 'No such dead letter.', schema: failure };
const noToken = { description: 'No such token.', schema: failure };

const deadRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/dead',
    summary: 'Messages and tasks that could not be answered, delivered or done.',
    scope: 'read',
    query: pageQuery,
    answers: { 200: { description: 'A page of dead letters.', schema: deadList } },
    async handle({ principal, query, context }) {
      const { items, nextCursor } = await context.gateway.dead(principal, { limit: defaultPage, ...query });
      return json({ dead: items, next_cursor: nextCursor });
    },
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/dead',
    summary: 'Clear all dead letters.',
    scope: 'manage',
    answers: { 200: { description: 'How many.', schema: cleared } },
    handle: async ({ principal, context }) => json({ cleared: await context.gateway.clearDead(principal) }),
  }),
  route({
    method: 'GET',
    path: '/api/v1/dead/{id}',
    summary: 'One dead letter.',
    scope: 'read',
    answers: { 200: { description: 'The letter.', schema: dead }, 404: noLetter },
    handle: async ({ principal, params, context }) => json(await context.gateway.deadLetter(principal, params.id)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/dead/{id}',
    summary: 'Clear one dead letter.',
    scope: 'manage',
    answers: { 200: { description: 'How many.', schema: cleared }, 404: noLetter },
    handle: async ({ principal, params, context }) =>
      json({ cleared: await context.gateway.clearDead(principal, params.id) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/dead/{id}/retry',
    summary: 'Try it again with fresh attempts.',
    scope: 'manage',
    answers: { 200: { description: 'It is queued.', schema: ok }, 404: noLetter },
    async handle({ principal, params, context }) {
      await context.gateway.retryDead(principal, params.id);
      return json({ ok: true });
    },
  }),
];

const tokenRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/tokens',
    summary: 'Tokens, without their secrets.',
    scope: 'read',
    answers: { 200: { description: 'The tokens.', schema: tokens } },
    handle: async ({ principal, context }) => json({ tokens: await context.gateway.tokens(principal) }),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens',
    summary: 'Create a token; its secret is shown only here.',
    scope: 'admin',
    body: tokenBody,
    answers: { 201: { description: 'The token.', schema: newToken } },
    handle: async ({ principal, body, context }) => json(await context.gateway.createToken(principal, body), 201),
  }),
  route({
    method: 'POST',
    path: '/api/v1/tokens/{id}/rotate',
    summary: 'Replace the secret; the old one is refused at once.',
    scope: 'admin',
    answers: { 200: { description: 'The token.', schema: newToken }, 404: noToken },
    handle: async ({ principal, params, context }) => json(await context.gateway.rotateToken(principal, params.id)),
  }),
  route({
    method: 'DELETE',
    path: '/api/v1/tokens/{id}',
    summary: 'Revoke a token; its sockets close within a second.',
    scope: 'admin',
    answers: { 200: { description: 'It is revoked.', schema: ok }, 404: noToken },
    async handle({ principal, params, context }) {
      await context.gateway.revokeToken(principal, params.id);
      return json({ ok: true });
    },
  }),
];

const channelRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/channels',
    summary: 'Channels and how they do.',
    scope: 'read',
    answers: { 200: { description: 'The channels.', schema: channels } },
    handle: async ({ context }) => json({ channels: (await context.gateway.status()).channels }),
  }),
  ...channelActions.map((action) =>
    route({
      method: 'POST',
      path: `/api/v1/channels/{id}/${action}`,
      summary: `${action[0]?.toUpperCase()}${action.slice(1)} a channel account.`,
      scope: 'manage',
      answers: {
        200: { description: 'Its state.', schema: channel },
        404: { description: 'No such channel.', schema: failure },
      },
      handle: async ({ principal, params, context }) =>
        json(await context.gateway.channelAction(principal, params.id, action)),
    }),
  ),
];

/** What an operator does to the running gateway. */
export const operateRoutes = [...deadRoutes, ...tokenRoutes, ...channelRoutes];
