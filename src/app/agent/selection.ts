/**
 * Which tools travel with a request. A model that is only greeted should read no schemas: it costs money with every
 * turn, and small models drown in it. So a group travels once the conversation shows that it is needed: a word of a
 * person, a call of one of its tools, or the model's own wish by `use_tools`. All of it follows from the visible history
 * alone, so equal histories make equal requests and a prompt cache keeps its prefix.
 */
import { textOf, type JsonObject, type Message } from '../../core/message.ts';
import type { ToolSpec } from '../../core/ports/provider.ts';
import type { Tool, ToolGroup } from '../../core/ports/tool.ts';

export const useToolsName = 'use_tools';
const resultsGroup = 'results';
/** Of a message; what is wanted is said at the beginning or, below a long quotation, at the end. */
const maxReadLength = 2000;
/** Groups the model reads of; further ones it can still ask for by name. */
const maxListed = 40;
const maxAboutLength = 80;

/** Names of the groups that a conversation needs, of those that are usable. */
export function neededGroups(groups: readonly ToolGroup[], messages: readonly Message[]): Set<string> {
  const needed = new Set<string>();
  for (const { role, parts } of messages) {
    if (role === 'user') {
      const text = textOf(parts);
      const read =
        text.length <= 2 * maxReadLength ? text : `${text.slice(0, maxReadLength)} ${text.slice(-maxReadLength)}`;
      // Most messages have no word of any group.
      if (anyWord(groups).test(read))
        for (const group of groups) if (!needed.has(group.name) && wordsFor(group).test(read)) needed.add(group.name);
    }
    for (const part of parts) {
      // What reads on in a result that was cut.
      if (part.type === 'tool_result' && part.file !== undefined) needed.add(resultsGroup);
      if (part.type !== 'tool_call') continue;
      const called = groups.find(({ tools }) => tools.some(({ name }) => name === part.name));
      if (called !== undefined) needed.add(called.name);
      if (part.name === useToolsName) for (const name of wanted(part.args)) needed.add(name);
    }
  }
  return needed;
}

/** Made once for each group, and each selection of them: they are asked of every message of every turn. */
const known = new WeakMap<ToolGroup | readonly ToolGroup[], RegExp>();

/** What in a text shows the need for a group: one of its keywords, or the name of one of its tools. */
const wordsFor = (group: ToolGroup): RegExp => patternFor(group, [group]);

const anyWord = (groups: readonly ToolGroup[]): RegExp => patternFor(groups, groups);

function patternFor(key: ToolGroup | readonly ToolGroup[], groups: readonly ToolGroup[]): RegExp {
  let pattern = known.get(key);
  if (pattern === undefined) {
    const words = groups
      .flatMap(({ keywords, tools }) => [...keywords, ...tools.map(({ name }) => name)])
      .map((word) => word.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    pattern = new RegExp(`(?<![\\p{L}\\p{N}_])(?:${words.join('|')})`, 'iu');
    known.set(key, pattern);
  }
  return pattern;
}

/** The groups that a call of `use_tools` names; anything else in it is no name. */
export const wanted = ({ groups }: JsonObject): string[] =>
  (Array.isArray(groups) ? groups : [groups]).filter((name) => typeof name === 'string');

const menuParameters: JsonObject = {
  type: 'object',
  properties: { groups: { type: 'array', items: { type: 'string' } } },
  required: ['groups'],
};

/** Made once for each selection of groups: every turn of all who may use the same has the same one. */
const menus = new WeakMap<readonly ToolGroup[], ToolSpec>();

/** The one tool that always travels: it tells which groups there are, and brings them. Null when there are none. */
export function useToolsSpec(groups: readonly ToolGroup[]): ToolSpec | null {
  if (groups.length === 0) return null;
  const known = menus.get(groups);
  if (known !== undefined) return known;
  const made = menuOf(groups);
  menus.set(groups, made);
  return made;
}

function menuOf(groups: readonly ToolGroup[]): ToolSpec {
  const lines = groups.slice(0, maxListed).map(({ name, about }) => `${name}: ${about.slice(0, maxAboutLength)}`);
  return {
    name: useToolsName,
    description: `Makes tools available, by group, when the task needs them:\n${lines.join('\n')}`,
    parameters: menuParameters,
  };
}

export const specOf = ({ name, description, parameters }: Tool): ToolSpec => ({ name, description, parameters });

/** What the model reads after it asked for groups. */
export function useToolsResult(groups: readonly ToolGroup[], args: JsonObject): { text: string; isError: boolean } {
  const names = wanted(args);
  const found = groups.filter(({ name }) => names.includes(name));
  const missing = names.filter((name) => !groups.some((group) => group.name === name));
  const lines = found.map(({ name, tools }) => `${name}: ${tools.map((tool) => tool.name).join(', ')}`);
  if (lines.length > 0) lines.unshift('Available from now on:');
  if (missing.length > 0) lines.push(`Not there: ${missing.join(', ').slice(0, 200)}.`);
  if (missing.length > 0 || names.length === 0) lines.push(`There are: ${groups.map(({ name }) => name).join(', ')}`);
  return { text: lines.join('\n'), isError: found.length === 0 };
}
