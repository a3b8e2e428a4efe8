/** Checks of what people put beside the gateway: skills and plugins. */
import type { Check, Finding } from './facts.ts';

export const brokenSkills: Check = ({ skills }) =>
  skills.map(({ folder, reason }): Finding => ({
    code: 'skill_broken',
    problem: `The skill in ${folder} is not offered: ${reason}.`,
    fix: 'Mend it or remove the folder; a running gateway notices by itself. docs/SKILLS.md shows what a skill is.',
  }));

/** What lies on disk, and what the gateway met when it ran it. */
export const pluginTrouble: Check = ({ plugins, gateway }) => {
  const found = plugins.map(({ name, problem }) => ({ name, said: `The plugin ${name} is not used: ${problem}.` }));
  const warned = (gateway.reach === 'up' ? gateway.status.warnings : []).flatMap((said) => {
    const name = /^The plugin ([a-z0-9_-]+)/.exec(said)?.[1];
    return name === undefined || found.some((each) => each.name === name) ? [] : { name, said };
  });
  return [...found, ...warned].map(({ name, said }): Finding => ({
    code: 'plugin_trouble',
    problem: said,
    fix: `Mend it, or set enabled = false under [plugins.${name}]. See: open-clanker plugins list`,
  }));
};
