/** Skills for the model: listed in a line each, read when one is wanted. */
import * as z from 'zod/mini';
import { defineTool } from '../../../core/define-tool.ts';
import { FrontMatterError, type ReadHead } from '../../../core/front-matter.ts';
import { named } from '../../../core/name-patterns.ts';
import type { Tool, ToolGroup, ToolOutput, ToolSource } from '../../../core/ports/tool.ts';
import { filesInside, readInside, Refused } from './files.ts';
import { readSkill, type Skill } from './scan.ts';
import type { SkillShelf } from './shelf.ts';

const maxFileBytes = 262_144;
const maxListed = 60;
const maxShownDescription = 240;
const maxAbout = 60;
const maxKeywords = 40;
const minKeywordLength = 4;

export interface SkillsDeps {
  shelf: SkillShelf;
  /** Patterns of the names that an agent may use; null is the default agent. */
  skillsOf: (agent: string | null) => readonly string[];
  loadReader: () => Promise<ReadHead>;
}

export function skillsTools(deps: SkillsDeps): ToolSource {
  const tools = [listTool(deps), loadTool(deps)];
  let made: { skills: string; group: ToolGroup } | null = null;
  return {
    groups() {
      const names = deps.shelf.skills.map(({ name }) => name);
      if (names.length === 0) return [];
      const skills = names.join(' ');
      if (made?.skills !== skills) made = { skills, group: groupOf(names, tools) };
      return [made.group];
    },
  };
}

function groupOf(names: readonly string[], tools: readonly Tool[]): ToolGroup {
  const words = names.flatMap((name) => name.split('-')).filter((word) => word.length >= minKeywordLength);
  return {
    name: 'skills',
    about: aboutOf(names),
    keywords: [...new Set(['skill', ...words])].slice(0, maxKeywords),
    tools,
  };
}

/** The first names, as many as have room. */
function aboutOf(names: readonly string[]): string {
  let about = 'How to:';
  for (const [index, name] of names.entries()) {
    const next = `${about}${index === 0 ? ' ' : ', '}${name}`;
    const more = names.length - index - 1;
    if (next.length + (more > 0 ? `, +${more}`.length : 0) > maxAbout) {
      return index === 0 ? `${names.length} skills for tasks done here` : `${about}, +${names.length - index}`;
    }
    about = next;
  }
  return about;
}

async function usable({ shelf, skillsOf }: SkillsDeps, agent: string | null): Promise<Skill[]> {
  await shelf.refresh();
  const patterns = skillsOf(agent);
  return shelf.skills.filter(({ name }) => named(patterns, name));
}

const failure = (text: string): ToolOutput => ({ text, isError: true });

function listTool(deps: SkillsDeps): Tool {
  return defineTool({
    name: 'skills',
    description: 'Lists the skills (written instructions for tasks). Look here before a task that one may cover.',
    effects: ['read'],
    input: () => z.strictObject({ filter: z.optional(z.string().check(z.maxLength(100))) }),
    run: async ({ filter = '' }, { agent }) => {
      const words = filter.toLowerCase().split(/\s+/);
      const found = (await usable(deps, agent)).filter(({ name, description }) =>
        words.every((word) => `${name} ${description.toLowerCase()}`.includes(word)),
      );
      if (found.length === 0) return { text: filter === '' ? 'There are no skills.' : 'No skill fits that filter.' };
      const lines = found
        .slice(0, maxListed)
        .map(({ name, description }) => `${name}: ${description.slice(0, maxShownDescription)}`);
      if (found.length > maxListed) lines.push(`and ${found.length - maxListed} more; use a filter`);
      return { text: lines.join('\n') };
    },
  });
}

function loadTool(deps: SkillsDeps): Tool {
  return defineTool({
    name: 'load_skill',
    description: 'Reads a skill, or one of the files that it names. Follow what it says.',
    effects: ['read'],
    input: () =>
      z.strictObject({
        name: z.string().check(z.maxLength(100)),
        file: z.optional(z.string().check(z.maxLength(300))),
      }),
    run: async ({ name, file }, { agent }) => {
      const all = await usable(deps, agent);
      const skill = all.find((each) => each.name === name);
      if (skill === undefined) {
        const names = all.slice(0, maxListed).map((each) => each.name);
        return failure(`There is no skill ${JSON.stringify(name)}. There are: ${names.join(', ') || 'none'}.`);
      }
      try {
        return {
          text: file === undefined ? await whole(skill, deps) : await readInside(skill.folder, file, maxFileBytes),
        };
      } catch (error) {
        if (!(error instanceof Refused || error instanceof FrontMatterError)) throw error;
        return failure(`${file ?? 'SKILL.md'} of ${name} cannot be read: ${error.message}.`);
      }
    },
  });
}

async function whole(skill: Skill, { loadReader }: SkillsDeps): Promise<string> {
  const { body } = await readSkill(skill.folder, loadReader);
  const files = await filesInside(skill.folder);
  const notes = [
    skill.allowedTools.length === 0 ? '' : `It was written for these tools: ${skill.allowedTools.join(', ')}.`,
    files.length === 0 ? '' : `Files of it, to be read with load_skill: ${files.join(', ')}`,
  ].filter((line) => line !== '');
  return [body, ...notes].join('\n\n');
}
