/** What an agent is told, how much of the past it sees, and what it may do. */
export interface AgentSettings {
  /** Null for the default agent. */
  name: string | null;
  systemPrompt: string;
  /** Exchanges of history sent with a request, besides the one at hand. */
  historyWindow: number;
  maxTokens: number | null;
  temperature: number | null;
  /** `provider/model`, or null for the default chain. */
  model: string | null;
  /** Its runs are kept so that they can be played again. */
  record: boolean;
  /** Names of groups or tools that it may use; `*` stands for any characters. */
  tools: readonly string[];
  limits: RunLimits;
}

/** Where a run ends. At a limit the model is asked once more, without tools, so that there is an answer. */
export interface RunLimits {
  timeoutMs: number;
  /** Model calls of a run. */
  steps: number;
  /** Of one model call; further ones get an error result. */
  callsPerStep: number;
  /** US dollars of a run; null for no limit. An unknown price counts nothing here: budgets hold that. */
  cost: number | null;
  /** Tokens of a prompt and its answer; a model's own window may be smaller. */
  contextTokens: number;
}

/** Messages of a history, however many steps its exchanges had. */
export const maxHistory = 2000;

/** Messages of the user that a window can need; a question that was not answered is an exchange as well. */
export const historyTurnsOf = (agent: AgentSettings): number => agent.historyWindow + 1;
