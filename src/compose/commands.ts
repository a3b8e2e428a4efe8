import { registerAccessCommands } from '../app/access/commands.ts';
import { registerUsageCommands } from '../app/budget/commands.ts';
import { registerBuiltinCommands } from '../app/commands/builtin.ts';
import { registerInspectCommands } from '../app/commands/inspect.ts';
import type { Status } from '../app/gateway/status.ts';
import { registerNotesCommands } from '../app/notes/commands.ts';
import { registerPreferenceCommands } from '../app/preferences/commands.ts';
import { registerScheduleCommands } from '../app/schedule/commands.ts';
import type { Schedule } from './schedule.ts';

/** What people may say with a slash in chats. */
export function composeCommands(schedule: Schedule, status: Status): void {
  const { live, commands, notes, preferences } = schedule;
  registerAccessCommands(commands, schedule);
  registerScheduleCommands(commands, { ...schedule, zone: () => live.timeZone });
  registerNotesCommands(commands, notes);
  registerUsageCommands(commands, schedule);
  registerPreferenceCommands(commands, preferences);
  registerBuiltinCommands(commands, { ...schedule, modelLine: (words) => live.modelLine(words) });
  registerInspectCommands(commands, {
    ...schedule,
    status: () => status.status(),
    defaultModel: () => live.model.name,
  });
}
