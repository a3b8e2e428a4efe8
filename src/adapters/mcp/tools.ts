import type { JsonObject } from '../../core/message.ts';
import { named } from '../../core/name-patterns.ts';
import { type Effect, effects, type Tool, type ToolCall, type ToolOutput } from '../../core/ports/tool.ts';
import { toolNames } from './names.ts';
import type { McpServerOptions } from './options.ts';
import { argumentProblem, boundedSchema, cut, isObject, oneLine } from './schema.ts';

/** More tools than this of one server are more than a model can choose from; `allow` says which. */
const maxTools = 128;
const maxDescription = 500;

export interface OfferedTools {
  tools: Tool[];
  /** What was left out and why, a sentence each. */
  leftOut: string[];
}

type Call = (tool: string, args: JsonObject, call: ToolCall) => Promise<ToolOutput>;

/** The tools of a server as ours: sorted by name, so that the same server always makes the same prompt. */
export function offeredTools(
  listed: readonly unknown[],
  group: string,
  options: McpServerOptions,
  call: Call,
): OfferedTools {
  const found = new Map<string, JsonObject>();
  for (const tool of listed) {
    if (!isObject(tool) || typeof tool['name'] !== 'string' || tool['name'] === '') continue;
    const { name } = tool;
    const allowed = named(options.allow, name) && !named(options.deny, name);
    if (allowed && !found.has(name)) found.set(name, tool);
  }
  const names = toolNames(group, [...found.keys()]);
  const leftOut: string[] = [];
  const tools: Tool[] = [];
  for (const [theirs, ours] of [...names].toSorted(([, a], [, b]) => (a < b ? -1 : 1))) {
    const tool = found.get(theirs) ?? {};
    const bounded = boundedSchema(tool['inputSchema']);
    if ('problem' in bounded) leftOut.push(`${cut(oneLine(theirs), 80)}: ${bounded.problem}`);
    else if (tools.length < maxTools)
      tools.push(toolOf(tool, ours, bounded.parameters, options, (args, by) => call(theirs, args, by)));
    else leftOut.push(`${cut(oneLine(theirs), 80)}: it has more than ${maxTools} tools; choose with \`allow\``);
  }
  return { tools, leftOut };
}

function toolOf(
  { description, annotations }: JsonObject,
  name: string,
  parameters: JsonObject,
  { effects: configured, timeout, role }: McpServerOptions,
  run: (args: JsonObject, call: ToolCall) => Promise<ToolOutput>,
): Tool {
  const about = typeof description === 'string' ? oneLine(description) : '';
  const counted = effectsOf(configured, isObject(annotations) && annotations['readOnlyHint'] === true);
  return {
    name,
    description: cut(about, maxDescription),
    parameters,
    effects: counted,
    timeoutMs: timeout,
    role,
    prepare(args) {
      const problem = argumentProblem(parameters, args);
      return problem === null ? { effects: counted, run: (call) => run(args, call) } : { problem };
    },
  };
}

/** What the operator says stands; else a tool that does not say that it only reads may do more. */
function effectsOf(configured: readonly string[] | undefined, saysItReads: boolean): Effect[] {
  if (configured !== undefined && configured.length > 0) return effects.filter((effect) => configured.includes(effect));
  return saysItReads ? ['read'] : ['write', 'send'];
}
