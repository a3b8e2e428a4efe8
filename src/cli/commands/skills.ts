/** Skills as they are on disk; no gateway is asked. */
import { inspectSkills, showSkill } from '../../compose/skills.ts';
import type { Handler } from '../command.ts';
import { loadedConfig } from '../configured.ts';

export const list: Handler = async (invocation) => {
  const { terminal, options } = invocation;
  const { skills, broken } = await inspectSkills(await loadedConfig(invocation));
  if (options.has('json')) {
    terminal.json({ skills, broken });
    return 0;
  }
  if (skills.length === 0) terminal.line('There are no skills. docs/SKILLS.md says how to make one.');
  for (const { name, description } of skills) terminal.line(`${name}  ${description}`);
  for (const { folder, reason } of broken) terminal.complain(`not offered: ${folder}: ${reason}`);
  return 0;
};

export const show: Handler = async (invocation) => {
  const { terminal, options, positionals } = invocation;
  const { skill, body, files } = await showSkill(await loadedConfig(invocation), positionals[0] ?? '');
  if (options.has('json')) {
    terminal.json({ ...skill, body, files });
    return 0;
  }
  const { name, description, license, allowedTools, folder } = skill;
  terminal.line(`${name}: ${description}`);
  terminal.line(`folder: ${folder}`);
  if (license !== null) terminal.line(`license: ${license}`);
  if (allowedTools.length > 0) terminal.line(`written for the tools: ${allowedTools.join(', ')} (this grants nothing)`);
  if (files.length > 0) terminal.line(`files: ${files.join(', ')}`);
  terminal.line('');
  terminal.line(body);
  return 0;
};
