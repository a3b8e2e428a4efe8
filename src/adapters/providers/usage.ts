import { estimateRequestTokens, estimateTokens } from '../../core/estimate.ts';
import type { ModelRequest, Usage } from '../../core/ports/provider.ts';

const charactersPerToken = 4;

/** Our own count of one call, for providers that report none and for answers that broke off. */
export function estimateUsage(request: ModelRequest, outputCharacters: number): Usage {
  const tools = request.tools.length === 0 ? 0 : estimateTokens(JSON.stringify(request.tools));
  return {
    input: estimateRequestTokens(request.system, request.messages) + tools,
    cacheRead: 0,
    cacheWrite: 0,
    output: Math.ceil(outputCharacters / charactersPerToken),
    reasoning: 0,
    estimated: true,
  };
}

/** What a provider reported, made ours: `prompt` counts everything read, cached or not. */
export function reportedUsage(report: {
  prompt: number | undefined;
  cacheRead?: number | undefined;
  cacheWrite?: number | undefined;
  output: number | undefined;
  reasoning?: number | undefined;
}): Usage | null {
  const { prompt = 0, cacheRead = 0, cacheWrite = 0, output = 0, reasoning = 0 } = report;
  if (prompt + output === 0) return null;
  return {
    input: Math.max(0, prompt - cacheRead - cacheWrite),
    cacheRead,
    cacheWrite,
    output,
    reasoning,
    estimated: false,
  };
}
