import { once } from '../../core/once.ts';
import type { Calendar } from '../../core/ports/calendar.ts';
import type { PersonSettings } from '../../core/ports/preferences.ts';
import type { ScheduleGateway } from '../../core/ports/schedule-gateway.ts';
import type { CommandRegistry } from '../commands/registry.ts';

export interface ScheduleCommandDeps {
  schedule: ScheduleGateway;
  preferences: Pick<PersonSettings, 'get'>;
  /** Of people who did not say theirs: an IANA name. */
  zone: () => string;
  calendar: Pick<Calendar, 'wall'>;
}

/** The commands about reminders, jobs and tasks: /remind /jobs /tasks. What they take is loaded when one is used. */
export function registerScheduleCommands(registry: CommandRegistry, deps: ScheduleCommandDeps): void {
  const remind = once(() => import('./remind-command.ts'));
  const jobs = once(() => import('./jobs-command.ts'));
  const tasks = once(() => import('./tasks-command.ts'));
  registry.register({ name: 'remind', run: async (context) => (await remind()).remind(context, deps) });
  registry.register({ name: 'jobs', run: async (context) => (await jobs()).jobs(context, deps) });
  registry.register({ name: 'tasks', run: async (context) => (await tasks()).tasks(context, deps) });
}
