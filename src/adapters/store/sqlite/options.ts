import * as z from 'zod/mini';
import { table, text } from '../../../core/fields.ts';

export const databaseOptions = () =>
  table('Where everything is kept.', {
    path: z.optional(
      text('The SQLite file. A relative path starts at the data directory.', 'the path of a file', {
        computed: '<data>/open-clanker.db',
        example: '"open-clanker.db"',
        check: (path) => (path.includes('\0') ? 'a path cannot hold NUL' : null),
      }),
    ),
  });
