import { stories, type StoryWords } from './notices/story.ts';
import type { FeedbackRow, OutboxRow } from './ports/outbox-store.ts';
import type { MessageTrace } from './ports/overview-store.ts';
import type { AttemptRow, RunRow } from './ports/run-store.ts';

/** The story of one message, a line per station, ending with where it stands. Rebuilt from durable rows alone. */
export function storyOf(trace: MessageTrace, words: StoryWords = stories.en): string[] {
  const { inbox, run, attempts, calls, outbox, feedback, mergedInto } = trace;
  const who = inbox.sender.display === '' ? inbox.sender.native : inbox.sender.display;
  const from = inbox.conversation === null ? inbox.channel : `${inbox.channel}:${inbox.account}`;
  const story = [`${time(inbox.receivedAt)}  ${words.received(who, from)}`];
  switch (inbox.state) {
    case 'refused':
      return [...story, words.refused(inbox.reason)];
    case 'handled':
      return [...story, words.handled(inbox.reason)];
    case 'merged':
      return [...story, words.merged(mergedInto, `open-clanker why ${mergedInto ?? 'ID'}`)];
    default:
  }
  story.push(words.authorised(inbox.owner, inbox.sessionKey));
  if (inbox.state === 'queued') return [...story, words.waits(inbox.starts)];
  if (run !== null) story.push(runLine(run, words));
  const steps = [
    // By their ends: the calls of an answer come after it, and before the next one.
    ...attempts.map((attempt) => ({ at: attempt.finishedAt ?? attempt.startedAt, line: attemptLine(attempt, words) })),
    ...calls.map(({ tool, outcome, at }) => ({ at, line: `${time(at)}  ${words.calls[outcome](tool)}` })),
  ];
  story.push(...steps.toSorted((a, b) => a.at - b.at).map(({ line }) => line));
  story.push(...outbox.map((row) => outboxLine(row, words)), ...feedback.map((row) => feedbackLine(row, words)));
  return [...story, ending(trace, words)];
}

const runLine = ({ id, model, starts, startedAt }: RunRow, words: StoryWords): string =>
  `${time(startedAt)}  ${words.began(id, model, starts)}`;

function attemptLine({ startedAt, finishedAt, ...attempt }: AttemptRow, words: StoryWords): string {
  const { outcome, usage, detail, status } = attempt;
  const model = `${attempt.provider}/${attempt.model}`;
  const took = finishedAt === null ? null : `${finishedAt - startedAt} ms`;
  const said = (): string => {
    if (outcome === null) return words.unanswered(model);
    if (outcome === 'ok') return words.answered(model, took, usage);
    return words.failed(model, took, `${detail ?? outcome}${status === null ? '' : ` (HTTP ${status})`}`);
  };
  return `${time(startedAt)}  ${said()}`;
}

function outboxLine({ conversation, part: at, state, attempts, resent, error }: OutboxRow, words: StoryWords): string {
  const to = `${conversation.channel}:${conversation.account}`;
  const part = at + 1;
  switch (state) {
    case 'sent':
      return words.sent(part, to, attempts, resent);
    case 'uncertain':
      return words.uncertain(part, to, error ?? '');
    case 'dead':
      return words.undeliverable(part, to, attempts, error);
    case 'planned':
      return words.planned(part, to, error);
    case 'streaming':
      return words.growing(to);
    default:
      return words.sending(part, to);
  }
}

const feedbackLine = ({ sender, value, at }: FeedbackRow, words: StoryWords): string =>
  `${time(at)}  ${words.reacted(sender.display === '' ? sender.native : sender.display, value)}`;

function ending({ inbox, run, outbox }: MessageTrace, words: StoryWords): string {
  const error = run?.error?.message ?? inbox.error?.message ?? null;
  switch (inbox.state) {
    case 'running':
      return words.atWork;
    case 'failed':
      return words.stopped(error);
    case 'dead':
      return words.givenUp(error, `open-clanker dead retry ${inbox.id}`);
    default:
  }
  if (outbox.some((row) => row.state === 'dead')) return words.notAllDelivered;
  if (outbox.some((row) => row.state === 'uncertain')) return words.notCertain;
  if (outbox.some((row) => row.state !== 'sent')) return words.deliveryGoesOn;
  if (run?.state === 'aborted') return words.aborted;
  return outbox.length > 0 ? words.answeredAndDelivered : words.answeredOnly;
}

const time = (at: number): string => new Date(at).toISOString().slice(0, 19).replace('T', ' ');
