/** Mail that nobody wrote by hand. Answering it makes loops, so it is told apart before anything else looks at it. */
import type { Headers } from './headers.ts';

/** Why a mail counts as automatic, in words, or null for one of a person. RFC 3834, RFC 2919, and what is in use. */
export function automaticReason(headers: Headers, from: string): string | null {
  const value = (name: string): string => headers.first(name)?.trim().toLowerCase() ?? '';
  const submitted = value('auto-submitted');
  if (submitted !== '' && !/^no\b/.test(submitted)) return `Auto-Submitted: ${submitted}`;
  if (/^(bulk|junk|list|auto_reply)\b/.test(value('precedence'))) return `Precedence: ${value('precedence')}`;
  for (const name of ['list-id', 'list-post', 'x-autoreply', 'x-autorespond', 'x-auto-response-suppress']) {
    if (headers.first(name) !== undefined && !/^(no(ne)?)?$/.test(value(name))) return name;
  }
  // An empty return path is how reports of failed delivery come, and nothing may ever be sent back to it.
  if (/^<\s*>$/.test(value('return-path'))) return 'empty Return-Path';
  if (/^multipart\/report\b/.test(value('content-type'))) return 'a delivery report';
  const local = from.slice(0, from.lastIndexOf('@'));
  if (/^(mailer-daemon|postmaster|(no|do-?not)[-_.]?reply([-_.+].*)?)$/.test(local)) return `written by ${local}`;
  return null;
}

const windowMs = 3_600_000;
/** A person does not reach it; two programs that answer each other do, in minutes. */
const maxPerWindow = 60;
const maxSenders = 1000;

/** The last defence against loops: whoever writes too much is not answered until the flood is over. */
export class SenderBreaker {
  /** Times of what each sender wrote lately, oldest first; senders least recently heard leave first. */
  readonly #times = new Map<string, number[]>();

  /** True when a further mail of this sender is one too many. */
  isOpen(sender: string, now: number): boolean {
    return this.#recent(sender, now).length >= maxPerWindow;
  }

  /** Counts a mail; those that are not answered count, too. */
  note(sender: string, now: number): void {
    const times = [...this.#recent(sender, now), now].slice(-maxPerWindow);
    this.#times.delete(sender);
    this.#times.set(sender, times);
    if (this.#times.size > maxSenders) this.#times.delete(this.#times.keys().next().value ?? '');
  }

  #recent(sender: string, now: number): number[] {
    return (this.#times.get(sender) ?? []).filter((at) => at > now - windowMs);
  }
}
