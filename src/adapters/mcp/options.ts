import * as z from 'zod/mini';
import {
  choice,
  duration,
  flag,
  headers,
  list,
  named,
  table,
  text,
  variables,
  withDefault,
  type ValueOf,
} from '../../core/fields.ts';
import { isMetadataHost } from '../../core/host.ts';
import { effects } from '../../core/ports/tool.ts';

/** An operator names the address, so a private one is fine; an MCP address may carry a key in its query. */
function urlProblem(value: string): string | null {
  const url = URL.parse(value);
  if (url === null) return 'it is not a URL';
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return 'only http and https are possible';
  if (url.username !== '' || url.password !== '') return 'a user name or password goes into `headers`, not into a URL';
  if (isMetadataHost(url.hostname)) return 'link-local and cloud metadata addresses are never called';
  return null;
}

const effectProblem = (value: string): string | null =>
  effects.some((effect) => effect === value) ? null : `an effect is one of ${effects.join(', ')}`;

const maxAbout = 60;
const aboutProblem = (value: string): string | null =>
  value.length <= maxAbout && !/\n/.test(value) ? null : `it must be one line of at most ${maxAbout} characters`;

const toolPatterns = (about: string) =>
  list(about, 'a list of names as the server has them; `*` stands for any characters', undefined, {
    example: '["browser_*"]',
  });

const server = () =>
  table('One MCP server: a `command` that is run here, or the `url` of one that runs elsewhere.', {
    enabled: withDefault(flag('False: not started, its tools are not there.'), true),
    command: z.optional(
      text('The program to run; it speaks over its standard input and output.', 'the name or path of a program', {
        example: '"npx"',
      }),
    ),
    args: withDefault(
      list('What it is called with.', 'a list of texts', undefined, {
        example: '["-y", "@playwright/mcp", "--headless"]',
      }),
      [],
    ),
    env: withDefault(
      variables(
        'Variables for it. Of the environment of the gateway it gets only PATH, HOME and the like, never a secret.',
      ),
      {},
    ),
    cwd: z.optional(
      text('The folder it runs in.', 'the path of a folder', {
        computed: 'the folder the gateway runs in',
        example: '"/srv/mcp"',
      }),
    ),
    url: z.optional(
      text('The address of a server over HTTP.', 'an http or https URL', {
        check: urlProblem,
        example: '"http://127.0.0.1:8931/mcp"',
      }),
    ),
    headers: withDefault(headers('Sent with every request to `url`, such as `Authorization`.'), {}),
    allow: withDefault(toolPatterns('Tools that may be used.'), ['*']),
    deny: withDefault(toolPatterns('Tools that may not, even when `allow` names them.'), []),
    effects: z.optional(
      list(
        'What each of its tools counts as for approvals. Set it when what a server says about itself must not decide.',
        'a list of "read", "write", "send", "spend", "execute"',
        effectProblem,
        { computed: 'read for tools that say they only read, send and write for all others', example: '["execute"]' },
      ),
    ),
    timeout: withDefault(duration('The longest call of a tool, and the longest start.', '1s', '10m'), '60s'),
    role: withDefault(choice('The least role that may use it.', ['guest', 'member', 'owner']), 'member'),
    about: z.optional(
      text('What it is for; the model reads this to choose.', `one line of at most ${maxAbout} characters`, {
        check: aboutProblem,
        computed: 'the name of the server',
        example: '"a web browser: open, read and fill in pages"',
      }),
    ),
    keywords: withDefault(
      list('Beginnings of words in what a person writes that show the need for it.', 'a list of beginnings of words'),
      [],
    ),
  });

export const mcpOptions = () =>
  table('Servers of the Model Context Protocol.', {
    servers: withDefault(named('Servers whose tools the model may use, as `mcp_NAME__TOOL`.', server()), {}),
  });

export type McpServerOptions = ValueOf<typeof server>;
