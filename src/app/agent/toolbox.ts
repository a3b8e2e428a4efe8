import { named } from '../../core/name-patterns.ts';
import type { PersonRole } from '../../core/principal.ts';
import type { ToolGroup, ToolSource } from '../../core/ports/tool.ts';
import { commandRole, roleIncludes } from '../../core/roles.ts';
import type { AgentSettings } from './settings.ts';

/** All the tools there are, and which of them an agent may use for a person. */
export class Toolbox {
  #sources: readonly ToolSource[] = [];
  /** What there was when it was last asked for, and what of it is usable: few things change between two runs. */
  #groups: readonly ToolGroup[] = [];
  #usable = new WeakMap<AgentSettings['tools'], Map<PersonRole, readonly ToolGroup[]>>();

  /** Takes effect for runs that begin from now on. */
  configure(sources: readonly ToolSource[]): void {
    this.#sources = sources;
  }

  /** Resolves once every source had its chance to be there, which can take as long as programs of others take to start. */
  async arrived(): Promise<void> {
    await Promise.all(this.#sources.map(async (source) => source.arrived?.()));
  }

  /** By name, each with its usable tools by name: the order of a request must not depend on who was there first. */
  usable({ tools }: Pick<AgentSettings, 'tools'>, role: PersonRole): readonly ToolGroup[] {
    const groups = this.#sources.flatMap((source) => source.groups());
    if (groups.length !== this.#groups.length || groups.some((group, n) => group !== this.#groups[n])) {
      this.#groups = groups;
      this.#usable = new WeakMap();
    }
    const byRole = this.#usable.get(tools) ?? new Map<PersonRole, readonly ToolGroup[]>();
    this.#usable.set(tools, byRole);
    const usable = byRole.get(role) ?? usableOf(groups, tools, role);
    byRole.set(role, usable);
    return usable;
  }

  /** Names in a list of an agent that are those of no group and no tool: most likely slips of the pen. */
  unknown({ tools }: Pick<AgentSettings, 'tools'>): string[] {
    const groups = this.#sources.flatMap((source) => source.groups());
    const known = new Set(groups.flatMap((group) => [group.name, ...group.tools.map(({ name }) => name)]));
    const names = tools.map((pattern) => (pattern.startsWith('!') ? pattern.slice(1) : pattern));
    return names.filter((name) => !name.includes('*') && !comesAndGoes.test(name) && !known.has(name));
  }
}

/** Those of others come and go, and so may what they are called. */
const comesAndGoes = /^(?:mcp_|plugin_|skills$|agents$|exec$)/;

function usableOf(all: readonly ToolGroup[], patterns: readonly string[], role: PersonRole): ToolGroup[] {
  const groups: ToolGroup[] = [];
  const names = new Set<string>();
  for (const group of all) {
    const tools = group.tools.filter((tool) => {
      const may = roleIncludes(role, tool.role ?? commandRole) && named(patterns, group.name, tool.name);
      // Who came first keeps the name: nothing that comes and goes can stand in for a tool of ours.
      return may && !names.has(tool.name) && names.add(tool.name);
    });
    if (tools.length > 0) groups.push(tools.length === group.tools.length ? group : { ...group, tools });
  }
  return groups.sort((a, b) => (a.name < b.name ? -1 : 1));
}
