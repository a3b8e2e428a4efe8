import type { Part } from '../../core/message.ts';
import type { Usage } from '../../core/ports/provider.ts';

/** Streamed thinking becomes one part per opaque item, so that signatures stay with their text. */
export function mergeReasoning(pieces: readonly Part[]): Part[] {
  const merged: Extract<Part, { type: 'reasoning' }>[] = [];
  for (const piece of pieces) {
    if (piece.type !== 'reasoning') continue;
    const open = merged.at(-1);
    if (open !== undefined && open.replay === undefined) Object.assign(open, piece, { text: open.text + piece.text });
    else merged.push({ ...piece });
  }
  return merged;
}

/** The tokens of several calls together. */
export function addUsage(sum: Usage | null, more: Usage | null): Usage | null {
  if (sum === null || more === null) return sum ?? more;
  return {
    input: sum.input + more.input,
    cacheRead: sum.cacheRead + more.cacheRead,
    cacheWrite: sum.cacheWrite + more.cacheWrite,
    output: sum.output + more.output,
    reasoning: sum.reasoning + more.reasoning,
    estimated: sum.estimated || more.estimated,
  };
}
