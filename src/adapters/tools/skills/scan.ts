/** Finding skills: folders with a SKILL.md, as https://agentskills.io/specification describes them. */
import { lstat, opendir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { type FrontMatter, FrontMatterError, type ReadHead, splitFrontMatter } from '../../../core/front-matter.ts';
import type { JsonObject } from '../../../core/message.ts';
import { anybodyMayWrite, readInside, Refused, soundFolder } from './files.ts';

/** Names and descriptions of more would not be of use to a model. */
export const maxSkills = 200;
const maxEntries = 1000;
export const maxSkillBytes = 65_536;
const maxDescription = 1024;
const maxBroken = 100;

const namePattern = /^[a-z0-9]+(?:-[a-z0-9]+)*$/;
const maxName = 64;

export interface Skill {
  name: string;
  /** One line. */
  description: string;
  license: string | null;
  /** What its author wrote it for; it grants nothing. */
  allowedTools: readonly string[];
  /** The real path of its folder. */
  folder: string;
}

/** A folder that looks like a skill and cannot be one. */
export interface BrokenSkill {
  folder: string;
  /** In words that follow the folder. */
  reason: string;
}

export interface Scan {
  /** By name. */
  skills: readonly Skill[];
  broken: readonly BrokenSkill[];
}

export interface SkillFolder {
  path: string;
  /** A person named it: that it is missing is told. */
  wanted: boolean;
}

/** What was read before, by folder and the state of its SKILL.md. */
type Known = Map<string, { mark: string; skill: Skill | string }>;

/** Scans again and again; what did not change is not read again. */
export class SkillScanner {
  readonly #loadReader: () => Promise<ReadHead>;
  #known: Known = new Map();

  constructor(loadReader: () => Promise<ReadHead>) {
    this.#loadReader = loadReader;
  }

  async scan(folders: readonly SkillFolder[]): Promise<Scan> {
    const known: Known = new Map();
    const skills = new Map<string, Skill>();
    const broken: BrokenSkill[] = [];
    for (const folder of folders) {
      for await (const found of this.#foldersIn(folder)) {
        if (broken.length >= maxBroken) break;
        const skill = 'reason' in found ? found.reason : await this.#read(found.real, known);
        if (typeof skill === 'string') broken.push({ folder: found.folder, reason: skill });
        else if (skills.has(skill.name))
          broken.push({ folder: found.folder, reason: `another skill is called ${skill.name} already` });
        else if (skills.size >= maxSkills)
          broken.push({ folder: found.folder, reason: `there are more than ${maxSkills} skills` });
        else skills.set(skill.name, skill);
      }
    }
    this.#known = known;
    return { skills: [...skills.values()].sort((a, b) => (a.name < b.name ? -1 : 1)), broken };
  }

  /** Every folder in a folder of skills, in the order of their names. */
  async *#foldersIn({
    path: given,
    wanted,
  }: SkillFolder): AsyncGenerator<{ folder: string; real: string } | { folder: string; reason: string }> {
    let root: string;
    const names: string[] = [];
    try {
      root = await realpath(given);
      const stat = await lstat(root);
      if (!stat.isDirectory()) return yield { folder: given, reason: 'it is not a folder' };
      if (anybodyMayWrite(stat))
        return yield { folder: given, reason: 'anybody on this machine may change it; run chmod o-w on it' };
      for await (const entry of await opendir(root)) {
        if (names.length >= maxEntries) break;
        const folder = entry.isDirectory() || entry.isSymbolicLink();
        if (folder && !entry.name.startsWith('.')) names.push(entry.name);
      }
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? 'unknown';
      if (wanted || code !== 'ENOENT') {
        const reason = code === 'ENOENT' ? 'there is no such folder' : `the system says ${code}`;
        yield { folder: given, reason };
      }
      return;
    }
    for (const name of names.sort()) {
      const folder = path.join(given, name);
      try {
        const real = await soundFolder(root, name);
        if (real !== null) yield { folder, real };
      } catch (error) {
        yield { folder, reason: error instanceof Refused ? error.message : 'it cannot be read' };
      }
    }
  }

  /** The skill of a folder, or why there is none. */
  async #read(folder: string, known: Known): Promise<Skill | string> {
    const mark = await markOf(path.join(folder, 'SKILL.md'));
    const before = this.#known.get(folder);
    if (before !== undefined && before.mark === mark) {
      known.set(folder, before);
      return before.skill;
    }
    const skill = await this.#readAnew(folder);
    known.set(folder, { mark, skill });
    return skill;
  }

  async #readAnew(folder: string): Promise<Skill | string> {
    try {
      const { fields } = await readSkill(folder, this.#loadReader);
      return skillOf(fields, folder);
    } catch (error) {
      if (error instanceof FrontMatterError) return `SKILL.md, line ${error.line}: ${error.message}`;
      if (error instanceof Refused) return `SKILL.md: ${error.message}`;
      return 'it cannot be read';
    }
  }
}

async function markOf(file: string): Promise<string> {
  try {
    const { ino, size, mtimeMs, ctimeMs } = await lstat(file);
    return [ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return 'none';
  }
}

/** SKILL.md as it is now. Throws Refused or FrontMatterError. */
export async function readSkill(folder: string, loadReader: () => Promise<ReadHead>): Promise<FrontMatter> {
  const { head, ...body } = splitFrontMatter(await readInside(folder, 'SKILL.md', maxSkillBytes));
  if (head === null) throw new FrontMatterError(1, 'it begins with front matter: "---", name, description, "---"');
  return { ...(await loadReader())(head), ...body };
}

/** What else its front matter says is for other programs. */
function skillOf(fields: JsonObject, folder: string): Skill | string {
  const { name, description, license } = fields;
  if (typeof name !== 'string' || name.length > maxName || !namePattern.test(name))
    return `SKILL.md: name is missing or is not 1 to ${maxName} of a-z, 0-9 and single dashes`;
  if (typeof description !== 'string' || description.trim() === '')
    return 'SKILL.md: description is missing; it says what the skill does and when to use it';
  if (description.length > maxDescription) return `SKILL.md: description is longer than ${maxDescription} characters`;
  return {
    name,
    description: description.trim().replaceAll(/\s+/g, ' '),
    license: typeof license === 'string' ? license.slice(0, 200) : null,
    allowedTools: toolNames(fields['allowed-tools']),
    folder,
  };
}

/** Written as a list, or in one text with spaces or commas between. */
function toolNames(value: unknown): string[] {
  const list = typeof value === 'string' ? value.split(/,\s*|\s+(?![^(]*\))/) : Array.isArray(value) ? value : [];
  return list.filter((item) => typeof item === 'string' && item !== '').slice(0, 50);
}
