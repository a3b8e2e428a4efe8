import { SecretMask } from '../../core/leaks.ts';
import type { Part } from '../../core/message.ts';
import type { CallEvent } from '../models/caller.ts';
import { ownCallId, type WrittenCall } from './steps.ts';
import type { LoopEvent } from './task.ts';
import { mergeReasoning } from './written.ts';

/** What one model call says: its words are told as they come, and all of it becomes the parts of a message. */
export class Hearing {
  readonly #before: string;
  readonly #tell: (event: LoopEvent) => void;
  /** Ids of calls that the request shows: those of this answer are others. */
  shown: ReadonlySet<string> = new Set();
  #text = '';
  #reasoning: Part[] = [];
  #calls: WrittenCall[] = [];
  /** The one place that words of a model pass on their way out, streamed and stored. */
  #secrets = new SecretMask();

  /** `before`: what the run said in its earlier steps. */
  constructor(before: string, tell: (event: LoopEvent) => void) {
    this.#before = before;
    this.#tell = tell;
  }

  get spoke(): boolean {
    return this.#text !== '';
  }

  get calls(): WrittenCall[] {
    return this.#calls;
  }

  hear(event: Exclude<CallEvent, { type: 'attempt' }>): void {
    switch (event.type) {
      case 'text':
        this.#say(this.#secrets.push(event.text));
        break;
      case 'reasoning':
        this.#reasoning.push({
          type: 'reasoning',
          text: event.text,
          ...(event.replay === undefined ? {} : { replay: event.replay, dialect: event.dialect }),
        });
        break;
      case 'tool_call':
        this.#calls.push({ type: 'tool_call', id: this.#ownId(event.id), name: event.name, args: event.args });
        break;
      case 'tool_invalid': {
        const { id, name, raw, reason } = event;
        this.#calls.push({ type: 'tool_call', id: this.#ownId(id), name, args: {}, problem: { raw, reason } });
        break;
      }
      case 'retrying':
      case 'fallback':
        this.#text = '';
        this.#secrets = new SecretMask();
        this.#reasoning = [];
        this.#calls = [];
        this.#tell({ type: 'void', said: this.#before, reason: event.kind, provider: event.provider });
        break;
      default:
    }
  }

  /** Nothing more comes: tells what was kept back until it was known not to be a secret. */
  end(): void {
    this.#say(this.#secrets.end());
  }

  parts(): Part[] {
    const words: Part[] = this.#text === '' ? [] : [{ type: 'text', text: this.#text }];
    const called = this.#calls.map(({ type, id, name, args }): Part => ({ type, id, name, args }));
    return [...mergeReasoning(this.#reasoning), ...words, ...called];
  }

  /** What follows earlier words is a paragraph of its own, and begins with something to read. */
  #say(words: string): void {
    const opens = this.#text === '' && this.#before !== '';
    const piece = opens ? words.trimStart() : words;
    if (piece === '') return;
    this.#tell({ type: 'text', text: opens ? `\n\n${piece}` : piece });
    this.#text += piece;
  }

  #ownId(id: string): string {
    return ownCallId(id, (wanted) => this.shown.has(wanted) || this.#calls.some((call) => call.id === wanted));
  }
}
