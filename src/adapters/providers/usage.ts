import type { ModelRequest, RequestPart, Usage } from '../../core/ports/provider.ts';

/** Rough figures for what no provider counted: four characters a token, a flat price for a picture. */
const charactersPerToken = 4;
const tokensPerImage = 1000;

const tokens = (characters: number): number => Math.ceil(characters / charactersPerToken);

function partTokens(part: RequestPart): number {
  if (part.type === 'image') return tokensPerImage;
  return tokens(part.type === 'tool_call' ? JSON.stringify(part.args).length + part.name.length : part.text.length);
}

/** Our own count of one call, for providers that report none and for answers that broke off. */
export function estimateUsage(request: ModelRequest, outputCharacters: number): Usage {
  let input = tokens(request.system.length);
  for (const message of request.messages) for (const part of message.parts) input += partTokens(part);
  for (const tool of request.tools) input += tokens(JSON.stringify(tool).length);
  return { input, cacheRead: 0, cacheWrite: 0, output: tokens(outputCharacters), reasoning: 0, estimated: true };
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
