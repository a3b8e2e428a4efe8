import { duration, flag, integer, size, table, withDefault } from '../../../core/fields.ts';

export const execTable = () =>
  table(
    'Programs that the model may run, in a sandbox without network (bubblewrap, Linux only); each call is asked for.',
    {
      enabled: withDefault(flag('Whether there is such a tool.'), false),
      writable: withDefault(flag("Programs may change the person's files; else they only read them."), false),
      timeout: withDefault(duration('The longest run of a program.', '1s', '10m'), '30s'),
      memory: withDefault(size('What a program, and all it starts together, may use.', '16MB', '64GB'), '512MB'),
      processes: withDefault(integer('Processes and threads at a time.', 1, 4096), 64),
      max_output: withDefault(size('What is kept of the output: its beginning and its end.', '1KB', '1MB'), '64KB'),
    },
  );
