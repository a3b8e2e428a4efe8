import { calculatorTools } from '../adapters/tools/calculator/index.ts';
import { chatMemoryTools } from '../adapters/tools/chat-memory/index.ts';
import { clockTools } from '../adapters/tools/clock/index.ts';
import { notesTools } from '../adapters/tools/notes/index.ts';
import { preferenceTools } from '../adapters/tools/preferences/index.ts';
import { scheduleTools } from '../adapters/tools/schedule/index.ts';
import { askAgent } from '../app/agent/ask-agent.ts';
import type { ToolGroup, ToolSource } from '../core/ports/tool.ts';
import { personTools } from './person-tools.ts';
import type { Schedule } from './schedule.ts';
import { webGroup } from './web.ts';

/** The tools that the configuration in force offers; made anew by a reload. */
export function toolSources(parts: Schedule): ToolSource[] {
  const { store, clock, live, notes, preferences, schedule } = parts;
  const { config } = live;
  const groups: ToolGroup[] = [
    ...(config.memory.notes ? [notesTools({ notes })] : []),
    chatMemoryTools({ store }),
    clockTools({ clock, timeZone: (person) => live.zoneOf(person, store) }),
    calculatorTools(),
    preferenceTools(preferences),
    scheduleTools({ schedule }),
    webGroup(config, parts),
  ];
  const agents = askAgent({ ...parts, agents: () => live.agentNames, agent: (name) => live.agent(name) });
  return [{ groups: () => groups }, agents, personTools(config, parts)];
}
