import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { excerpt } from '../../core/redact.ts';
import type { Clock, Log } from '../../core/ports/system.ts';
import { type Child, type ChildOptions, endChild, hasEnded, startChild } from './child.ts';
import { linesOf } from './lines.ts';
import { maxMessageBytes, messagesOfLine } from './messages.ts';
import { Pace } from './pace.ts';
import { oneLine } from './schema.ts';

/** What a server does not read is not kept for it past this. */
const maxUnreadBytes = 1024 * 1024;
/** Of what it says on its standard error: lines in a minute, characters of one. */
const maxErrorLines = 20;
const maxErrorChars = 300;
const maxErrorLineBytes = 16 * 1024;
const errorWindowMs = 60_000;
/** For what a program that has ended said last. */
const lastWordsMs = 500;

export interface StdioOptions extends ChildOptions {
  clock: Clock;
  log: Log;
}

/** A server that is a program of ours: one message a line, over its standard input and output. */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  /** Why it ended, in words. */
  reason = 'it was ended';
  readonly #options: StdioOptions;
  readonly #closing = new AbortController();
  #child: Child | null = null;
  #ended: Promise<void> | null = null;

  constructor(options: StdioOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    const child = await startChild(this.#options);
    this.#child = child;
    child.once('exit', (code, signal) => this.#afterExit(child, code, signal));
    // Writing to a program that has ended fails too; that it has is told by its exit.
    child.stdin.on('error', () => {
      if (!hasEnded(child)) this.#closeBecause('it closed its input');
    });
    void this.#hear(child);
    void this.#overhear(child);
    if (this.#closing.signal.aborted) await this.close();
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#child?.stdin;
    if (stdin?.writable !== true) return Promise.reject(new Error('it does not run'));
    if (stdin.writableLength > maxUnreadBytes) {
      this.#closeBecause('it does not read what it is sent');
      return Promise.reject(new Error(this.reason));
    }
    stdin.write(`${JSON.stringify(message)}\n`);
    return Promise.resolve();
  }

  /** Resolves once nothing of it runs any more. */
  close(): Promise<void> {
    this.#closing.abort(new Error('closed'));
    if (this.#child === null) return Promise.resolve();
    if (this.#ended === null) {
      this.#ended = endChild(this.#child, this.#options.clock);
      this.onclose?.();
    }
    return this.#ended;
  }

  /** What it said last is read first; a program that it started may hold its output open for longer. */
  #afterExit(child: Child, code: number | null, signal: NodeJS.Signals | null): void {
    const reason = signal === null ? `it ended by itself with exit code ${code}` : `it was ended by ${signal}`;
    const close = (): void => this.#closeBecause(reason);
    child.once('close', close);
    this.#options.clock.sleep(lastWordsMs, this.#closing.signal).then(close, () => undefined);
  }

  #closeBecause(reason: string): void {
    if (this.#ended !== null) return;
    this.reason = reason;
    void this.close();
  }

  async #hear({ stdout }: Child): Promise<void> {
    const { clock, log } = this.#options;
    const pace = new Pace(clock, this.#closing.signal);
    let garbage = 0;
    try {
      for await (const line of linesOf(stdout, maxMessageBytes, pace)) {
        if ('text' in line && line.text === '') continue;
        const messages = messagesOfLine(line);
        if (messages === null && ++garbage === 1) {
          const shown = excerpt(oneLine('text' in line ? line.text : line.tooLong.head), 100);
          log.warn('an MCP server writes lines to its output that are no messages; they are left out', { line: shown });
        }
        for (const message of messages ?? []) this.#deliver(message);
      }
    } catch {
      // Only by its end, which is told elsewhere.
    }
  }

  #deliver(message: JSONRPCMessage): void {
    try {
      this.onmessage?.(message);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error('unknown error'));
    }
  }

  async #overhear({ stderr }: Child): Promise<void> {
    const { clock, log } = this.#options;
    const pace = new Pace(clock, this.#closing.signal);
    let [told, since] = [0, clock.monotonic()];
    try {
      for await (const line of linesOf(stderr, maxErrorLineBytes, pace)) {
        if (clock.monotonic() - since > errorWindowMs) [told, since] = [0, clock.monotonic()];
        told++;
        const text = oneLine('text' in line ? line.text.slice(0, 4 * maxErrorChars) : line.tooLong.head);
        if (told <= maxErrorLines && text !== '')
          log.info('an MCP server says', { line: excerpt(text, maxErrorChars) });
        if (told === maxErrorLines) log.info('an MCP server says more; the rest of this minute is left out');
      }
    } catch {
      // Only by its end, which is told elsewhere.
    }
  }
}
