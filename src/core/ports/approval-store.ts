import type { JsonObject } from '../message.ts';
import type { PersonRole } from '../principal.ts';
import type { Listed, ListOptions } from './listed.ts';
import type { Effect } from './tool.ts';

/** One past its time is `expired`, whether that was written down already or not. */
export type ApprovalState = 'open' | 'approved' | 'denied' | 'expired';

/** A call of the model that waits for a person. */
export interface NewApproval {
  id: string;
  /** Whose call it is, and who is asked. */
  owner: string;
  runId: string;
  callId: string;
  sessionKey: string;
  /** Null for the default agent. */
  agent: string | null;
  /** Of the owner when it was asked. */
  role: PersonRole;
  /** Type of the channel it was asked on; `api` for API clients. */
  channel: string;
  tool: string;
  args: JsonObject;
  /** SHA-256, hex, over what is approved. */
  digest: string;
  effects: readonly Effect[];
  /** Why it is asked, in a sentence. */
  reason: string;
  /** Where text from outside in the context came from; null without any. */
  tainted: string | null;
  createdAt: number;
  expiresAt: number;
}

export interface ApprovalRow extends NewApproval {
  state: ApprovalState;
  /** A person's id. */
  decidedBy: string | null;
  decidedAt: number | null;
  /** The account it was answered on, such as `telegram:main`; `api:<person>` for clients. */
  decidedWhere: string | null;
  /** The run that decided, which alone makes the call. */
  usedBy: string | null;
}

export interface ApprovalAnswer {
  id: string;
  /** Where it is answered must be where it was asked, but for what a job of the same person asked. */
  sessionKey: string;
  /** The beginning of the digest that was shown. */
  digest: string;
  approve: boolean;
  /** A person's id. */
  by: string;
  /** An owner may answer for others. */
  forOthers: boolean;
  at: number;
  where: string;
  /** The run that carries the answer; when it comes again after a crash, its answer is the same. */
  runId: string;
}

/**
 * `approved` and `denied`: this answer is the one that counts. `answered`: another one was first. `altered`: what was
 * shown is not what is stored.
 */
export type ApprovalOutcome =
  | { outcome: 'approved' | 'denied'; repeated: boolean; row: ApprovalRow }
  | { outcome: 'answered' | 'expired'; row: ApprovalRow }
  | { outcome: 'unknown' | 'not_yours' | 'altered' };

export interface ApprovalStore {
  /**
   * Stores a question; one of the same run and call is returned as stored. Of a person's open ones the oldest beyond
   * `maxOpen` expire. `at`: now.
   */
  askApproval(row: NewApproval, maxOpen: number): Promise<{ inserted: boolean; row: ApprovalRow }>;
  /** With an owner: null when it is someone else's. */
  approval(id: string, owner: string | null, at: number): Promise<ApprovalRow | null>;
  /** Newest first; with an owner theirs, with a session what was asked there. `open`: only those that can be answered. */
  listApprovals(
    filter: { owner: string | null; sessionKey?: string; open: boolean; at: number },
    options: ListOptions,
  ): Promise<Listed<ApprovalRow>>;
  /** The first valid answer wins; races are decided here. */
  decideApproval(answer: ApprovalAnswer): Promise<ApprovalOutcome>;
}
