import type { PersonRole } from '../../core/principal.ts';
import type { Tool, ToolGroup, ToolSource } from '../../core/ports/tool.ts';
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
          const may = roleIncludes(role, tool.role ?? commandRole) && offered(agent.tools, group, tool);
          // Who came first keeps the name: nothing that comes and goes can stand in for a tool of ours.
          return may && !names.has(tool.name) && names.add(tool.name);
        });
        if (tools.length > 0) groups.push(tools.length === group.tools.length ? group : { ...group, tools });
      }
    }
    return groups.sort((a, b) => (a.name < b.name ? -1 : 1));
  }
}

/** The last pattern that names the tool or its group decides; one that begins with `!` takes away. */
function offered(patterns: readonly string[], group: ToolGroup, tool: Tool): boolean {
  const last = patterns.findLast((pattern) => {
    const name = pattern.startsWith('!') ? pattern.slice(1) : pattern;
    return matches(name, group.name) || matches(name, tool.name);
  });
  return last !== undefined && !last.startsWith('!');
}

/** `*` stands for any characters. */
function matches(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  const [first = '', ...rest] = pattern.split('*');
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const [index, piece] of rest.entries()) {
    if (index === rest.length - 1) return name.length - piece.length >= at && name.endsWith(piece);
    const found = name.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return true;
}
