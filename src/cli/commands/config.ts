import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describeConfig, generateConfig } from '../../config/index.ts';
import { CliError, type Handler } from '../command.ts';
import { loadedConfig } from '../configured.ts';

export const generate: Handler = async ({ options, terminal, cwd }) => {
  const text = generateConfig();
  const name = options.value('path') ?? options.value('config') ?? 'config.toml';
  if (name === '-') {
    terminal.write(text);
    return 0;
  }
  const file = path.resolve(cwd, name);
  if (existsSync(file) && !options.has('force')) {
    throw new CliError(`${name} is there already; choose another --path, or replace it with --force.`);
  }
  try {
    // Secrets may be written into it later: nobody else reads it.
    writeFileSync(file, text, { mode: 0o600 });
  } catch (error) {
    throw new CliError(`${name} cannot be written (${(error as NodeJS.ErrnoException).code}); choose another --path.`);
  }
  terminal.line(`Wrote ${name}. Everything in it is a comment: change what you need, then start the gateway.`);
  return 0;
};

/** An invalid configuration leaves as ConfigError: every problem on a line of its own, exit 78. */
export const validate: Handler = async (invocation) => {
  const { file, warnings } = await loadedConfig(invocation);
  if (invocation.options.has('json')) invocation.terminal.json({ valid: true, file, warnings });
  else {
    for (const warning of warnings) invocation.terminal.line(`Warning: ${warning}`);
    invocation.terminal.line(file === null ? 'No configuration file; the defaults are valid.' : `${file} is valid.`);
  }
  return 0;
};

export const show: Handler = async (invocation) => {
  const settings = describeConfig(await loadedConfig(invocation));
  if (invocation.options.has('json')) invocation.terminal.json(settings);
  else {
    for (const { key, value, source } of settings) {
      invocation.terminal.line(
        value === null ? `# ${key} is not set` : `${key} = ${JSON.stringify(value)}  # ${source}`,
      );
    }
  }
  return 0;
};
