import type { ProviderConfig, ProviderError } from '../../../core/ports/provider.ts';

/** How one server wants to be asked. Learned while the gateway runs, as compatible servers take what they take. */
export interface ChatStyle {
  /** Who it is: thinking and signatures go back only to whom they came from. */
  provider: string;
  /** What it calls the limit of an answer. */
  limit: 'max_tokens' | 'max_completion_tokens';
  /** Whether it may be asked to count at the end of a stream. */
  usage: boolean;
  /** Whether it takes a key for its prompt cache. */
  cacheKey: boolean;
  /** Whether it takes only ids of calls like its own: nine letters or digits. */
  shortIds: boolean;
  /** Whether it wants thinking in the messages of others, too; empty will do. */
  thoughts: boolean;
  /** Whether it wants a signature in the calls of others, too. */
  signatures: boolean;
}

/** OpenAI's own API takes its newer fields; compatible servers first get neither those nor what a strict one refuses. */
export function firstStyle({ id, baseUrl }: ProviderConfig): ChatStyle {
  const official = URL.parse(baseUrl)?.hostname === 'api.openai.com';
  const limit = official ? 'max_completion_tokens' : 'max_tokens';
  const lax = { usage: true, shortIds: false, thoughts: false, signatures: false };
  return { provider: id, limit, cacheKey: official, ...lax };
}

/**
 * A refusal that says how to ask better is marked as mended, and `style` is changed: Mistral's API knows no
 * `stream_options` (it counts unasked), its models no ids of calls that others made; Azure's newer models no
 * `max_tokens`; DeepSeek and Gemini miss what only their own messages have. `asked` is the style of the request that was
 * refused, as others may have learned the same meanwhile.
 */
export function learnFrom(error: ProviderError, asked: ChatStyle, style: ChatStyle): ProviderError {
  const { kind, detail } = error;
  if (kind !== 'invalid_request' && kind !== 'server') return error;
  if (asked.usage && /stream_options|include_usage/.test(detail)) style.usage = false;
  else if (asked.limit === 'max_tokens' && /max_completion_tokens/.test(detail)) style.limit = 'max_completion_tokens';
  else if (!asked.shortIds && /length of 9\b/.test(detail)) style.shortIds = true;
  else if (!asked.thoughts && /missing \W?reasoning_content|reasoning_content\b.* must be passed/i.test(detail))
    style.thoughts = true;
  else if (!asked.signatures && /missing a thought_signature/i.test(detail)) style.signatures = true;
  else return error;
  return { ...error, mended: true };
}
