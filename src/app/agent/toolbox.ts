import { named } from '../../core/name-patterns.ts';
import type { PersonRole } from '../../core/principal.ts';
import type { ToolGroup, ToolSource } from '../../core/ports/tool.ts';
import { commandRole, roleIncludes } from '../../core/roles.ts';
import type { AgentSettings } from './settings.ts';

/** All the tools there are, and which of them an agent may use for a person. */
export class Toolbox {
  #sources: readonly ToolSource[] = [];

  /** Takes effect for runs that begin from now on. */
  configure(sources: readonly ToolSource[]): void {
    this.#sources = sources;
  }

  /** By name, each with its usable tools by name: the order of a request must not depend on who was there first. */
  usable(agent: Pick<AgentSettings, 'tools'>, role: PersonRole): ToolGroup[] {
    const groups: ToolGroup[] = [];
    const names = new Set<string>();
    for (const source of this.#sources) {
      for (const group of source.groups()) {
        const tools = group.tools.filter((tool) => {
          const may = roleIncludes(role, tool.role ?? commandRole) && named(agent.tools, group.name, tool.name);
          // Who came first keeps the name: nothing that comes and goes can stand in for a tool of ours.
          return may && !names.has(tool.name) && names.add(tool.name);
        });
        if (tools.length > 0) groups.push(tools.length === group.tools.length ? group : { ...group, tools });
      }
    }
    return groups.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}
