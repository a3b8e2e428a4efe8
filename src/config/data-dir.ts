import path from 'node:path';
type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where data is kept: `$OPEN_CLANKER_DATA`, else what systemd's StateDirectory= gives a service
 * (`/var/lib/open-clanker`), else `~/.local/share/open-clanker`.
 */
export function dataDir(env: Environment, home: string, cwd = process.cwd()): string {
  const chosen = env['OPEN_CLANKER_DATA'] || env['STATE_DIRECTORY']?.split(':', 1)[0];
  return chosen ? path.resolve(cwd, chosen) : path.join(home, '.local/share/open-clanker');
}
