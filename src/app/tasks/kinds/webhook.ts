import { ClankerError } from '../../../core/errors.ts';
import type { JsonObject } from '../../../core/message.ts';
import type { HeldPost } from '../../../core/payload.ts';
import type { Clock } from '../../../core/ports/system.ts';
import type { TaskKind } from '../../../core/ports/task-kind.ts';
import type { WebhookPoster } from '../../../core/ports/webhook-poster.ts';
import { roleIncludes } from '../../../core/roles.ts';
import type { Directory } from '../../access/directory.ts';
import type { JobRights } from '../rights.ts';

export interface WebhookKindDeps {
  poster: WebhookPoster;
  clock: Clock;
  rights: JobRights;
  directory: Pick<Directory, 'roleOf'>;
}

/**
 * Posts to a receiver of the configuration, signed; there is nothing to tell then. The key of the work is the id of the
 * message, so that its receiver drops what comes twice. Only owners have something posted.
 */
export const webhookKind = ({ poster, clock, rights, directory }: WebhookKindDeps): TaskKind<'webhook'> => ({
  kind: 'webhook',
  repeatable: true,
  async problem({ name }, owner) {
    if (!roleIncludes(await directory.roleOf(owner), 'owner')) return onlyOwners;
    return poster.names().includes(name) ? null : webhookUnknown(name, poster.names());
  },
  async run({ task, payload, key, signal }) {
    if (!roleIncludes(await rights.of(task), 'owner')) throw new ClankerError('auth', 'not_allowed', onlyOwners);
    const held: HeldPost | null = 'result' in payload ? payload : null;
    const message = {
      type: 'task.finished',
      job: task.jobId,
      task: held?.result.task ?? task.id,
      name: task.name,
      text: held?.result.text ?? null,
      data: held === null ? (('body' in payload ? payload.body : undefined) ?? null) : null,
      at: new Date(clock.now()).toISOString(),
    } satisfies JsonObject;
    await poster.post(payload.name, { id: key, body: JSON.stringify(message) }, signal);
    return { text: '', files: [], outside: null };
  },
});

export const onlyOwners = 'Only owners have something posted to webhooks.';

export const webhookUnknown = (name: string, names: readonly string[]): string =>
  names.length === 0
    ? 'There is no webhook; the operator sets them in [webhooks.out].'
    : `There is no webhook "${name.slice(0, 64)}"; there are ${names.join(', ')}.`;
