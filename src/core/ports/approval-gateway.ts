/** What clients may ask about questions on calls of tools: a part of the Gateway port. */
import type { JsonObject } from '../message.ts';
import type { Principal } from '../principal.ts';
import type { ApprovalState } from './approval-store.ts';
import type { Listed } from './listed.ts';
import type { Effect } from './tool.ts';

/** A question about a call of a tool, and what became of it. Times are milliseconds since the epoch. */
export interface ApprovalInfo {
  id: string;
  /** Whose call it is. */
  person: string;
  session: string;
  run: string;
  tool: string;
  args: JsonObject;
  /** SHA-256, hex, over what is approved. */
  digest: string;
  effects: readonly Effect[];
  reason: string;
  /** Where text from outside in the context came from. */
  tainted: string | null;
  state: ApprovalState;
  createdAt: number;
  expiresAt: number;
  decidedBy: string | null;
  decidedAt: number | null;
}

/** The answer to a question is on its way: committed as a message of the session that asked. */
export interface ApprovalTicket {
  messageId: string;
  runId: string;
  sessionKey: string;
}

export interface ApprovalGateway {
  /** One's own, newest first; with `admin` everybody's. */
  approvals(
    principal: Principal,
    options: { open?: boolean; limit: number; cursor?: string },
  ): Promise<Listed<ApprovalInfo>>;
  approval(principal: Principal, id: string): Promise<ApprovalInfo>;
  /**
   * Answers where it was asked, as the command there would: what comes of it is said there. Rejects with
   * `already_answered` or `approval_expired`.
   */
  answerApproval(principal: Principal, id: string, approve: boolean): Promise<ApprovalTicket>;
}
