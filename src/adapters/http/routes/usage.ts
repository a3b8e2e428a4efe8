import { pricesAsOf } from '../../../core/prices.ts';
import { json, route } from '../route.ts';
import { failure } from '../schemas/base.ts';
import {
  budgetBody,
  changeOf,
  personBudget,
  personBudgetOf,
  settings,
  settingsBody,
  usage,
  usageQuery,
} from '../schemas/usage.ts';

const defaultUsageDays = 30;
const noPerson = { description: 'No such person.', schema: failure };

/** What models were used for, what may be spent, and how people want to be served. */
export const usageRoutes = [
  route({
    method: 'GET',
    path: '/api/v1/usage',
    summary: 'Model usage by day, person and model, and what is left: of oneself, with `admin` of everybody.',
    scope: 'read',
    query: usageQuery,
    answers: {
      200: { description: 'One line per day, person, provider and model, and the limits.', schema: usage },
      404: noPerson,
    },
    async handle({ principal, query, context }) {
      const { days = defaultUsageDays, ...of } = query;
      const lines = await context.gateway.usage(principal, { days, ...of });
      const budgets = await context.gateway.budgets(principal, query.person);
      return json({ usage: lines, budgets, prices_as_of: pricesAsOf });
    },
  }),
  route({
    method: 'GET',
    path: '/api/v1/people/{id}/budget',
    summary: 'What a person may spend on models, and what is left of it.',
    scope: 'read',
    answers: { 200: { description: 'The limits and how they stand.', schema: personBudget }, 404: noPerson },
    handle: async ({ principal, params, context }) =>
      json(personBudgetOf(await context.gateway.personBudget(principal, params.id))),
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/budget',
    summary: 'Give a person other limits than their role has; in force with the next call.',
    scope: 'admin',
    body: budgetBody,
    answers: {
      200: { description: 'The limits and how they stand.', schema: personBudget },
      404: noPerson,
      409: { description: 'Too many people have limits of their own.', schema: failure },
    },
    handle: async ({ principal, params, body, context }) =>
      json(personBudgetOf(await context.gateway.setPersonBudget(principal, params.id, changeOf(body)))),
  }),
  route({
    method: 'GET',
    path: '/api/v1/people/{id}/preferences',
    summary: 'How a person wants to be served.',
    scope: 'read',
    answers: { 200: { description: 'The preferences.', schema: settings }, 404: noPerson },
    handle: async ({ principal, params, context }) => json(await context.gateway.settings(principal, params.id)),
  }),
  route({
    method: 'POST',
    path: '/api/v1/people/{id}/preferences',
    summary: 'Change how a person wants to be served: oneself, with `admin` anybody.',
    scope: 'send',
    body: settingsBody,
    answers: {
      200: { description: 'The preferences.', schema: settings },
      400: { description: 'A value is not understood; the message says how it is written.', schema: failure },
      404: noPerson,
    },
    handle: async ({ principal, params, body, context }) =>
      json(await context.gateway.setSettings(principal, params.id, body)),
  }),
];
