/** What the running gateway has of jobs and tasks, as far as something may be wrong with it. */
import type { Job, Task } from '../schedule-text.ts';
import type { ScheduleFacts } from './facts.ts';
import { probe } from './probe.ts';

const dayMs = 86_400_000;
const maxAsked = 200;
/** Of jobs whose whole payload is looked at. */
const maxLookedInto = 50;

/** `webhooks`: those that are configured, null when that is not known. Null when the gateway does not tell. */
export async function inspectSchedule(
  url: string,
  token: string | null,
  webhooks: Readonly<Record<string, unknown>> | null,
): Promise<ScheduleFacts | null> {
  const get = async <T>(path: string): Promise<T | null> => {
    const asked = await probe(`${url}/api/v1/${path}`, token === null ? {} : { authorization: `Bearer ${token}` });
    return 'failure' in asked || asked.answer.status !== 200 ? null : (asked.body as T);
  };
  const since = encodeURIComponent(new Date(Date.now() - dayMs).toISOString());
  const [listed, ended] = await Promise.all([
    get<{ jobs: Job[] }>(`jobs?limit=${maxAsked}`),
    get<{ tasks: Task[] }>(`tasks?state=failed&from=${since}&limit=${maxAsked}`),
  ]);
  if (listed === null || ended === null) return null;
  const jobs = listed.jobs.filter(({ state }) => state !== 'finished');
  const posting = jobs.filter(({ kind }) => kind === 'webhook' || kind === 'workflow').slice(0, maxLookedInto);
  const posted = await Promise.all(posting.map(({ id }) => get<Job>(`jobs/${encodeURIComponent(id)}`)));
  const known = (name: string): boolean => webhooks === null || Object.hasOwn(webhooks, name);
  return {
    jobs: jobs.filter(({ kind }) => kind !== 'chore').length,
    crashed: jobs
      .filter(({ state, reason }) => state === 'paused' && reason === 'crashed')
      .map(({ id, name }) => ({ id, name })),
    failed: ended.tasks.map(({ id, name, error }) => ({ id, name, reason: error?.message ?? '' })),
    lackWebhook: jobs.flatMap((job) => {
      const whole = posted.find((one) => one?.id === job.id);
      const names = [...(job.deliver.to === 'webhook' ? [job.deliver.name] : []), ...webhooksOf(whole?.payload)];
      const webhook = names.find((name) => !known(name));
      return webhook === undefined ? [] : [{ id: job.id, name: job.name, webhook }];
    }),
  };
}

/** The names that a payload, or a step of it, posts to. */
function webhooksOf(payload: unknown): string[] {
  if (typeof payload !== 'object' || payload === null) return [];
  const { kind, name, steps } = payload as { kind?: unknown; name?: unknown; steps?: unknown };
  if (kind === 'webhook' && typeof name === 'string') return [name];
  if (!Array.isArray(steps)) return [];
  return (steps as { do?: unknown; undo?: unknown }[]).flatMap((step) => [
    ...webhooksOf(step.do),
    ...webhooksOf(step.undo),
  ]);
}
