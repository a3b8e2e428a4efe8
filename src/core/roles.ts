import type { PersonRole } from './principal.ts';

/** From least to most: each role may do what those before it may. */
export const roles: readonly PersonRole[] = ['guest', 'member', 'owner'];

/**
 * What a person may want to do. `command`: a chat command that names no role of its own. `link`: name another identity
 * on a platform as theirs. `inspect`: read why something inside the gateway failed. `approve`: let somebody in.
 * `answer_for_others`: decide about calls of tools that somebody else was asked about. `change_people`: roles, and codes for others.
 */
export type Action = 'talk' | 'command' | 'link' | 'inspect' | 'approve' | 'answer_for_others' | 'change_people';

const least: Readonly<Record<Action, PersonRole>> = {
  talk: 'guest',
  command: 'member',
  link: 'member',
  inspect: 'owner',
  approve: 'owner',
  answer_for_others: 'owner',
  change_people: 'owner',
};

export const roleIncludes = (held: PersonRole, needed: PersonRole): boolean =>
  roles.indexOf(held) >= roles.indexOf(needed);

/** Of two roles the one that may do less. */
export const lesserRole = (a: PersonRole, b: PersonRole): PersonRole => (roleIncludes(a, b) ? b : a);

/** The one table of who may do what. */
export const may = (role: PersonRole, action: Action): boolean => roleIncludes(role, least[action]);

/** The role a command takes when it names none. */
export const commandRole: PersonRole = least.command;
