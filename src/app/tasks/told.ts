/** What is said of a task beside what is stored: in the log, on the bus, and to those who send what is on its way out. */
import { textOf, type Message } from '../../core/message.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { TaskRow } from '../../core/ports/schedule-store.ts';
import type { NewOutbound } from '../../core/ports/outbox-store.ts';
import type { LogFields } from '../../core/ports/system.ts';

/** Who sends what is stored; see Delivery. */
export interface Waking {
  wake(conversation: NewOutbound['conversation'], chatType: 'direct' | 'group'): void;
}

export function wakeFor(outbox: readonly Pick<NewOutbound, 'conversation' | 'chatType'>[], delivery: Waking): void {
  for (const { conversation, chatType } of outbox) delivery.wake(conversation, chatType);
}

/** What every line about a task says. */
export const fieldsOf = ({ id, jobId, kind, owner, attempts }: TaskRow): LogFields => ({
  task_id: id,
  job_id: jobId ?? undefined,
  kind,
  person: owner,
  attempt: attempts,
});

export function publishTask(bus: Bus, { id, jobId, kind, state, owner, deliver }: TaskRow): void {
  bus.publish({
    type: 'task.changed',
    taskId: id,
    jobId,
    kind,
    state,
    person: owner,
    ...('sessionKey' in deliver ? { sessionKey: deliver.sessionKey } : {}),
  });
}

export function publishNote(
  bus: Bus,
  { owner, id: correlation }: TaskRow,
  { id, sessionKey, seq, role, parts }: Message,
): void {
  const text = textOf(parts);
  bus.publish({ type: 'message', messageId: id, role, text, messageSeq: seq, sessionKey, person: owner, correlation });
}
