import type { Settings } from '../../core/preferences.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler } from '../command.ts';

const names = ['language', 'model', 'time-zone', 'quiet-hours'] as const;

export const settings: Handler = async (invocation) => {
  const { options, positionals, terminal } = invocation;
  const change: Record<string, string | boolean | null> = {};
  for (const name of names) {
    const value = options.value(name);
    if (value !== undefined) change[name.replace('-', '_')] = value === 'default' ? null : value;
  }
  const notices = options.value('notices');
  if (notices !== undefined) {
    if (notices !== 'on' && notices !== 'off') throw new CliError('--notices takes "on" or "off".', 2);
    change['notices'] = notices === 'on';
  }
  const client = await GatewayClient.of(invocation);
  const path = `/api/v1/people/${encodeURIComponent(positionals[0] ?? '')}/preferences`;
  const body =
    Object.keys(change).length === 0 ? await client.get<Settings>(path) : await client.post<Settings>(path, change);
  if (options.has('json')) terminal.json(body);
  else
    for (const [name, value] of Object.entries(body))
      terminal.line(
        `${name.padEnd(12)}  ${value === null ? 'not set' : value === true ? 'on' : value === false ? 'off' : value}`,
      );
  return 0;
};
