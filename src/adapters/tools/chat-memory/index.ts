import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { searchWords } from '../../../core/notes.ts';
import type { HistoryHit, HistoryStore, SessionOf } from '../../../core/ports/history-store.ts';
import type { Identity } from '../../../core/ports/people-store.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../core/ports/tool.ts';

const maxHits = 10;
/** Messages read at a time, so that no one waits long behind a search, and in all. */
const scanned = 100;
const maxScans = 20;
/** Characters of a message around what was found. */
const excerptLength = 400;
const maxKept = 10_000;

interface ChatMemoryDeps {
  store: HistoryStore & { identity(identity: Identity): Promise<{ person: string } | null> };
}

/** The session at hand, and no other: it is named by the call, never by an argument. */
export function chatMemoryTools({ store }: ChatMemoryDeps): ToolGroup {
  return {
    name: 'chat_memory',
    about: 'this conversation: its size, older messages, trimming',
    keywords: [
      'earlier',
      'last time',
      'did i say',
      'i said',
      'told you',
      'conversation',
      'history',
      'chat',
      'früher',
      'vorhin',
      'gesagt',
      'gespräch',
      'verlauf',
      'antes',
      'dije',
      'conversación',
      'historial',
      'disait',
      'ai dit',
      'historique',
    ],
    tools: [
      defineTool({
        name: 'chat_info',
        description: 'How long this conversation is.',
        input: () => z.strictObject({}),
        effects: ['read'],
        role: 'guest',
        async run(_, call) {
          const figures = await store.historyFigures(sessionOf(call));
          if (figures === null || figures.since === null) return { text: 'Nothing was said here before.' };
          const { kept, seen, since } = figures;
          return {
            text: `${seen} messages since ${isoMinute(since)}; ${kept} are stored. Of long conversations you see the newest; chat_search finds the rest.`,
          };
        },
      }),
      defineTool({
        name: 'chat_search',
        description: 'Finds messages of this conversation that hold all words.',
        input: () => z.strictObject({ words: z.string() }),
        effects: ['read'],
        role: 'guest',
        run: ({ words }, call) => search(words, call),
      }),
      defineTool({
        name: 'chat_trim',
        description: 'Forgets all but the latest messages of this conversation.',
        input: () => z.strictObject({ keep: z.int().check(z.minimum(0), z.maximum(maxKept)) }),
        effects: ['write'],
        idempotent: true,
        role: 'guest',
        async run({ keep }, call) {
          const trimmed = await store.trimHistory(sessionOf(call), keep);
          return { text: `${trimmed} messages are out of sight from the next question on; they stay stored.` };
        },
      }),
    ],
  };

  async function search(query: string, call: ToolCall): Promise<ToolOutput> {
    const words = searchWords(query);
    if (words.length === 0) return { text: 'Say at least one word to look for.', isError: true };
    const hits: HistoryHit[] = [];
    let before: number | null | undefined;
    for (let scan = 0; scan < maxScans && before !== null && hits.length < maxHits; scan++) {
      call.signal.throwIfAborted();
      const options = { limit: maxHits - hits.length, scan: scanned, ...(before === undefined ? {} : { before }) };
      const page = await store.searchHistory(sessionOf(call), words, options);
      hits.push(...page.hits);
      before = page.next;
    }
    const lines = hits.map((hit) => `${isoMinute(hit.time)} ${hit.author ?? hit.role}: ${excerptOf(hit.text, words)}`);
    if (hits.length === 0) lines.push('Nothing found.');
    if (before !== null && before !== undefined) lines.push('Older messages, if any, were not searched.');
    const outside = await originOf(hits, call);
    return { text: lines.join('\n'), ...(outside === null ? {} : { outside }) };
  }

  /** What somebody else than the asker wrote must not read like a wish of theirs. */
  async function originOf(hits: readonly HistoryHit[], { person, chatType }: ToolCall): Promise<string | null> {
    const passedOn = hits.find(({ outside }) => outside !== null)?.outside;
    if (passedOn !== undefined && passedOn !== null) return passedOn;
    if (chatType === 'direct') return null;
    const writers = new Set(hits.filter(({ role }) => role === 'user').map(({ by }) => by));
    for (const by of writers) {
      const identity = by === null ? null : identityOf(by);
      if (identity === null || (await store.identity(identity))?.person !== person) return 'group chat';
    }
    return null;
  }
}

/** The session of a group belongs to nobody alone. */
const sessionOf = ({ sessionKey, chatType, person }: ToolCall): SessionOf => ({
  key: sessionKey,
  owner: chatType === 'group' ? null : person,
});

/** `channel:account:native`, of which only the last may hold colons. */
function identityOf(by: string): Identity | null {
  const [, channel, account, native] = /^([^:]+):([^:]+):(.+)$/s.exec(by) ?? [];
  return channel === undefined || account === undefined || native === undefined ? null : { channel, account, native };
}

const isoMinute = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

/** One line around the first of the words; where folding moved it, the beginning. */
function excerptOf(text: string, [word = '']: readonly string[]): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  if (line.length <= excerptLength) return line;
  const at = line.toLowerCase().indexOf(word);
  const from = at < excerptLength / 2 ? 0 : at - excerptLength / 4;
  const end = from + excerptLength < line.length ? '…' : '';
  return `${from > 0 ? '…' : ''}${line.slice(from, from + excerptLength)}${end}`.toWellFormed();
}
