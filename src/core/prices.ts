/**
 * What a model call costs. The table is a small snapshot of published list prices, so that cost shows up without any
 * set-up; prices in the configuration win. A price that is not known is null, never 0: an unknown cost must not look
 * like a free one.
 */
import type { Usage } from './ports/provider.ts';

/** US dollars per million tokens. */
export interface Prices {
  input: number;
  /** Tokens a cache served; the input price where the provider has no price of its own. */
  cacheRead: number;
  /** Tokens written to a cache; the input price where writing costs nothing extra. */
  cacheWrite: number;
  output: number;
}

const million = 1_000_000;

const price = (input: number, output: number, cacheRead: number, cacheWrite = input): Prices => ({
  input,
  cacheRead,
  cacheWrite,
  output,
});

/** What nobody bills. */
export const freeOfCharge: Prices = price(0, 0, 0);

/** When the list prices were looked up: year and month. */
export const pricesAsOf = '2026-01';

/**
 * Published list prices, by the host that bills and the model: whoever updates them reads the vendors' own pages
 * (openai.com/api/pricing, claude.com/pricing, ai.google.dev/pricing), and sets `pricesAsOf`.
 * Models whose price depends on the length of the prompt are left out: an unknown cost is better than a wrong one.
 */
const listPrices: ReadonlyMap<string, Prices> = new Map(
  Object.entries({
    'api.openai.com/gpt-5.2': price(1.75, 14, 0.175),
    'api.openai.com/gpt-5.1': price(1.25, 10, 0.125),
    'api.openai.com/gpt-5': price(1.25, 10, 0.125),
    'api.openai.com/gpt-5-mini': price(0.25, 2, 0.025),
    'api.openai.com/gpt-5-nano': price(0.05, 0.4, 0.005),
    'api.openai.com/gpt-4.1': price(2, 8, 0.5),
    'api.openai.com/gpt-4.1-mini': price(0.4, 1.6, 0.1),
    'api.openai.com/gpt-4.1-nano': price(0.1, 0.4, 0.025),
    'api.openai.com/gpt-4o': price(2.5, 10, 1.25),
    'api.openai.com/gpt-4o-2024-05-13': price(5, 15, 5),
    'api.openai.com/gpt-4o-mini': price(0.15, 0.6, 0.075),
    'api.openai.com/o4-mini': price(1.1, 4.4, 0.275),
    'api.openai.com/o3': price(2, 8, 0.5),
    'api.anthropic.com/claude-opus-4-5': price(5, 25, 0.5, 6.25),
    'api.anthropic.com/claude-opus-4-1': price(15, 75, 1.5, 18.75),
    'api.anthropic.com/claude-sonnet-4-5': price(3, 15, 0.3, 3.75),
    'api.anthropic.com/claude-sonnet-4': price(3, 15, 0.3, 3.75),
    'api.anthropic.com/claude-haiku-4-5': price(1, 5, 0.1, 1.25),
    'api.anthropic.com/claude-3-5-haiku': price(0.8, 4, 0.08, 1),
    'generativelanguage.googleapis.com/gemini-2.5-flash': price(0.3, 2.5, 0.03),
    'generativelanguage.googleapis.com/gemini-2.5-flash-lite': price(0.1, 0.4, 0.01),
  }),
);

/** What follows a model's name in the name of one of its snapshots: `-2025-08-07`, `-20250929`, `-latest`. */
const snapshot = /-(\d{4}-\d{2}-\d{2}|\d{8}|latest)$/;

/** The list price of a model at the vendor behind `baseUrl`, or null for any other host or model. */
export function listPrice(baseUrl: string, model: string): Prices | null {
  const host = URL.parse(baseUrl)?.hostname ?? '';
  return listPrices.get(`${host}/${model}`) ?? listPrices.get(`${host}/${model.replace(snapshot, '')}`) ?? null;
}

/** US dollars of one call, or null when the price is unknown. */
export function costOf(usage: Usage, prices: Prices | null): number | null {
  if (prices === null) return null;
  const { input, cacheRead, cacheWrite, output } = usage;
  const total =
    input * prices.input + cacheRead * prices.cacheRead + cacheWrite * prices.cacheWrite + output * prices.output;
  return total / million;
}
