import type { ClankerError } from '../../core/errors.ts';
import type { Message, OutboundFile, Part } from '../../core/message.ts';
import type { ApprovedCall, AskedApproval } from '../../core/ports/gate.ts';
import type { ModelRequest, ProviderErrorKind, Usage } from '../../core/ports/provider.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { AttemptRow, JournalEntry } from '../../core/ports/run-store.ts';
import type { NewMessage } from '../../core/ports/session-store.ts';
import type { LogFields } from '../../core/ports/system.ts';
import type { ToolCall, ToolGroup } from '../../core/ports/tool.ts';
import type { Candidate } from '../models/caller.ts';
import type { RecordedStep } from './recording.ts';
import type { RunHistory } from './run-history.ts';
import type { AgentSettings } from './settings.ts';

/** One run, from what was said to what is answered. */
export interface Task {
  caller: Omit<ToolCall, 'id' | 'signal'>;
  agent: AgentSettings;
  /** Whose ledger it is. */
  owner: string;
  candidates: readonly Candidate[];
  groups: readonly ToolGroup[];
  history: RunHistory;
  /** The request for a history, with what else the model is told. */
  request: (
    history: readonly Message[],
    needed: ReadonlySet<string>,
    /** The provider said that the last one was too long. */
    tight: boolean,
  ) => Promise<Omit<ModelRequest, 'model' | 'tools'>>;
  /** Our own count of a request, where it says something about the model's; null: it does not. */
  sized: (request: Omit<ModelRequest, 'model'>) => number | null;
  /** A request of that size was answered, and counted by the provider. */
  counted: (size: number, usage: Usage | null, model: string) => void;
  /** Where outside text in a history comes from; null without any. */
  taint: (history: readonly Message[]) => string | null;
  /** What an earlier start did. Null: this run is not resumed after a crash. */
  journal: readonly JournalEntry[] | null;
  /** What is written meanwhile joins the run between two steps. */
  steer: boolean;
  /** A call that a person approved; it is carried out before the model is asked. */
  approved: ApprovedCall | null;
  /** Told of each model call with what came of it; null: nobody records. */
  record: ((step: RecordedStep) => void) | null;
  attemptsBefore: number;
  /** Ledger rows of what was asked in preparation; those of the run follow them. */
  attempts: AttemptRow[];
  signal: AbortSignal;
  logFields: LogFields;
  visible: () => boolean;
}

/** What a run tells while it is at work. */
export type LoopEvent =
  | { type: 'started'; model: string }
  /** Visible text; all of it together is the answer. */
  | { type: 'text'; text: string }
  /** Another attempt begins: the answer is `said` so far. */
  | { type: 'void'; said: string; reason: ProviderErrorKind; provider: string }
  | { type: 'tool'; tool: string; state: 'started' | 'finished' }
  /** Messages that joined the run. */
  | { type: 'joined'; messages: Message[]; inbound: InboxRow[] };

export type LimitReason = 'limit_steps' | 'limit_time' | 'limit_cost' | 'loop_detected';

export interface LoopEnd {
  /** Null when it ended well. */
  error: ClankerError | null;
  /** All that the model said. */
  said: string;
  /** The last message of the model. */
  parts: Part[];
  /** What comes before it in the history, and is not there yet. */
  steps: NewMessage[];
  model: string | null;
  reason: string | null;
  usage: Usage | null;
  /** US dollars; null when a price is unknown. */
  cost: number | null;
  attempts: AttemptRow[];
  files: OutboundFile[];
  asked: AskedApproval[];
}
