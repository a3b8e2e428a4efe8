/** Checks of jobs and tasks. */
import type { Check } from './facts.ts';

const maxNamed = 3;

export const switchedOff: Check = ({ gateway, schedule }) => {
  const jobs = schedule?.jobs ?? 0;
  if (jobs === 0 || gateway.reach !== 'up' || gateway.status.schedule.enabled) return null;
  return {
    code: 'scheduler_off',
    problem: `${jobs === 1 ? 'There is a job' : `There are ${jobs} jobs`}, and none runs: the scheduler is switched off.`,
    fix: 'Set scheduler.enabled = true, or remove what is not wanted with: open-clanker jobs remove ID',
  };
};

export const crashedJobs: Check = ({ schedule }) =>
  (schedule?.crashed ?? []).map(({ id, name }) => ({
    code: 'job_crashed',
    problem: `The job "${name}" (${id}) rests, as the gateway ended each time that it ran.`,
    fix: `See what it does with: open-clanker jobs show ${id}; when that is mended: open-clanker jobs resume ${id}`,
  }));

export const failedTasks: Check = ({ gateway, schedule }) => {
  const failed = schedule?.failed ?? [];
  // Those that somebody has cleared since are still among the tasks, but nobody waits for them.
  if (failed.length === 0 || (gateway.reach === 'up' && gateway.status.schedule.failed === 0)) return null;
  const named = failed.slice(0, maxNamed).map(({ id, name, reason }) => `"${name}" (${id}): ${reason}`);
  const more = failed.length > maxNamed ? `; and ${failed.length - maxNamed} more` : '';
  return {
    code: 'tasks_failed',
    problem: `${failed.length === 1 ? 'One task' : `${failed.length} tasks`} failed in the last day: ${named.join('; ')}${more}`,
    fix: 'See why with: open-clanker tasks list --state failed; to queue one again: open-clanker tasks retry ID',
  };
};

export const lackingWebhooks: Check = ({ schedule }) =>
  (schedule?.lackWebhook ?? []).map(({ id, name, webhook }) => ({
    code: 'webhook_unknown',
    problem: `The job "${name}" (${id}) posts to the webhook "${webhook}", which is not configured.`,
    fix: `Write [webhooks.out.${webhook}] into the configuration, or change the job with: open-clanker jobs edit ${id}`,
  }));
