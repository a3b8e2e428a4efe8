/** What comes of runs that change nothing. */
import type { JsonObject } from '../message.ts';
import type { Principal } from '../principal.ts';
import type { Usage } from './provider.ts';
import type { Effect } from './tool.ts';

export interface ReplayedStep {
  text: string;
  calls: { tool: string; args: JsonObject; result: string }[];
}

/** A recorded run, played again. */
export interface Replay {
  runId: string;
  /** The recorded model and tools answered; else a model was asked, and only the tools were those of the recording. */
  offline: boolean;
  /** The answer is the recorded one, to the letter. */
  same: boolean;
  /** Offline: the first step, from 1, whose request is not the recorded one; null when all are. */
  diverged: number | null;
  recorded: { text: string; model: string; steps: number };
  text: string;
  model: string;
  reason: string;
  steps: ReplayedStep[];
  /** Calls that the recording does not hold, and that were not carried out. */
  missing: { tool: string; args: JsonObject }[];
  usage: Usage | null;
  cost: number | null;
}

export interface DryCall {
  tool: string;
  args: JsonObject;
  effects: Effect[];
  /** What the policy says to it. */
  decision: 'allow' | 'ask' | 'deny';
}

/** A turn that was only tried. */
export interface DryRun {
  text: string;
  calls: DryCall[];
  model: string;
  usage: Usage | null;
  cost: number | null;
}

/** What clients may ask about runs that change nothing: a part of the Gateway port. */
export interface ReplayGateway {
  /**
   * Plays a recorded run of the principal again (with `admin` anybody's). Without `model` and `prompt` it is offline. Rejects
   * with `not_found` when it was not recorded.
   */
  replayRun(
    principal: Principal,
    runId: string,
    against: { model?: string; prompt?: string },
    signal: AbortSignal,
  ): Promise<Replay>;
  /** Tries a turn: what only reads is done, everything else is said; nothing of it is kept. */
  dryRun(
    principal: Principal,
    request: { text: string; session?: string; agent?: string; model?: string },
    signal: AbortSignal,
  ): Promise<DryRun>;
}
