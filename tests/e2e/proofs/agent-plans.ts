/**
 * What people ask in the proof of the agent, and the model that does it. A question holds its whole plan: the calls of
 * each step, every one with a tag that nothing else carries. The model only reads it, so it needs no memory of its own,
 * and a history that tells it something wrong leads it astray.
 */
import { newMarker } from '../../support/mock-openai.ts';
import type { Said, WireMessage, WireRequest } from '../../support/scripted-openai.ts';

export type Kind = 'post' | 'book' | 'asked' | 'file' | 'append' | 'note' | 'send';
/** What cannot be repeated without happening twice: a crash may leave it undone, and then the model must be told. */
export const onceKinds: ReadonlySet<Kind> = new Set(['post', 'book', 'asked', 'file', 'append']);

/** Something in the world that a question is to change. */
export interface Deed {
  kind: Kind;
  tag: string;
}

interface Call {
  name: string;
  args: Record<string, unknown>;
}

export interface Plan {
  marker: string;
  text: string;
  deeds: Deed[];
}

/** Where the deeds are done. */
export interface World {
  /** An HTTP server that counts. */
  ledger: string;
  /** A chat that nobody answers in. */
  board: string;
}

const look: Call = { name: 'calculator', args: { expression: '6*7' } };
const clock: Call = { name: 'current_time', args: {} };
const notes: Call = { name: 'notes_search', args: { words: 'anything' } };

function callOf({ kind, tag }: Deed, { ledger, board }: World): Call {
  switch (kind) {
    case 'post':
      return { name: 'http_request', args: { method: 'POST', url: `${ledger}/?tag=${tag}`, body: tag } };
    case 'book':
      return { name: 'mcp_book__enter', args: { line: tag } };
    case 'asked':
      return { name: 'mcp_book__asked', args: { line: tag } };
    case 'file':
      return { name: 'files_write', args: { path: `${tag}.txt`, text: tag } };
    case 'append':
      return { name: 'files_write', args: { path: 'log.txt', text: `${tag}\n`, mode: 'append' } };
    case 'note':
      return { name: 'notes_save', args: { title: tag, text: 'a note' } };
    case 'send':
      return { name: 'send_message', args: { to: board, text: tag } };
  }
}

/** The steps of a question: what is changed in each, and what is looked at beside it. */
const shapes: [deeds: Kind[], looks: Call[]][][] = [
  [
    [[], [look, clock, notes]],
    [['note'], []],
    [[], [notes]],
  ],
  [
    [['send'], []],
    [['send'], []],
  ],
  [
    [['file'], [look]],
    [['append'], []],
  ],
  [
    [['post'], []],
    [['note', 'post'], []],
  ],
  [[['book'], []]],
  [
    [['note', 'book', 'send'], [look]],
    [['append', 'post'], [clock]],
  ],
  [
    [[], [look]],
    [['send', 'book', 'book'], []],
    [['note'], []],
  ],
];
const askedShapes: typeof shapes = [
  [[['asked'], []]],
  [
    [['note'], [look]],
    [['send', 'asked'], []],
  ],
  [
    [['book'], []],
    [['asked'], []],
  ],
];

const anyOf = <T>(list: readonly T[]): T => list[Math.floor(Math.random() * list.length)] as T;

/** A question; `asks`: one of its calls waits for a person. */
export function newPlan(world: World, asks: boolean): Plan {
  const marker = newMarker();
  const deeds: Deed[] = [];
  const steps = anyOf(asks ? askedShapes : shapes).map(([kinds, looks]): Call[] => {
    const own = kinds.map((kind, n): Deed => ({ kind, tag: `${marker}.${deeds.length + n}.${kind}` }));
    deeds.push(...own);
    return [...looks, ...own.map((deed) => callOf(deed, world))];
  });
  return { marker, text: `do ${marker} ${JSON.stringify(steps)} ;`, deeds };
}

const question = /do (mk-[0-9a-f-]{36}) (\[.*?\]) ;/gs;
const approval = /^\[.* approved the call of /m;
const markerPattern = /mk-[0-9a-f-]{36}/g;
/** Stands where a person spoke while tools were at work; it is the gateway's word and no answer. */
const interrupted = '(The answer was interrupted here.)';

const textOf = ({ content }: WireMessage): string =>
  typeof content === 'string'
    ? content
    : ((content as { text?: string }[] | null) ?? []).map(({ text = '' }) => text).join('');

/** The words in which the model says that these questions are done. */
export const doneWith = (marker: string): RegExp => new RegExp(`^done [^.]*${marker}`, 'm');

/** What the model says to a history: the next step of what it was asked since its last answer, or that it is done. */
export function play({ messages }: WireRequest): Said {
  const ended = messages.findLastIndex(
    (message) =>
      message.role === 'assistant' && message.tool_calls === undefined && textOf(message).trim() !== interrupted,
  );
  const open = messages.slice(ended + 1);
  const said = open.filter(({ role }) => role === 'user').map(textOf);
  const asked = said.flatMap((text) => [...text.matchAll(question)]);
  const steps = asked.flatMap(([, , plan]) => JSON.parse(plan ?? '[]') as Call[][]);
  const taken = open.filter(({ tool_calls: calls }) => calls !== undefined).length;
  const next = steps[taken];
  if (next !== undefined) return { text: 'One moment.', calls: next };
  const approved = said.some((text) => approval.test(text)) ? [lastAskedAbout(messages.slice(0, ended + 1))] : [];
  const done = [...approved, ...asked.map(([, marker]) => marker)];
  return { text: done.length === 0 ? 'Hello!' : `done ${done.join(' ')}. Good.` };
}

/** An approved call is told by its result alone; whose it was stands in the call. */
function lastAskedAbout(messages: readonly WireMessage[]): string {
  const calls = messages.flatMap(({ tool_calls: made = [] }) => made);
  const call = calls.findLast(({ function: { name } }) => name === 'mcp_book__asked');
  return call?.function.arguments.match(markerPattern)?.[0] ?? 'nothing';
}
