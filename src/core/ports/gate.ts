/** Whether a tool call may happen, and the approvals of a person that it may need. */
import type { Button, JsonObject } from '../message.ts';
import type { Words } from '../notices/index.ts';
import type { PersonRole } from '../principal.ts';
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

/** An approval that was given, used up by the run that carries it: its call is made once, by that run. */
export interface ApprovedCall {
  id: string;
  /** Of the run that asked, and of the model's call in it. */
  runId: string;
  callId: string;
  /** The call as it was asked for and shown. */
  tool: string;
  args: JsonObject;
  /** Whose call it is, and what they could do when it was judged again: an owner may have approved it for them. */
  person: string;
  role: PersonRole;
  /** The agent whose call it is; null for the default one. */
  agent: string | null;
  /** Who approved it, by display name. */
  by: string;
}

export interface Gate {
  judge(question: CallInQuestion): Verdict;
  /** Stores the question before anybody is asked; the same call of the same run is asked once. */
  ask(question: CallInQuestion, reason: string): Promise<AskedApproval>;
}
