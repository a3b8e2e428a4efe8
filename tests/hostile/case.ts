import assert from 'node:assert/strict';
import { type Answered, codeOf, type Endpoint } from '../support/raw.ts';

/** What the cases run against. */
export interface Target extends Endpoint {
  /** Bearer tokens of one person; each scope includes those before it. */
  tokens: { admin: string; send: string; read: string };
  stop(): Promise<void>;
}

/** One row of the catalogue: throws when the target does not hold. */
export interface HostileCase<T extends Endpoint = Target> {
  /** Row of the catalogue, with a letter where a row has several. */
  id: string;
  title: string;
  run: (target: T) => Promise<void>;
}

export const hostileCase = <T extends Endpoint = Target>(
  id: string,
  title: string,
  run: (target: T) => Promise<void>,
): HostileCase<T> => ({ id, title, run });

/** Holds an answer against one of the expected statuses, and against the rule for every refusal. */
export function expectStatus(answer: Answered, allowed: readonly number[], what = ''): void {
  assert.ok(
    allowed.includes(answer.status),
    `${what} expected ${allowed.join(' or ')}, got ${answer.status}: ${answer.text.slice(0, 200)}`,
  );
  if (answer.status >= 400) expectClean(answer);
}

/** A refusal says code, message and request id, and nothing of the inside. */
export function expectClean(answer: Answered): void {
  const error = answer.json?.['error'] as Record<string, unknown> | undefined;
  assert.equal(typeof codeOf(answer), 'string', `a refusal without a code: ${answer.text.slice(0, 200)}`);
  assert.equal(typeof error?.['message'], 'string');
  assert.equal(typeof error?.['request_id'], 'string');
  expectNoLeak(answer.text);
}

export function expectNoLeak(text: string): void {
  assert.doesNotMatch(
    text,
    /\n\s+at |node:internal|\/(?:home|usr|root|work|tmp)\/|\bSELECT\b|\bINSERT\b|CANARY|oc_[\w-]{16}/,
    'something of the inside leaked',
  );
}

export const chat = '/api/v1/chat';
export const say = (text: unknown): string => JSON.stringify({ text });
/** The start of a raw request of the operator; headers and the empty line are to follow. */
export const head = ({ tokens }: Target, method: string, path: string): string =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${tokens.admin}\r\n`;
export const chatHead = (target: Target): string => `${head(target, 'POST', chat)}Content-Type: application/json\r\n`;
