import type { AttemptRow, FeedbackRow, MessageTrace, OutboxRow, RunRow, TracedCall } from './ports/store.ts';

/** The story of one message, a line per station, ending with where it stands. Rebuilt from durable rows alone. */
export function storyOf(trace: MessageTrace): string[] {
  const { inbox, run, attempts, calls, outbox, feedback, mergedInto } = trace;
  const who = inbox.sender.display === '' ? inbox.sender.native : inbox.sender.display;
  const from = inbox.conversation === null ? inbox.channel : `${inbox.channel}:${inbox.account}`;
  const story = [`${time(inbox.receivedAt)}  Received from ${who} on ${from} and stored.`];
  switch (inbox.state) {
    case 'refused':
      return [...story, `It was refused: ${inbox.reason ?? 'no reason was recorded'}. Nothing was sent to a model.`];
    case 'handled':
      return [...story, `It needed no model: ${inbox.reason ?? 'it was handled on arrival'}.`];
    case 'merged':
      return [
        ...story,
        `It was answered together with ${mergedInto ?? 'another message'}; see: open-clanker why ${mergedInto ?? 'ID'}`,
      ];
    default:
  }
  story.push(`Authorised as ${inbox.owner}, queued in session ${inbox.sessionKey}.`);
  if (inbox.state === 'queued') {
    const again = inbox.starts > 0 ? ` It was started ${times(inbox.starts)} before.` : '';
    return [...story, `It waits for its turn.${again}`];
  }
  if (run !== null) story.push(...runLines(run));
  const steps = [
    // By their ends: the calls of an answer come after it, and before the next one.
    ...attempts.map((attempt) => ({ at: attempt.finishedAt ?? attempt.startedAt, line: attemptLine(attempt) })),
    ...calls.map((call) => ({ at: call.at, line: callLine(call) })),
  ];
  story.push(...steps.toSorted((a, b) => a.at - b.at).map(({ line }) => line));
  story.push(...outbox.map(outboxLine), ...feedback.map(feedbackLine));
  return [...story, ending(trace)];
}

function runLines(run: RunRow): string[] {
  const restarted = run.starts > 1 ? ` It was started ${times(run.starts)}: the gateway stopped in between.` : '';
  return [`${time(run.startedAt)}  Run ${run.id} began${run.model === null ? '' : ` with ${run.model}`}.${restarted}`];
}

function attemptLine(attempt: AttemptRow): string {
  const name = `${time(attempt.startedAt)}  Asked ${attempt.provider}/${attempt.model}`;
  if (attempt.outcome === null) return `${name}; no outcome was recorded (still running, or cut by a crash).`;
  const took = attempt.finishedAt === null ? '' : ` after ${attempt.finishedAt - attempt.startedAt} ms`;
  if (attempt.outcome === 'ok') {
    const { usage } = attempt;
    return `${name}; it answered${took}${usage === null ? '' : ` (${usage.input} tokens in, ${usage.output} out)`}.`;
  }
  const status = attempt.status === null ? '' : ` (HTTP ${attempt.status})`;
  return `${name}; it failed${took}: ${attempt.detail ?? attempt.outcome}${status}.`;
}

function callLine({ tool, outcome, at }: TracedCall): string {
  const became = {
    done: `Called ${tool}.`,
    failed: `Called ${tool}; it came to an error.`,
    asked: `Asked a person whether ${tool} may be called.`,
    approved: `It approved the call of ${tool}, which was carried out.`,
    denied: `It denied the call of ${tool}.`,
  }[outcome];
  return `${time(at)}  ${became}`;
}

function outboxLine(row: OutboxRow): string {
  const to = `${row.conversation.channel}:${row.conversation.account}`;
  const tries = row.attempts > 1 ? ` after ${row.attempts} attempts` : '';
  switch (row.state) {
    case 'sent':
      return `Part ${row.part + 1} was delivered to ${to}${tries}${row.resent ? '; it may have arrived twice' : ''}.`;
    case 'uncertain':
      return `Part ${row.part + 1} may have reached ${to}; the answer of the platform was lost: ${row.error ?? ''}`;
    case 'dead':
      return `Part ${row.part + 1} could not be delivered to ${to}${tries}: ${row.error ?? 'no reason was recorded'}`;
    case 'planned':
      return `Part ${row.part + 1} waits to be sent to ${to}${row.error === null ? '' : `; last attempt: ${row.error}`}.`;
    case 'streaming':
      return `The reply is growing on ${to}.`;
    default:
      return `Part ${row.part + 1} is being sent to ${to}.`;
  }
}

const feedbackLine = ({ sender, value, at }: FeedbackRow): string =>
  `${time(at)}  ${sender.display === '' ? sender.native : sender.display} reacted with ${value}.`;

function ending({ inbox, run, outbox }: MessageTrace): string {
  const error = run?.error?.message ?? inbox.error?.message ?? 'no reason was recorded';
  switch (inbox.state) {
    case 'running':
      return 'It is being worked on.';
    case 'failed':
      return `It stopped here: ${error}`;
    case 'dead':
      return `It was given up: ${error} To try again: open-clanker dead retry ${inbox.id}`;
    default:
  }
  if (outbox.some((row) => row.state === 'dead')) return 'It was answered, but not everything could be delivered.';
  if (outbox.some((row) => row.state === 'uncertain')) return 'It was answered; whether all arrived is not certain.';
  if (outbox.some((row) => row.state !== 'sent')) return 'It was answered; delivery goes on.';
  if (run?.state === 'aborted') return 'It was stopped by who asked.';
  return outbox.length > 0 ? 'It was answered and delivered.' : 'It was answered.';
}

const times = (count: number): string => (count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`);
const time = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');
