import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { rowsOf, type BackupManifest, type Restored } from '../../core/backup.ts';
import type { MadeBackup } from '../../core/ports/maintenance-gateway.ts';
import type { GatewayStatus } from '../../core/ports/gateway.ts';
import type { LoadedConfig } from '../../config/index.ts';
import { GatewayClient } from '../client.ts';
import { CliError, type Handler, type Invocation } from '../command.ts';
import { whileRunning } from '../without-gateway.ts';

const lookEveryMs = 200;
/** A database that is brought forward after the restore may take its time. */
const startWithinMs = 10 * 60_000;

const pathOf = ({ positionals, cwd }: Invocation): string => path.resolve(cwd, positionals[0] ?? '');

/** By the gateway when one runs, else on the data directory itself. */
export const backup: Handler = async (invocation) => {
  const { options, terminal, offline } = invocation;
  const target = pathOf(invocation);
  const client = await whileRunning(invocation);
  const manifest =
    client === null
      ? await (await offline()).backupOffline(await configOf(invocation), target)
      : (await client.postPatiently<MadeBackup>('/api/v1/backup', { path: target })).manifest;
  if (options.has('json')) terminal.json({ path: target, manifest });
  else for (const line of backupLines(target, manifest)) terminal.line(line);
  return 0;
};

export const restore: Handler = async (invocation) => {
  const { options, terminal, offline } = invocation;
  const from = pathOf(invocation);
  if (!options.has('yes')) {
    throw new CliError(
      `This puts the backup in ${from} in the place of all that is there now, which is kept aside. If you mean it, add --yes.`,
      2,
    );
  }
  const client = await whileRunning(invocation);
  const restored =
    client === null
      ? await (await offline()).restoreOffline(await configOf(invocation), from)
      : await restoreOnline(invocation, client, from);
  if (options.has('json')) terminal.json({ restored });
  else for (const line of restoredLines(restored)) terminal.line(line);
  return restored.problems.length === 0 ? 0 : 1;
};

/** The gateway begins anew in its process, perhaps on another port; whoever answers then tells what it found. */
async function restoreOnline(invocation: Invocation, client: GatewayClient, from: string): Promise<Restored> {
  const { startedAt } = await client.get<GatewayStatus>('/api/v1/status');
  await client.postPatiently<MadeBackup>('/api/v1/restore', { path: from });
  for (let waited = 0; waited < startWithinMs; waited += lookEveryMs) {
    await sleep(lookEveryMs);
    const next = await GatewayClient.of(invocation);
    const status = await next.get<GatewayStatus>('/api/v1/status').catch(notYet);
    if (status === null || status.startedAt === startedAt) continue;
    const { restored } = await next.get<{ restored: Restored | null }>('/api/v1/restore');
    if (restored !== null) return restored;
  }
  throw new CliError('The backup was accepted, but the gateway does not answer with it; see its log.');
}

/** While it is away nothing tells where it is, and somebody else's gateway may answer at the usual address. */
function notYet(error: unknown): null {
  if (error instanceof CliError) return null;
  throw error;
}

async function configOf(invocation: Invocation): Promise<LoadedConfig> {
  return (await import('../configured.ts')).loadedConfig(invocation);
}

function backupLines(target: string, { database, files, skipped }: BackupManifest): string[] {
  return [
    `The backup is in ${target}.`,
    `  ${rowsOf(database.tables)} rows in ${Object.keys(database.tables).length} tables, ${megabytes(database.size)}`,
    `  ${files.count} files, ${megabytes(files.bytes)}`,
    ...(skipped === 0 ? [] : [`  ${skipped} links, pipes and unreadable names were left out`]),
    'It was read again: the database is whole, and every row is accounted for.',
  ];
}

function restoredLines({ from, backupAt, before, rows, files, problems }: Restored): string[] {
  return [
    `The backup in ${from}, of ${new Date(backupAt).toISOString()}, was restored.`,
    `  ${rows} rows, ${files} files`,
    ...(problems.length === 0
      ? ['Every row is accounted for.']
      : ['Not everything is as it should be:', ...problems.map((problem) => `  ${problem}`)]),
    `The data of before are in ${before}; remove that folder when you are content.`,
    'What waited in the backup is not done by itself: see "open-clanker dead list".',
  ];
}

const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
