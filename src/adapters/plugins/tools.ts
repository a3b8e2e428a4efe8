/** Tools of a plugin as tools of ours: checked when they come, and contained when they run. */
import { defineTool } from '../../core/define-tool.ts';
import type { JsonObject } from '../../core/message.ts';
import {
  type Effect,
  effects,
  type Tool,
  type ToolCall,
  type ToolGroup,
  type ToolOutput,
} from '../../core/ports/tool.ts';
import type { PluginResult, PluginTool, PluginTools } from '../../plugin-api/index.ts';
import { objectSchema } from './arguments.ts';
import { PluginProblem, wordsOf } from './problem.ts';

const maxTools = 50;
const maxNameLength = 64;
const maxDescription = 1000;
const maxAbout = 60;
const maxKeywords = 60;
/** A longer result is a defect; what is merely long is kept and cut by the loop. */
const maxResultLength = 4_000_000;

/** Throws PluginProblem when anything about them is wrong: half a plugin helps nobody. */
export function toolGroup(plugin: string, parts: PluginTools, failed: (error: unknown) => void): ToolGroup {
  const { about, keywords, tools } = parts;
  if (typeof about !== 'string' || about.trim() === '' || about.length > maxAbout)
    throw new PluginProblem(`tools.about is not a text of 1 to ${maxAbout} characters`);
  if (!isTexts(keywords) || keywords.length > maxKeywords)
    throw new PluginProblem(`tools.keywords is not a list of at most ${maxKeywords} words`);
  if (!Array.isArray(tools) || tools.length === 0 || tools.length > maxTools)
    throw new PluginProblem(`tools.tools is not a list of 1 to ${maxTools} tools`);
  // Nothing of ours is called so, hence nothing of ours can be stood in for.
  const name = `plugin_${plugin.replaceAll('-', '_')}`;
  const made = (tools as readonly PluginTool[]).map((tool) => toolOf(name, tool, failed));
  const names = made.map((tool) => tool.name);
  const twice = names.find((each, index) => names.indexOf(each) !== index);
  if (twice !== undefined) throw new PluginProblem(`it has two tools of the name ${twice}`);
  return { name, about, keywords: keywords.map((word) => word.toLowerCase()), tools: made };
}

const isTexts = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && item !== '');

function toolOf(group: string, tool: PluginTool, failed: (error: unknown) => void): Tool {
  const { name, description, parameters, effects: most, effectsOf, run } = tool;
  const own = `${group}__${name}`;
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, maxNameLength)) : 'without a name';
  if (typeof name !== 'string' || !/^[a-z][a-z0-9_]*$/.test(name) || own.length > maxNameLength)
    throw new PluginProblem(
      `a tool ${shown}: its name is not a-z 0-9 _ of at most ${maxNameLength - group.length - 2} characters`,
    );
  if (typeof description !== 'string' || description === '' || description.length > maxDescription)
    throw new PluginProblem(`the tool ${shown}: its description is not a text of 1 to ${maxDescription} characters`);
  if (!isEffects(most))
    throw new PluginProblem(`the tool ${shown}: its effects are not a list of ${effects.join(', ')}`);
  if (typeof run !== 'function') throw new PluginProblem(`the tool ${shown} has no function "run"`);
  const input = objectSchema(parameters);
  const made = defineTool({
    name: own,
    description,
    effects: most,
    ...(tool.idempotent === undefined ? {} : { idempotent: tool.idempotent }),
    ...(tool.timeoutMs === undefined ? {} : { timeoutMs: tool.timeoutMs }),
    ...(tool.role === undefined ? {} : { role: tool.role }),
    input: () => input,
    effectsOf: (args) => narrowed(most, () => effectsOf?.(args as JsonObject)),
    run: async (args, call) => {
      try {
        return outputOf(await untilAborted(call.signal, async () => run.call(tool, args as JsonObject, callOf(call))));
      } catch (error) {
        if (call.signal.aborted) throw error;
        failed(error);
        return { text: `The tool failed: ${wordsOf(error)}`, isError: true };
      }
    },
  });
  // Copied, the schema that the model reads is made now: what is wrong with it must not be found in somebody's turn.
  return { ...made };
}

const isEffects = (value: unknown): value is readonly Effect[] =>
  Array.isArray(value) && value.length > 0 && value.every((item) => (effects as readonly unknown[]).includes(item));

/** What a call does is never more, and in doubt as much, as the tool may do. */
function narrowed(most: readonly Effect[], ask: () => unknown): readonly Effect[] {
  try {
    const said = ask();
    return isEffects(said) && said.every((effect) => most.includes(effect)) ? said : most;
  } catch {
    return most;
  }
}

function untilAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    if (signal.aborted) return stop();
    signal.addEventListener('abort', stop, { once: true });
    void work()
      .then(resolve, reject)
      .finally(() => signal.removeEventListener('abort', stop));
  });
}

const callOf = ({ person, role, agent, channel, chatType, language, signal }: ToolCall) => ({
  person,
  role,
  agent,
  channel,
  chatType,
  language,
  signal,
});

function outputOf(result: PluginResult | string): ToolOutput {
  const { text, isError, outside } = typeof result === 'string' ? { text: result } : (result ?? {});
  if (typeof text !== 'string') throw new PluginProblem('its result is no text');
  if (text.length > maxResultLength) throw new PluginProblem(`its result is longer than ${maxResultLength} characters`);
  return {
    text,
    ...(isError === true ? { isError } : {}),
    ...(typeof outside === 'string' && outside !== '' ? { outside: outside.slice(0, 60) } : {}),
  };
}
