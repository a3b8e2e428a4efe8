import { calculatorTools } from '../adapters/tools/calculator/index.ts';
import { chatMemoryTools } from '../adapters/tools/chat-memory/index.ts';
import { clockTools } from '../adapters/tools/clock/index.ts';
import { notesTools } from '../adapters/tools/notes/index.ts';
import { preferenceTools } from '../adapters/tools/preferences/index.ts';
import { scheduleTools } from '../adapters/tools/schedule/index.ts';
import { askAgent, type AskAgentDeps } from '../app/agent/ask-agent.ts';
import type { Notes } from '../core/ports/notes.ts';
import type { PersonSettings } from '../core/ports/preferences.ts';
import type { ScheduleGateway } from '../core/ports/schedule-gateway.ts';
import type { Store } from '../core/ports/store.ts';
import type { ToolGroup, ToolSource } from '../core/ports/tool.ts';
import type { LiveConfig } from './live-config.ts';
import { personTools, type PersonToolDeps } from './person-tools.ts';
import { webGroup, type WebToolDeps } from './web.ts';

export interface ToolDeps extends WebToolDeps, PersonToolDeps, Omit<AskAgentDeps, 'agents' | 'agent'> {
  store: Store;
  live: LiveConfig;
  notes: Notes;
  preferences: PersonSettings;
  schedule: ScheduleGateway;
}

/** The tools that the configuration in force offers; made anew by a reload. */
export function toolSources(deps: ToolDeps): ToolSource[] {
  const { store, clock, live, notes, preferences, schedule } = deps;
  const { config } = live;
  const groups: ToolGroup[] = [
    ...(config.memory.notes ? [notesTools({ notes })] : []),
    chatMemoryTools({ store }),
    clockTools({ clock, timeZone: (person) => live.zoneOf(person, store) }),
    calculatorTools(),
    preferenceTools(preferences),
    scheduleTools({ schedule }),
    webGroup(config, deps),
  ];
  const agents = askAgent({ ...deps, agents: () => live.agentNames, agent: (name) => live.agent(name) });
  return [{ groups: () => groups }, agents, personTools(config, deps)];
}
