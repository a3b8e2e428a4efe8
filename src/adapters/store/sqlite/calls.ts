import type { Part } from '../../../core/message.ts';
import type { TracedCall } from '../../../core/ports/overview-store.ts';
import type { Database } from './database.ts';

/** Messages behind the question that are looked through for results of tools. */
const maxMessages = 2500;

/** What a run called, oldest first: the answer to a question about a call, then the results that its session holds. */
export function callsOf(db: Database, messageId: string, runId: string): TracedCall[] {
  const answered = db.all<TracedCall>(
    `SELECT a.tool, a.state AS outcome, COALESCE(a.decided_at, a.created_at) AS at
     FROM runs r JOIN approvals a ON a.session_key = r.session_key AND a.used_by = r.id WHERE r.id = ?`,
    runId,
  );
  const results = db.all<{ parts: string; time: number }>(
    `SELECT m.parts, m.time FROM runs r JOIN messages asked ON asked.session = r.session AND asked.id = ?1
     JOIN messages m ON m.session = r.session AND m.seq > asked.seq AND m.seq <= asked.seq + ${maxMessages}
     WHERE r.id = ?2 AND m.run_id = r.id AND m.role = 'tool' ORDER BY m.seq`,
    messageId,
    runId,
  );
  const called = results.flatMap(({ parts, time }) =>
    (JSON.parse(parts) as Part[]).flatMap((part) =>
      part.type === 'tool_result'
        ? [{ tool: part.name, outcome: outcomeOf(db, runId, part.callId, part.isError), at: time }]
        : [],
    ),
  );
  return [...answered, ...called];
}

function outcomeOf(db: Database, runId: string, callId: string, isError: boolean): TracedCall['outcome'] {
  if (!isError) return 'done';
  const asked = db.get('SELECT 1 FROM approvals WHERE run_id = ? AND call_id = ?', runId, callId) !== null;
  return asked ? 'asked' : 'failed';
}
