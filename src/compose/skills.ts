import path from 'node:path';
import { skillsTools } from '../adapters/tools/skills/index.ts';
import { filesInside } from '../adapters/tools/skills/files.ts';
import { readSkill, type Scan, type Skill, type SkillFolder, SkillScanner } from '../adapters/tools/skills/scan.ts';
import { SkillShelf, type SkillsSettings } from '../adapters/tools/skills/shelf.ts';
import type { LoadedConfig } from '../config/index.ts';
import { notFound } from '../core/errors.ts';
import type { ReadHead } from '../core/front-matter.ts';
import type { ToolSource } from '../core/ports/tool.ts';
import type { Ground } from './ground.ts';

const loadReader = async (): Promise<ReadHead> => (await import('../config/front-matter.ts')).readHead;

/** The folders of a configuration: those it names, else the two usual places. */
function skillFolders({ config, folder, dataDir, file }: LoadedConfig): SkillFolder[] {
  const { folders } = config.skills;
  if (folders !== undefined) return folders.map((each) => ({ path: path.resolve(folder, each), wanted: true }));
  // Without a file there is no "beside it": the working directory may be anybody's.
  const usual = file === null ? [dataDir] : [folder, dataDir];
  return usual.map((each) => ({ path: path.join(each, 'skills'), wanted: false }));
}

/** The skills of the running gateway, and what keeps them as they are on disk. */
export function skillsPart({ live, clock, log }: Ground): {
  source: ToolSource;
  watch: (signal: AbortSignal) => Promise<void>;
} {
  let [made, settings]: [LoadedConfig | null, SkillsSettings | null] = [null, null];
  const shelf = new SkillShelf({
    clock,
    log,
    loadReader,
    settings() {
      const { loaded } = live;
      if (settings === null || made !== loaded) {
        const { enabled, allow, deny } = loaded.config.skills;
        [made, settings] = [loaded, { enabled, allow, deny, folders: skillFolders(loaded) }];
      }
      return settings;
    },
  });
  const skillsOf = (agent: string | null): readonly string[] =>
    (agent === null ? undefined : live.config.agents[agent])?.skills ?? live.config.agent.skills;
  return { source: skillsTools({ shelf, skillsOf, loadReader }), watch: (signal) => shelf.watch(signal) };
}

/** What a look at the disk finds, for commands. */
export const inspectSkills = (loaded: LoadedConfig): Promise<Scan> =>
  loaded.config.skills.enabled
    ? new SkillScanner(loadReader).scan(skillFolders(loaded))
    : Promise.resolve({ skills: [], broken: [] });

/** A skill with its text and the names of its files. Throws not_found. */
export async function showSkill(
  loaded: LoadedConfig,
  name: string,
): Promise<{ skill: Skill; body: string; files: string[] }> {
  const skill = (await inspectSkills(loaded)).skills.find((each) => each.name === name);
  if (skill === undefined) throw notFound('skill');
  const [{ body }, files] = await Promise.all([readSkill(skill.folder, loadReader), filesInside(skill.folder)]);
  return { skill, body, files };
}
