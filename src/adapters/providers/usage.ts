import type { Usage } from '../../core/ports/provider.ts';

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
