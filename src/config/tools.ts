/** The tools of this version. Each is one line here and one in src/compose/tools.ts. */
import { execTable } from '../adapters/tools/exec/options.ts';
import { filesTable } from '../adapters/tools/files/options.ts';
import { httpClientTable, webSearchTable } from '../adapters/tools/web/options.ts';
import { duration, size, table, withDefault } from '../core/fields.ts';
import { policyTable } from './tool-policy.ts';

export const toolsTable = () =>
  table('What the model may do besides talking.', {
    timeout: withDefault(duration('The longest call of a tool that names no time of its own.', '1s', '10m'), '30s'),
    max_result: withDefault(
      size(
        'What the model reads of a result; the whole of a longer one is kept and can be read in pieces.',
        '1KB',
        '1MB',
      ),
      '32KB',
    ),
    policy: withDefault(policyTable(), {}),
    http_client: withDefault(httpClientTable(), {}),
    web_search: withDefault(webSearchTable(), {}),
    files: withDefault(filesTable(), {}),
    exec: withDefault(execTable(), {}),
  });
