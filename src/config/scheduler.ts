/** Jobs, and the tasks that they and others begin. */
import * as z from 'zod/mini';
import { choreTime, defaultChores, type ChoreName } from '../core/chores.ts';
import { duration, flag, integer, table, text, withDefault } from '../core/fields.ts';
import { timeZoneOf } from '../core/preferences.ts';

const chore = (name: ChoreName, about: string) =>
  withDefault(
    text(about, '"off", an interval such as "1h" (at least "1m"), or a cron expression such as "30 3 * * *"', {
      check(written) {
        try {
          choreTime(written);
          return null;
        } catch {
          return 'it is none of these';
        }
      },
    }),
    defaultChores[name],
  );

const choresTable = () =>
  table("The gateway's own recurring work, listed among the jobs of the owner: when each part is due.", {
    retention: chore('retention', 'What `[sessions.retention]` has outlived is removed.'),
    files: chore('files', 'Stored files that nothing names any more are removed.'),
    sessions: chore('sessions', 'Sessions past `sessions.max_age` begin anew, long histories lose their oldest.'),
    upkeep: chore('upkeep', 'Idempotency keys, refused messages, codes and expired notes are forgotten.'),
    forget: chore('forget', 'Tasks that are over for longer than `tasks.retention` are forgotten.'),
    backup: chore('backup', 'A backup is written, see `[backup]`.'),
    vacuum: chore('vacuum', 'The database gives free space back to the disk.'),
    caches: chore('caches', 'Rests of models that are over are forgotten.'),
    health: chore('health', 'Database, disk, models and channels are looked at; a change is told.'),
  });

export const schedulerTable = () =>
  table('Jobs: what is done at its time.', {
    enabled: withDefault(flag('Whether jobs run. Without it they are kept, and nothing is due.'), true),
    time_zone: z.optional(
      text('The clock of people who did not say theirs.', 'the name of a time zone such as "Europe/Berlin"', {
        check: (name) => (timeZoneOf(name) === null ? 'there is no such time zone' : null),
        computed: 'that of the machine',
        example: '"Europe/Berlin"',
      }),
    ),
    max_jobs: withDefault(integer('Jobs of a person that are not over.', 0, 100_000), 100),
    min_interval: withDefault(
      duration(
        'The shortest time between two runs of a job made in a chat; by API and terminal it is 1 s.',
        '1s',
        '7d',
      ),
      '1m',
    ),
    grace: withDefault(
      duration('How late a run may begin and still be on time for jobs that skip what was missed.', '0s', '1h'),
      '10s',
    ),
    max_lateness: withDefault(
      duration('How late a recurring job is made up for that does not say so itself; what is later is missed.', '1s'),
      '1d',
    ),
    poll_interval: withDefault(
      duration('The longest time between two looks at the clock on the wall, which may be moved.', '100ms', '60s'),
      '30s',
    ),
    chores: withDefault(choresTable(), {}),
  });

const limit = (of: string) => z.optional(integer(of, 1, 100, { example: '1' }));

export const tasksTable = () =>
  table('Work in the background: what jobs begin, and what is asked to be done later.', {
    concurrency: withDefault(integer('Tasks at work at once.', 1, 100), 4),
    per_person: withDefault(integer('Of these, for one person.', 1, 100), 2),
    kinds: withDefault(
      table('How many tasks of one kind are at work at once; of the others as many as `[tasks]` lets.', {
        ask: limit('Questions to the agent.'),
        tool: limit('Calls of a tool.'),
        fetch: limit('Pages that are fetched.'),
        lookup: limit('Searches in notes and files.'),
        webhook: limit('Posts to webhooks.'),
        file: limit('Files that are made.'),
        workflow: limit('Workflows.'),
      }),
      {},
    ),
    max_open: withDefault(integer('Tasks of a person that wait or are at work.', 1, 100_000), 200),
    retries: withDefault(integer('Attempts after the first, where a failure may pass.', 0, 10), 3),
    timeout: withDefault(duration('How long one attempt may take.', '1s', '24h'), '10m'),
    lease: withDefault(
      duration('How long a task is held without a sign of life of who is at work on it.', '3s', '10m'),
      '60s',
    ),
    retention: withDefault(duration('How long what is over is kept.', '1h', null), '24d'),
  });
