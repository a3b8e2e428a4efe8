/** Whether a tool call may happen, and the approvals of a person that it may need. */
import type { JsonObject } from '../message.ts';
import type { Words } from '../notices/index.ts';
import type { Button } from '../message.ts';
import type { Effect, Tool, ToolCall } from './tool.ts';

export type Verdict =
  | { decision: 'allow' }
  /** `reason`: for the model and the person, one sentence. */
  | { decision: 'ask' | 'deny'; reason: string };

export interface CallInQuestion {
  tool: Tool;
  args: JsonObject;
  effects: readonly Effect[];
  call: ToolCall;
  /** Text that somebody outside may have written is in the context: where it came from; null while there is none. */
  tainted: string | null;
}

/** What is shown to the person who is asked. */
export interface AskedApproval {
  id: string;
  /** Markdown, in the person's language: the tool, its arguments, why it is asked, and how to answer without buttons. */
  text(words: Words): string;
  buttons(words: Words): Button[];
}

/** An approval that was given, used up by this very delivery: its call is carried out once. */
export interface ApprovedCall {
  id: string;
  /** The call as it was asked for and shown. */
  tool: string;
  args: JsonObject;
  /** Who approved it, by display name. */
  by: string;
}

export interface Gate {
  judge(question: CallInQuestion): Verdict;
  /** Stores the question before anybody is asked; the same call of the same run is asked once. */
  ask(question: CallInQuestion, reason: string): Promise<AskedApproval>;
}
