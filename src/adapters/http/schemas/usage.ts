/** Shapes of the wire about what models were used for, what may be spent, and how people want to be served. */
import * as z from 'zod/mini';
import { limitNames, maxLimitUsd, type BudgetLine, type Limits } from '../../../core/budget.ts';
import type { PersonBudget, UsageLine } from '../../../core/ports/gateway.ts';
import type { SettingName, Settings } from '../../../core/preferences.ts';
import { id, nullable, number, type Wire } from './base.ts';

const days = number(/^(?:[1-9]|[1-9]\d|[12]\d\d|3[0-5]\d|36[0-6])$/, '1 to 366');
/** Of a type, such as `telegram`, or `api`. */
const channelType = z.string().check(z.regex(/^[a-z][a-z0-9_-]{0,31}$/, 'must be like "telegram", or "api"'));
export const usageQuery = () =>
  z.strictObject({
    days: z.exactOptional(days),
    person: z.exactOptional(id),
    channel: z.exactOptional(channelType),
  });

const usageLine = () =>
  z.strictObject({
    day: z.string(),
    person: z.string(),
    provider: z.string(),
    model: z.string(),
    calls: z.number(),
    input: z.number(),
    cacheRead: z.number(),
    cacheWrite: z.number(),
    output: z.number(),
    cost: nullable(z.number()),
    unpriced: z.number(),
  } satisfies Record<keyof UsageLine, unknown>);

const budgetLine = () =>
  z.strictObject({
    account: z.string(),
    period: z.enum(['day', 'month']),
    unit: z.enum(['usd', 'tokens']),
    limit: z.number(),
    spent: z.number(),
    reserved: z.number(),
    left: z.number(),
    renewsAt: z.number(),
  } satisfies Record<keyof BudgetLine, unknown>);

/** `prices_as_of`: when the built-in prices were looked up. */
export const usage = () =>
  z.strictObject({
    usage: z.array(usageLine()),
    budgets: z.array(budgetLine()),
    prices_as_of: z.string(),
  });

/** The names of limits on the wire. */
const wireNames = {
  usdDay: 'usd_day',
  usdMonth: 'usd_month',
  tokensDay: 'tokens_day',
  tokensMonth: 'tokens_month',
} as const satisfies Record<keyof Limits, string>;

const maxLimitTokens = 1_000_000_000_000;
const takenBack = z.literal('default');
const usdLimit = z.exactOptional(
  z.union([z.number().check(z.minimum(0), z.maximum(maxLimitUsd)), z.null(), takenBack]),
);
const tokenLimit = z.exactOptional(
  z.union([z.int().check(z.minimum(0), z.maximum(maxLimitTokens)), z.null(), takenBack]),
);
/** A number is a limit, null none, `default` that of the role; what is not named stays. */
export const budgetBody = () =>
  z.strictObject({
    usd_day: usdLimit,
    usd_month: usdLimit,
    tokens_day: tokenLimit,
    tokens_month: tokenLimit,
  });

export const changeOf = (body: Wire<typeof budgetBody>): { [K in keyof Limits]?: number | null | 'default' } =>
  Object.fromEntries(
    limitNames.flatMap((name) => {
      const value = body[wireNames[name]];
      return value === undefined ? [] : [[name, value]];
    }),
  );

const limits = () =>
  z.strictObject({
    usd_day: z.optional(nullable(z.number())),
    usd_month: z.optional(nullable(z.number())),
    tokens_day: z.optional(nullable(z.number())),
    tokens_month: z.optional(nullable(z.number())),
  });
/** `own` is what differs from the limits of the role. */
export const personBudget = () => z.strictObject({ limits: limits(), own: limits(), budgets: z.array(budgetLine()) });

const wireLimits = (of: Partial<Limits>): Wire<typeof limits> =>
  Object.fromEntries(limitNames.filter((name) => of[name] !== undefined).map((name) => [wireNames[name], of[name]]));

export const personBudgetOf = ({ limits, own, budgets }: PersonBudget): Wire<typeof personBudget> => ({
  limits: wireLimits(limits),
  own: wireLimits(own),
  budgets,
});

const text = z.exactOptional(nullable(z.string().check(z.minLength(1), z.maxLength(200))));
/** Null takes a setting back; what is not named stays. */
export const settingsBody = () =>
  z.strictObject({
    language: text,
    model: text,
    time_zone: text,
    quiet_hours: text,
    notices: z.exactOptional(z.boolean()),
  } satisfies Record<SettingName, unknown>);
export const settings = () =>
  z.strictObject({
    language: nullable(z.string()),
    model: nullable(z.string()),
    time_zone: nullable(z.string()),
    quiet_hours: nullable(z.string()),
    notices: z.boolean(),
  } satisfies Record<keyof Settings, unknown>);
