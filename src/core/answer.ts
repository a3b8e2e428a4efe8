import type { Part } from './message.ts';

/** The body of a successful chat answer; field names are those of the wire. */
export interface ChatAnswer {
  message_id: string;
  run_id: string;
  session: string;
  reply: { text: string; parts?: Part[] };
  model: string;
  finish_reason: string;
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number };
  cost: { amount: number; currency: string } | null;
}
