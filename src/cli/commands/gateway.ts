import { CliError, type Handler } from '../command.ts';

export const gateway: Handler = async ({ options, env, cwd, home, runGateway }) => {
  const file = options.value('config');
  const host = options.value('host');
  const port = options.value('port');
  return await runGateway({
    ...(file === undefined ? {} : { file }),
    flags: {
      ...(host === undefined ? {} : { host }),
      ...(port === undefined ? {} : { port: portNumber(port) }),
      ...(options.has('tls') ? { tls: true } : {}),
      ...(options.has('verbose') ? { verbose: true } : {}),
    },
    env,
    cwd,
    home,
  });
};

/** 0 lets the system choose a free port. */
function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) throw new CliError(`--port takes a number from 0 to 65535, not "${text}".`, 2);
  return port;
}
