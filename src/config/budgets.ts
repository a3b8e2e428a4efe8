/** What may be spent on models. */
import * as z from 'zod/mini';
import { maxLimitUsd } from '../core/budget.ts';
import { integer, named, number, table, withDefault, type ValueOf } from '../core/fields.ts';

const most = 1_000_000_000_000;
const usd = (of: string) => z.optional(number(`US dollars ${of}.`, 0, maxLimitUsd, { example: '1.00' }));
const tokens = (of: string) => z.optional(integer(`Tokens ${of}, read and written.`, 0, most, { example: '200000' }));

const limits = (about: string) =>
  table(about, {
    usd_day: usd('a day (UTC)'),
    usd_month: usd('a month (UTC)'),
    tokens_day: tokens('a day (UTC)'),
    tokens_month: tokens('a month (UTC)'),
  });

export const budgetsTable = () =>
  table(
    'What may be spent on models. A limit is reserved for before a model is asked, so that parallel answers cannot overrun it; what has none is not limited.',
    {
      total: withDefault(limits('All together.'), {}),
      owner: withDefault(limits('Each person with the role owner; `people budget` sets what differs for one.'), {}),
      member: withDefault(limits('Each member.'), {}),
      guest: withDefault(limits('Each guest.'), {}),
      job: withDefault(limits('Each job, in what it asks; `channels.job` is for all of them together.'), {}),
      channels: withDefault(
        named(
          'All together on one channel, such as `telegram`, `api` for API clients, or `job` for what jobs ask.',
          limits('One channel.'),
        ),
        {},
      ),
    },
  );

export type LimitOptions = ValueOf<typeof limits>;
