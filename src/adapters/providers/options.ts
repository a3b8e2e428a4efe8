import * as z from 'zod/mini';
import {
  baseUrl,
  choice,
  duration,
  headers,
  integer,
  list,
  number,
  secret,
  secretFile,
  table,
  tableWithNamed,
  text,
  withDefault,
  type ValueOf,
} from '../../core/fields.ts';
import { isPrivateHost } from '../../core/host.ts';
import type { Dialect } from '../../core/ports/provider.ts';

const dialects = [
  'openai-chat',
  'openai-responses',
  'anthropic-messages',
  'ollama',
  'demo',
  'plugin',
] as const satisfies Dialect[];

const price = (about: string) => z.optional(number(about, 0, 1_000_000, { example: '1.25' }));

const prices = () =>
  table('US dollars per million tokens; without prices a cost is unknown, never guessed.', {
    input: price('Input that no cache served.'),
    output: price('Output, reasoning included.'),
    cache_read: price('Input served from the cache; the price of `input` when absent.'),
    cache_write: price('Input written to the cache; the price of `input` when absent.'),
  });

const name = (value: string): string | null =>
  /^[A-Za-z_][A-Za-z0-9_]*$/.test(value)
    ? null
    : 'it is not a name of an environment variable (the key itself goes into api_key)';

const provider = () =>
  table('One model API.', {
    api: withDefault(
      choice('The dialect it speaks; `plugin`: the plugin of the same name is the provider.', dialects, {
        computed: 'by name; `openai-chat` for a compatible server',
      }),
      'openai-chat',
    ),
    base_url: z.optional(
      baseUrl('Where it is: what stands before `/chat/completions`, `/responses`, `/v1/messages` or `/api/chat`.', {
        computed: 'by name; required for a compatible server',
        example: '"http://127.0.0.1:8080/v1"',
      }),
    ),
    api_key: z.optional(secret('Its key.', { example: '"${OPENAI_API_KEY}"' })),
    api_key_env: z.optional(
      text('The environment variable that holds the key.', 'the name of an environment variable', {
        check: name,
        example: '"WORK_OPENAI_KEY"',
      }),
    ),
    api_key_file: z.optional(secretFile('api_key')),
    model: z.optional(
      text('The model that is meant when only the provider is named.', 'the name of a model', {
        computed: 'by name; a compatible server has none',
        example: '"gpt-5-mini"',
      }),
    ),
    context_window: z.optional(
      integer('Tokens that its models take, prompt and answer together.', 1024, 10_000_000, {
        computed: '8192 for Ollama, which is told; else not known',
        example: '131072',
      }),
    ),
    max_concurrency: withDefault(integer('Requests at once; more wait in the queue.', 1, 10_000), 16),
    headers_timeout: z.optional(
      duration('How long it may take to accept a request.', '100ms', '1h', {
        computed: '30s, local 300s',
        example: '"30s"',
      }),
    ),
    first_output_timeout: z.optional(
      duration('How long until the first piece of an answer.', '100ms', '1h', {
        computed: '120s, local 300s',
        example: '"120s"',
      }),
    ),
    idle_timeout: z.optional(
      duration('The longest silence inside an answer.', '100ms', '1h', {
        computed: '60s, local 120s',
        example: '"60s"',
      }),
    ),
    prices: z.optional(prices()),
    headers: z.optional(headers('Sent with every request, such as OpenAI-Organization.')),
  });

export type ProviderOptions = ValueOf<typeof provider>;

interface ProviderDefault {
  api: Dialect;
  base_url: string;
  model: string;
}

/** What a provider is when only its name is known: the one table of default models. */
export const providerDefaults: Readonly<Record<string, ProviderDefault>> = {
  openai: { api: 'openai-chat', base_url: 'https://api.openai.com/v1', model: 'gpt-5-mini' },
  anthropic: { api: 'anthropic-messages', base_url: 'https://api.anthropic.com', model: 'claude-sonnet-4-5' },
  ollama: { api: 'ollama', base_url: 'http://127.0.0.1:11434', model: 'llama3.2' },
  demo: { api: 'demo', base_url: 'http://127.0.0.1', model: 'demo' },
};

const cloudClocks = { headers_timeout: '30s', first_output_timeout: '120s', idle_timeout: '60s' };
/** A local server loads its model first, which takes minutes, and shares the machine. */
const localClocks = { headers_timeout: '300s', first_output_timeout: '300s', idle_timeout: '120s' };

/** The defaults of a provider as they would be written, by its name and by whether its server is local. */
export function providerDefaultsFor(
  name: string,
  written: { api?: unknown; base_url?: unknown },
): Record<string, string> {
  const known = Object.hasOwn(providerDefaults, name) ? providerDefaults[name] : undefined;
  // A plugin knows by itself where its model is.
  if (written.api === 'plugin') return { base_url: 'http://127.0.0.1', ...localClocks };
  const baseUrl = written.base_url ?? known?.base_url;
  const url = typeof baseUrl === 'string' ? URL.parse(baseUrl) : null;
  const local = (written.api ?? known?.api) === 'ollama' || (url !== null && isPrivateHost(url.hostname));
  return { ...known, ...(local ? localClocks : cloudClocks) };
}

const reference = 'a provider name or "provider/model" ("default" and "fallback" are no provider names)';

export const providersOptions = () =>
  tableWithNamed(
    'The model APIs. `openai`, `anthropic`, `ollama` and `demo` have defaults; any other name is a compatible server.',
    {
      default: z.optional(
        text('What answers unless a session or an agent says otherwise.', reference, {
          computed: 'the first of openai, anthropic, ollama that is there, else demo',
          example: '"openai/gpt-5-mini"',
        }),
      ),
      fallback: withDefault(list('Tried in this order when the default fails.', `a list of ${reference}`), []),
    },
    provider(),
  );
