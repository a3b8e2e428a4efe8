import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { skillsTools } from '../../../../src/adapters/tools/skills/index.ts';
import { SkillShelf, type SkillsSettings } from '../../../../src/adapters/tools/skills/shelf.ts';
import { readHead } from '../../../../src/config/front-matter.ts';
import type { JsonObject } from '../../../../src/core/message.ts';
import type { Clock, Log } from '../../../../src/core/ports/system.ts';
import type { ToolCall, ToolGroup, ToolOutput } from '../../../../src/core/ports/tool.ts';

export const skillText = (name: string, description = `Does ${name}.`, body = `Do ${name}.`): string =>
  `---\nname: ${name}\ndescription: ${description}\n---\n\n${body}\n`;

export interface Rig {
  folder: string;
  /** Lines of warnings. */
  warned: string[];
  /** Writes a file below the folder; folders are made as needed. */
  write: (name: string, content: string | Buffer, mode?: number) => string;
  /** Goes on by so much, for what is looked at again after a time. */
  later: (ms: number) => void;
  shelf: SkillShelf;
  groups: () => readonly ToolGroup[];
  call: (tool: string, args: JsonObject, agent?: string | null) => Promise<ToolOutput>;
}

export function skillRig(
  t: TestContext,
  change: Partial<SkillsSettings> = {},
  of = (_agent: string | null) => ['*'],
): Rig {
  const folder = mkdtempSync(path.join(tmpdir(), 'clanker-skills-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  let now = 0;
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    sleep: () => Promise.reject(new Error('not here')),
    after: () => () => undefined,
  };
  const warned: string[] = [];
  const log = { info: () => {}, warn: (line: string) => warned.push(line), with: () => log } as unknown as Log;
  const settings: SkillsSettings = {
    enabled: true,
    folders: [{ path: folder, wanted: true }],
    allow: ['*'],
    deny: [],
    ...change,
  };
  const loadReader = async (): Promise<typeof readHead> => readHead;
  const shelf = new SkillShelf({ clock, log, settings: () => settings, loadReader });
  const source = skillsTools({ shelf, skillsOf: of, loadReader });
  return {
    folder,
    warned,
    shelf,
    write(name, content, mode = 0o644) {
      const file = path.join(folder, name);
      mkdirSync(path.dirname(file), { recursive: true });
      writeFileSync(file, content);
      chmodSync(file, mode);
      return file;
    },
    later: (ms) => {
      now += ms;
    },
    groups: () => source.groups(),
    async call(name, args, agent = null) {
      await shelf.refresh();
      const tool = source
        .groups()
        .flatMap(({ tools }) => tools)
        .find((each) => each.name === name);
      if (tool === undefined) throw new Error(`no tool ${name}`);
      const prepared = tool.prepare(args);
      if ('problem' in prepared) return { text: prepared.problem, isError: true };
      return prepared.run({ agent, signal: new AbortController().signal } as ToolCall);
    },
  };
}
