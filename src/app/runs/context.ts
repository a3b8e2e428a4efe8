import type { ModelRequest, RequestMessage, RequestPart } from '../../core/ports/provider.ts';
import type { ClaimedRun } from '../../core/ports/store.ts';
import { repairHistory, window, type TurnPart } from '../../core/repair.ts';

/** What an agent is told and how much of the past it sees. */
export interface AgentSettings {
  systemPrompt: string;
  /** Exchanges of history sent with a request, besides the one at hand. */
  historyWindow: number;
  maxTokens: number | null;
  temperature: number | null;
  /** `provider/model`, or null for the default chain. */
  model: string | null;
  runTimeoutMs: number;
}

/** Messages of the user that a window can need; a question that was not answered is an exchange as well. */
export const historyTurnsOf = (agent: AgentSettings): number => agent.historyWindow + 1;

const maxImages = 8;
const imageTypes = new Set(['image/png', 'image/jpeg', 'image/webp', 'image/gif']);

/** Loads a file of the owner; null when it is gone. */
export type LoadFile = (id: string) => Promise<Uint8Array | null>;

/** The request for a run. The prefix (system prompt, older turns) is byte-stable, so that prompt caches hit. */
export async function requestOf(
  claimed: ClaimedRun,
  agent: AgentSettings,
  loadFile: LoadFile,
): Promise<Omit<ModelRequest, 'model'>> {
  const turns = repairHistory(window(claimed.history, agent.historyWindow));
  const messages: RequestMessage[] = [];
  let images = 0;
  // Newest first, so that when there are too many images the old ones become words.
  for (const turn of turns.toReversed()) {
    const parts: RequestPart[] = [];
    for (const part of turn.parts.toReversed()) {
      const wanted = part.type === 'file' && imageTypes.has(part.mimeType) && images < maxImages;
      const data = wanted ? await loadFile(part.file) : null;
      if (data !== null) images += 1;
      parts.unshift(requestPart(part, data));
    }
    messages.unshift({ role: turn.role, parts });
  }
  return {
    system: agent.systemPrompt,
    messages,
    tools: [],
    ...(agent.maxTokens === null ? {} : { maxOutputTokens: agent.maxTokens }),
    ...(agent.temperature === null ? {} : { temperature: agent.temperature }),
    cacheKey: claimed.session.key,
  };
}

function requestPart(part: TurnPart, data: Uint8Array | null): RequestPart {
  if (part.type !== 'file') return part;
  if (data !== null) return { type: 'image', mimeType: part.mimeType, data };
  return { type: 'text', text: `[attached file: ${part.name ?? part.file}, ${part.mimeType}]` };
}
