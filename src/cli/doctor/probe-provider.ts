/** Asks a model API for its list of models: proves address, path, key and model without spending a token. */
import type { Dialect } from '../../core/ports/provider.ts';
import type { ProviderOutcome } from './facts.ts';
import { probe } from './probe.ts';

export interface ProviderTarget {
  dialect: Dialect;
  baseUrl: string;
  key: string | null;
  model: string | null;
  headers: Record<string, string>;
}

export interface ProviderReport {
  outcome: ProviderOutcome;
  detail: string;
  clockOffMs: number | null;
}

export async function probeProvider(target: ProviderTarget): Promise<ProviderReport> {
  const { dialect, model } = target;
  if (dialect === 'demo') return { outcome: 'not_asked', detail: '', clockOffMs: null };
  const { url, headers } = modelList(target);
  const result = await probe(url, { ...target.headers, ...headers });
  if ('failure' in result) return { outcome: 'unreachable', detail: result.failure, clockOffMs: null };
  const { answer, body, clockOffMs } = result;
  const names = answer.status === 200 ? modelNames(dialect, body) : null;
  const outcome = names === null ? refusal(answer.status, answer.text) : modelOutcome(dialect, names, model);
  const detail = names === null ? `HTTP ${answer.status}` : `it has ${names.slice(0, 5).join(', ') || 'none'}`;
  return { outcome, detail, clockOffMs };
}

/** https://platform.openai.com/docs/api-reference/models, https://docs.anthropic.com/en/api/models-list, Ollama docs/api.md */
function modelList({ dialect, baseUrl, key }: ProviderTarget): { url: string; headers: Record<string, string> } {
  const base = baseUrl.replace(/\/+$/, '');
  if (dialect === 'ollama') {
    return { url: `${base}/api/tags`, headers: key === null ? {} : { authorization: `Bearer ${key}` } };
  }
  if (dialect === 'anthropic-messages') {
    return {
      url: `${base}/v1/models?limit=1000`,
      headers: { 'anthropic-version': '2023-06-01', ...(key === null ? {} : { 'x-api-key': key }) },
    };
  }
  return { url: `${base}/models`, headers: key === null ? {} : { authorization: `Bearer ${key}` } };
}

/** Null when the body is no list of models, so something else answers there. */
function modelNames(dialect: Dialect, body: unknown): string[] | null {
  const list: unknown = dialect === 'ollama' ? field(body, 'models') : field(body, 'data');
  if (!Array.isArray(list)) return null;
  return list.map((item) => String(field(item, dialect === 'ollama' ? 'name' : 'id')));
}

const field = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;

function modelOutcome(dialect: Dialect, names: readonly string[], model: string | null): ProviderOutcome {
  if (names.length === 0) return dialect === 'ollama' ? 'no_models' : 'ok';
  if (model === null) return 'ok';
  // Ollama lists `name:latest` for what is asked as `name`; Anthropic lists dated names for an alias.
  const known = names.some((name) => name === model || name === `${model}:latest` || name.startsWith(`${model}-20`));
  return known ? 'ok' : 'no_such_model';
}

function refusal(status: number, text: string): ProviderOutcome {
  if (status === 401 || status === 403) return 'unauthorized';
  if (status === 402 || /insufficient_quota|credit balance/i.test(text)) return 'quota';
  if (status === 429) return 'rate_limited';
  return status >= 500 ? 'failing' : 'wrong_path';
}
