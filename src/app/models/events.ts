import type { ClankerError } from '../../core/errors.ts';
import type { JsonObject, JsonValue } from '../../core/message.ts';
import type {
  Dialect,
  FinishReason,
  ModelRequest,
  ProviderError,
  ProviderErrorKind,
  Usage,
} from '../../core/ports/provider.ts';
import type { AttemptRow } from '../../core/ports/run-store.ts';
import type { LogFields } from '../../core/ports/system.ts';
import type { Candidate } from './candidates.ts';

/**
 * What a model call tells its caller while it runs. Protocol: an `attempt`, then output of that attempt; `retrying` or
 * `fallback` makes all output so far void and another `attempt` follows. `model` is always `provider/model`.
 */
export type CallEvent =
  /** A request begins; `n` counts from 1 within the call. */
  | { type: 'attempt'; n: number; provider: string; model: string }
  | { type: 'text'; text: string }
  | { type: 'reasoning'; text: string; dialect: Dialect; replay?: JsonValue }
  | { type: 'tool_call'; id: string; name: string; args: JsonObject }
  /** Never executed: the caller answers it with an error result. */
  | { type: 'tool_invalid'; id: string; name: string; raw: string; reason: string }
  | { type: 'usage'; usage: Usage }
  /** The same candidate is asked again after `delayMs`. */
  | { type: 'retrying'; kind: ProviderErrorKind; provider: string; delayMs: number }
  /** The next candidate, `provider`, is asked. */
  | { type: 'fallback'; kind: ProviderErrorKind; provider: string; from: string; to: string };

/** What a model call came to. */
export type CallEnd =
  | {
      type: 'finished';
      reason: FinishReason;
      model: string;
      usage: Usage | null;
      /** US dollars; null when the price is unknown. */
      cost: number | null;
      /** All ledger rows of the call, complete; the caller stores them with the end of its run. */
      attempts: AttemptRow[];
    }
  | {
      type: 'failed';
      error: ClankerError;
      /** The provider's own failure behind it, if a provider was asked. */
      cause?: ProviderError;
      attempts: AttemptRow[];
    };

export interface CallOptions {
  runId: string;
  /** The person whose ledger it is: who asked, which in a group is the sender. */
  owner: string;
  /** Where it was asked: a type of channel, or `api`, which is the default. Its budget holds the call, too. */
  channel?: string;
  /** The key of the session it was asked in: of a job, whose budget holds the call, too. Default: none. */
  session?: string;
  candidates: readonly Candidate[];
  signal: AbortSignal;
  /** Monotonic milliseconds. */
  deadlineMs: number;
  /** Whether text that was handed out can have been seen outside: asked when an attempt fails, true forbids another one. */
  visible: () => boolean;
  /** Ledger rows of the run before this call, over all its starts: its rows are numbered from there. Default 0. */
  attemptsBefore?: number;
  /** Bound to every line of the log about the call, besides its run. */
  logFields?: LogFields;
}

export type CallRequest = Omit<ModelRequest, 'model'>;

/**
 * Makes the request; asked for each attempt, and for the estimate of what nobody counted. Nobody keeps what it gives while
 * the model answers: histories are the largest thing a gateway holds.
 */
export type MakeRequest = () => CallRequest | Promise<CallRequest>;
