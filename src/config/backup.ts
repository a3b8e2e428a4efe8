/** The backups that the gateway makes by itself. */
import * as z from 'zod/mini';
import { integer, table, text, withDefault } from '../core/fields.ts';

export const backupTable = () =>
  table('The backups that the gateway makes by itself; when, says `scheduler.chores.backup`.', {
    folder: z.optional(
      text('Where to. A relative path starts at the data directory.', 'the path of a folder', {
        computed: '<data>/backups',
        example: '"/mnt/other-disk/open-clanker"',
        check: (path) => (path.includes('\0') ? 'a path cannot hold NUL' : null),
      }),
    ),
    keep: withDefault(integer('How many are kept; the oldest go.', 1, 1000), 3),
  });
