import type { ApprovalState } from '../ports/approval-store.ts';
import type { Effect } from '../ports/tool.ts';

/** What is said about calls that a person has to approve, in one language. Markdown; names come escaped. */
export interface ApprovalWords {
  /** What a call does, to follow "it": `sends text to others`. */
  effects: Readonly<Record<Effect, string>>;
  /** Before the arguments. `effects`: several of the above. */
  wants(tool: string, effects: readonly string[]): string;
  /** Text from outside is in the context; where it came from. */
  outside(source: string): string;
  /** Not all of it could be shown; the command that shows it. */
  whole(command: string): string;
  /** `within`: a duration; `seal`: the number of what is shown; `command`: what says yes where there are no buttons. */
  howToAnswer(within: string, seal: string, command: string | null): string;
  /** Asked by a job: the commands, which are understood in any direct chat of the person. */
  answerAnywhere(within: string, approve: string, deny: string): string;
  /** To a guest, who cannot answer: `command` is what an owner runs. */
  ownerAnswers(within: string, command: string, seal: string): string;
  approve: string;
  deny: string;
  denied(tool: string): string;
  form(command: string): string;
  noneOpen: string;
  unknown: string;
  notYours: string;
  altered: string;
  expired: string;
  answered(state: Extract<ApprovalState, 'approved' | 'denied'>): string;
  notAllowed(tool: string): string;
}
