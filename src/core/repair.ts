/**
 * Stored history → the turns of a request that every provider accepts, whatever a crash, an abort, a window or a
 * deletion left of it. History itself is append-only and never changed. What comes out:
 * - the first turn is the user's, the last the user's or tool results, and roles alternate
 *   (`user → assistant → (tool → assistant)* → user`);
 * - every tool call has exactly one result, in the turn right after it and in the order of the calls; one that is
 *   missing is made up as an error that says so, and a result without its call becomes a note in words;
 * - no turn and no text is empty, call ids are unique, text is well-formed Unicode;
 * - appending messages leaves all earlier turns as they were (a prompt cache keeps its prefix), but for a pending
 *   call that gets its result and the last turn, which may grow.
 */
import type { Message, Part } from './message.ts';
import type { RequestPart } from './ports/provider.ts';

/** A part of a turn: as in a request, but files are still names, to be loaded by the caller. */
export type TurnPart = Exclude<RequestPart, { type: 'image' }> | Extract<Part, { type: 'file' }>;

export interface Turn {
  role: 'user' | 'assistant' | 'tool';
  parts: TurnPart[];
}

type ToolCall = Extract<Part, { type: 'tool_call' }>;
type ToolResult = Extract<Part, { type: 'tool_result' }>;

const interruptedCall = 'This call was interrupted and its outcome is unknown: it may or may not have taken effect.';
const interruptedAnswer = '(The answer was interrupted here.)';
const noOutput = '(no output)';
const maxNoteLength = 800;
/** The strictest providers take 40 characters of `[A-Za-z0-9_-]` for a call id and 64 for a tool's name. */
const maxCallIdLength = 40;
const maxToolNameLength = 64;

/** The turns of a request for this history, oldest first; empty when no user ever said anything. */
export function repairHistory(messages: readonly Message[]): Turn[] {
  const builder = new TurnBuilder();
  for (const message of messages) builder.add(message);
  return builder.finish();
}

/**
 * The newest `exchanges` exchanges before the one that is going on, and that one: cut only where a user begins to
 * speak, so that no call loses its result. 0 keeps just the exchange at hand.
 */
export function window(messages: readonly Message[], exchanges: number): Message[] {
  let left = exchanges + 1;
  for (let i = messages.length - 1; i >= 0; i--) {
    const begins = messages[i]?.role === 'user' && messages[i - 1]?.role !== 'user';
    if (begins && --left === 0) return messages.slice(i);
  }
  return [...messages];
}

class TurnBuilder {
  readonly #turns: Turn[] = [];
  readonly #usedIds = new Set<string>();
  /** Calls of the last assistant turn, whose results are being collected. */
  #open: { call: ToolCall; storedId: string; result: ToolResult | null }[] = [];
  /** Words that wait for the next turn of the user. */
  #notes: string[] = [];

  add(message: Message): void {
    switch (message.role) {
      case 'user':
        this.#addUser(message.parts);
        break;
      case 'assistant':
        this.#addAssistant(message.parts);
        break;
      case 'tool':
        for (const part of message.parts) if (part.type === 'tool_result') this.#addResult(part);
        break;
      case 'system':
        for (const text of texts(message.parts)) this.#note(text);
        break;
    }
  }

  finish(): Turn[] {
    this.#closeCalls();
    // An answer at the end has nobody to reply to; several providers would read it as the beginning of theirs.
    while (this.#last?.role === 'assistant') this.#turns.pop();
    return this.#turns;
  }

  get #last(): Turn | undefined {
    return this.#turns.at(-1);
  }

  #addUser(stored: readonly Part[]): void {
    const parts: TurnPart[] = [];
    for (const part of stored) {
      if (part.type === 'file') parts.push(part);
      if (part.type === 'text') parts.push(...textParts(part.text));
    }
    if (parts.length > 0) this.#pushUser(parts);
  }

  #pushUser(parts: TurnPart[]): void {
    this.#closeCalls();
    const noted: TurnPart[] = [...this.#notes.flatMap(textParts), ...parts];
    this.#notes = [];
    if (this.#last?.role === 'user') {
      this.#last.parts.push(...noted);
      return;
    }
    // Strict chat templates know no user turn right after tool results.
    if (this.#last?.role === 'tool') this.#turns.push({ role: 'assistant', parts: textParts(interruptedAnswer) });
    this.#turns.push({ role: 'user', parts: noted });
  }

  #addAssistant(stored: readonly Part[]): void {
    this.#closeCalls();
    if (this.#turns.length === 0) return;
    const said: TurnPart[] = [];
    const calls: ToolCall[] = [];
    for (const part of stored) {
      if (part.type === 'text') said.push(...textParts(part.text));
      if (part.type === 'reasoning' && (part.replay !== undefined || !isBlank(part.text))) said.push(part);
      if (part.type === 'tool_call') calls.push(part);
    }
    // Thinking alone is no answer.
    if (calls.length === 0 && !said.some((part) => part.type === 'text')) return;
    const last = this.#last;
    let turn: Turn;
    if (last?.role === 'assistant') {
      turn = last;
      // Signed thinking is only valid at the place where it was thought.
      turn.parts.push(...said.filter((part) => part.type !== 'reasoning'));
    } else {
      turn = { role: 'assistant', parts: said };
      this.#turns.push(turn);
    }
    for (const stored of calls) {
      const call = { ...stored, id: this.#uniqueId(stored.id), name: validName(stored.name) };
      turn.parts.push(call);
      this.#open.push({ call, storedId: stored.id, result: null });
    }
  }

  #addResult(result: ToolResult): void {
    const open = this.#open.find((entry) => entry.storedId === result.callId && entry.result === null);
    if (open !== undefined) open.result = result;
    else if (!this.#open.some((entry) => entry.storedId === result.callId)) this.#noteOrphan(result);
  }

  #closeCalls(): void {
    if (this.#open.length === 0) return;
    const parts = this.#open.map(({ call, result }): TurnPart => {
      const text = result === null ? interruptedCall : result.text.toWellFormed();
      return {
        type: 'tool_result',
        callId: call.id,
        name: call.name,
        text: isBlank(text) ? noOutput : text,
        isError: result?.isError ?? true,
      };
    });
    this.#open = [];
    this.#turns.push({ role: 'tool', parts });
  }

  #noteOrphan(result: ToolResult): void {
    // Before the first word of the user there is nothing that the result could belong to.
    if (this.#turns.length === 0 || isBlank(result.text)) return;
    const text = result.text.slice(0, maxNoteLength);
    this.#note(`[A result of the tool ${validName(result.name)} that arrived without its call: ${text}]`);
  }

  #note(text: string): void {
    if (this.#last?.role === 'user') this.#last.parts.push(...textParts(text));
    else this.#notes.push(text);
  }

  #uniqueId(stored: string): string {
    const base = stored.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, maxCallIdLength) || 'call';
    let id = base;
    for (let n = 2; this.#usedIds.has(id); n++) {
      const suffix = `_${n}`;
      id = base.slice(0, maxCallIdLength - suffix.length) + suffix;
    }
    this.#usedIds.add(id);
    return id;
  }
}

const isBlank = (text: string): boolean => text.trim() === '';

const textParts = (text: string): TurnPart[] => (isBlank(text) ? [] : [{ type: 'text', text: text.toWellFormed() }]);

const texts = (parts: readonly Part[]): string[] => parts.flatMap((part) => (part.type === 'text' ? [part.text] : []));

const validName = (name: string): string =>
  name.replaceAll(/[^A-Za-z0-9_-]/g, '_').slice(0, maxToolNameLength) || 'tool';
