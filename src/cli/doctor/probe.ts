import { exchange, failureCode, type HttpAnswer } from '../http.ts';

const silenceMs = 5000;
const maxAnswerBytes = 4 * 1024 * 1024;

export interface Probe {
  answer: HttpAnswer;
  /** The body as JSON, or null when it is none. */
  body: unknown;
  /** The server's clock less ours; null when it sent no date. */
  clockOffMs: number | null;
}

/** One GET to a configured endpoint; the system's code of the failure when nothing came back. */
export async function probe(url: string, headers: Record<string, string> = {}): Promise<Probe | { failure: string }> {
  try {
    const answer = await exchange(
      { method: 'GET', url, headers, silenceMs, signal: AbortSignal.timeout(2 * silenceMs) },
      maxAnswerBytes,
    );
    const date = Date.parse(answer.headers.date ?? '');
    return { answer, body: parsed(answer.text), clockOffMs: Number.isNaN(date) ? null : date - Date.now() };
  } catch (error) {
    return { failure: failureCode(error) };
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
