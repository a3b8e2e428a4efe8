import { once } from '../../core/once.ts';
import type { CommandRegistry } from '../commands/registry.ts';
import type { ScheduleCommandDeps } from './asked-in-chat.ts';

/** The commands about reminders, jobs and tasks: /remind /jobs /tasks. What they take is loaded when one is used. */
export function registerScheduleCommands(registry: CommandRegistry, deps: ScheduleCommandDeps): void {
  const remind = once(() => import('./remind-command.ts'));
  const jobs = once(() => import('./jobs-command.ts'));
  const tasks = once(() => import('./tasks-command.ts'));
  registry.register({ name: 'remind', run: async (context) => (await remind()).remind(context, deps) });
  registry.register({ name: 'jobs', run: async (context) => (await jobs()).jobs(context, deps) });
  registry.register({ name: 'tasks', run: async (context) => (await tasks()).tasks(context, deps) });
}
