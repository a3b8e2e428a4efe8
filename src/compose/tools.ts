import type { ToolSource } from '../core/ports/tool.ts';

/** The tools that the configuration in force offers; made anew by a reload. */
export function toolSources(): ToolSource[] {
  return [];
}
