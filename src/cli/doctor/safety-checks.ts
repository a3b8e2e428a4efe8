/** Checks of what works and is still unsafe: for `audit` alone. */
import type { Check, Finding } from './facts.ts';

export const secretsInConfig: Check = ({ config }) => {
  if (config.state !== 'ok' || !config.holdsSecrets || config.file === null) return null;
  return {
    code: 'secrets_in_config',
    problem: `Secrets stand in ${config.file}, which is easily copied or shared.`,
    fix: 'Put each into a file of its own and name it with the key and "_file", or into the environment as "${NAME}".',
  };
};

export const openToAll: Check = ({ accounts }) =>
  accounts
    .filter(({ enabled, access }) => enabled && access === 'open')
    .map(({ id }): Finding => ({
      code: 'open_to_all',
      problem: `Anybody who finds ${id} may talk to it, at your cost.`,
      fix: 'Set access = "pairing", and let in whom you know.',
    }));
