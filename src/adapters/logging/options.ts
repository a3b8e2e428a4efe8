import * as z from 'zod/mini';
import { choice, integer, size, table, text, withDefault } from '../../core/fields.ts';

export const loggingOptions = () =>
  table('What is logged, how and where.', {
    level: withDefault(
      choice('The least important line that is still written.', ['trace', 'debug', 'info', 'warn', 'error']),
      'info',
    ),
    format: z.optional(
      choice('How a line looks.', ['json', 'logfmt', 'pretty'], {
        computed: 'pretty on a terminal, else json',
        example: '"json"',
      }),
    ),
    output: withDefault(
      choice('Where lines go. `journald` is stdout with priorities, `syslog` is RFC 5424 over UDP.', [
        'stdout',
        'journald',
        'syslog',
        'file',
      ]),
      'stdout',
    ),
    service: withDefault(text('The field `service` of every line.', 'a name'), 'open-clanker'),
    file: z.optional(
      text('The file of output `file`. A relative path starts at the data directory.', 'the path of a file', {
        computed: '<data>/open-clanker.log',
        example: '"open-clanker.log"',
      }),
    ),
    rotation: withDefault(
      table('Of output `file`.', {
        max_size: withDefault(size('A file that would grow past this is rotated.', '64KB', '1GB'), '10MB'),
        keep: withDefault(integer('Rotated files that are kept; older ones are removed.', 0, 100), 5),
      }),
      {},
    ),
    syslog: withDefault(
      table('Of output `syslog`.', {
        host: withDefault(text('The collector.', 'an IP address or a host name'), '127.0.0.1'),
        port: withDefault(integer('Its UDP port.', 1, 65_535), 514),
      }),
      {},
    ),
  });
