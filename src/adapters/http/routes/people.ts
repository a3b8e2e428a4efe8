import { json, route } from '../route.ts';
import { failure, pageQuery } from '../schemas/base.ts';
import {
  approveBody,
  linkCode,
  pairingDecision,
  pairings,
  people,
  person,
  personDetail,
  rejectBody,
  roleBody,
  unlinkBody,
} from '../schemas/people.ts';

const defaultPage = 50;
const noPerson = { description: 'No such person.', schema: failure };
const noRequest = { description: 'Nobody who asked has this code.', schema: failure };
const tooMany = { description: 'Too many wrong codes.', schema: failure };

/** Who people are, and who may come in. */
export const peopleRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/people',
    summary: 'The people: with `admin` all, else oneself.',
    scope: 'read',
    query: pageQuery,
    answers: { 200: { description: 'A page of people.', schema: people } },
    async handle({ principal, query, context }) {
      const { items, nextCursor } = await context.gateway.people(principal, { limit: defaultPage, ...query });
      return json({ people: items, next_cursor: nextCursor });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/people/{id}',
    summary: 'One person, and where they talk to us.',
    scope: 'read',
    answers: { 200: { description: 'The person.', schema: personDetail }, 404: noPerson },
    handle: async ({ principal, params, context }) => json(await context.gateway.person(principal, params.id)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/role',
    summary: 'Give a person a role; in force with their next message.',
    scope: 'admin',
    body: roleBody,
    answers: {
      200: { description: 'The person.', schema: person },
      404: noPerson,
      409: { description: 'The person "owner" stays one.', schema: failure },
    },
    handle: async ({ principal, params, body, context }) =>
      json(await context.gateway.setRole(principal, params.id, body.role)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/link',
    summary: 'A code for one hour: who sends it as `/pair CODE` in a direct chat becomes this person.',
    scope: 'admin',
    answers: { 201: { description: 'The code.', schema: linkCode }, 404: noPerson },
    handle: async ({ principal, params, context }) => json(await context.gateway.linkPerson(principal, params.id), 201),
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/unlink',
    summary: 'Undo a link: the identity is a person of its own again, a guest whom nobody let in.',
    scope: 'admin',
    body: unlinkBody,
    answers: { 200: { description: 'Who the identity is now.', schema: person }, 404: noPerson },
    handle: async ({ principal, params, body, context }) =>
      json(await context.gateway.unlinkPerson(principal, params.id, body)),
  }),
  route({
    method: 'GET',
    path: '/api/v1/pairing',
    summary:
      'Who waits to be let in (with `manage`), without the codes, and who was let in (with `admin`, else oneself).',
    scope: 'read',
    answers: { 200: { description: 'Requests and admissions.', schema: pairings } },
    handle: async ({ principal, context }) => json(await context.gateway.pairings(principal)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/pairing/approve',
    summary: 'Let somebody in, by the code they were shown or the id of their request.',
    scope: 'manage',
    body: approveBody,
    answers: {
      200: { description: 'They are in.', schema: pairingDecision },
      404: noRequest,
      409: { description: 'The code has expired, or the request was rejected.', schema: failure },
      429: tooMany,
    },
    handle: async ({ principal, body, context }) => json(await context.gateway.approvePairing(principal, body)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/pairing/reject',
    summary: 'Turn a request down, or take back that somebody was let in.',
    scope: 'manage',
    body: rejectBody,
    answers: { 200: { description: 'They are out.', schema: pairingDecision }, 404: noRequest, 429: tooMany },
    handle: async ({ principal, body, context }) => json(await context.gateway.rejectPairing(principal, body)),
  }),
];
