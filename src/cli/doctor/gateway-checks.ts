/** Checks of the configuration and of the running gateway. */
import type { Check, Finding } from './facts.ts';

export const configuration: Check = ({ config }) => {
  switch (config.state) {
    case 'missing':
      return {
        code: 'config_missing',
        problem: config.detail,
        fix: 'Correct the path after --config or in OPEN_CLANKER_CONFIG, or write a file with: open-clanker config generate',
      };
    case 'invalid':
      return config.issues.map((issue) => ({
        code: 'config_invalid',
        problem: issue,
        fix: 'Mend it and check again with: open-clanker config validate',
      }));
    default:
      return config.warnings.map((warning) => ({
        code: 'config_warning',
        problem: warning,
        fix: 'See docs/CONFIG.md.',
      }));
  }
};

export const configPermissions: Check = ({ config }) => {
  if (config.state !== 'ok' || config.file === null || config.mode === null) return null;
  if (!config.holdsSecrets || (config.mode & 0o077) === 0) return null;
  return {
    code: 'config_too_open',
    problem: `Others on this machine can read ${config.file}, which holds secrets.`,
    fix: `chmod 600 '${config.file}'`,
  };
};

export const plainBind: Check = ({ config }) => {
  if (config.state !== 'ok' || config.server.loopback || config.server.tls) return null;
  return {
    code: 'bind_without_tls',
    problem: `The gateway listens on ${config.server.host} without TLS: tokens cross the network in clear.`,
    fix: 'Set [server.tls], or listen on 127.0.0.1 behind a reverse proxy (docs/DEPLOY.md).',
  };
};

export const running: Check = ({ gateway, run, token }) => {
  if (gateway.reach === 'other') {
    return {
      code: 'port_in_use',
      problem: `Something that is no Open Clanker gateway answers at ${gateway.url}.`,
      fix: 'Stop it, or choose another port: open-clanker gateway --port PORT',
    };
  }
  if (gateway.reach === 'untrusted') {
    return {
      code: 'certificate_untrusted',
      problem: `The certificate at ${gateway.url} is not trusted by this machine.`,
      fix: 'Name its authority for commands with NODE_EXTRA_CA_CERTS=FILE, or use one that is trusted.',
    };
  }
  if (gateway.reach === 'token_refused') {
    // That there is none to try is the better explanation.
    if (token.state !== 'ok') return null;
    return {
      code: 'token_refused',
      problem: `The gateway at ${gateway.url} refused our token.`,
      fix: 'It runs with another data directory: set OPEN_CLANKER_DATA to that one, or OPEN_CLANKER_TOKEN to its token.',
    };
  }
  if (gateway.reach === 'up') return null;
  if (run?.alive === true) {
    return {
      code: 'gateway_silent',
      problem: `Process ${run.pid} should be the gateway, but nothing answers at ${run.url}.`,
      fix: 'Read its log; if it is another program, remove run.json from the data directory and start the gateway.',
    };
  }
  return { code: 'gateway_down', problem: 'No gateway is running.', fix: 'Start it with: open-clanker gateway' };
};

export const staleRunFile: Check = ({ run, gateway }) => {
  if (run === null || run.alive || gateway.reach === 'up') return null;
  return {
    code: 'run_file_stale',
    problem: `The gateway (process ${run.pid}) ended without saying goodbye: it was killed or the machine went down.`,
    fix: 'Nothing is lost; start it again with: open-clanker gateway',
  };
};

export const rejectedConfig: Check = ({ gateway }) => {
  if (gateway.reach !== 'up' || gateway.status.configError === null) return null;
  return {
    code: 'config_rejected',
    problem: `The gateway refused the last change of its configuration and runs with the one before: ${gateway.status.configError}`,
    fix: 'Mend the file; it is read again when it changes.',
  };
};

export const deadLetters: Check = ({ gateway }) => {
  const dead = gateway.reach === 'up' ? gateway.status.queues.dead : 0;
  if (dead === 0) return null;
  return {
    code: 'dead_letters',
    problem: `${dead === 1 ? 'One message or task' : `${dead} messages or tasks`} could not be answered, delivered or done.`,
    fix: 'See why with: open-clanker dead list',
  };
};

/** What the gateway warns of beyond what other checks explain better: the demo, a channel, a rejected configuration. */
export const warnings: Check = ({ gateway }) => {
  if (gateway.reach !== 'up') return null;
  const { channels, configError, model, warnings: all } = gateway.status;
  const known = (warning: string): boolean =>
    channels.some(({ id }) => warning.startsWith(`${id}:`)) ||
    warning.startsWith('MCP server ') ||
    warning.startsWith('The plugin ') ||
    (configError !== null && warning.includes(configError)) ||
    (model.name.startsWith('demo') && /\bdemo\b/i.test(warning));
  return all
    .filter((warning) => !known(warning))
    .map((warning) => ({ code: 'gateway_warning', problem: warning, fix: 'See docs/TROUBLESHOOTING.md.' }));
};

export const refusedSenders: Check = ({ gateway }) => {
  if (gateway.reach !== 'up') return null;
  return gateway.status.refused.map((sender): Finding => ({
    code: 'sender_refused',
    problem: `${sender.display} (${sender.sender}) wrote on ${sender.channel} and was turned away ${sender.count}×.`,
    fix: `To allow them: ${sender.allowLine}`,
  }));
};

export const uncertainSends: Check = ({ gateway }) => {
  const uncertain = gateway.reach === 'up' ? gateway.status.queues.uncertain : 0;
  if (uncertain === 0) return null;
  return {
    code: 'uncertain_sends',
    problem: `${uncertain === 1 ? 'One reply' : `${uncertain} replies`} may or may not have arrived: the answer of the platform was lost.`,
    fix: 'Nothing is tried again by itself; open-clanker why MESSAGE_ID tells the story of each.',
  };
};
