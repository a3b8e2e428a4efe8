/**
 * The composition root: what the gateway consists of, in which order it starts, and in which it stops so that nothing is
 * lost. How each part is made stands in compose/, and only there and here every part is known.
 */
import path from 'node:path';
import { runningProcess } from './adapters/data-dir/index.ts';
import { giveBackMemory } from './adapters/system/memory.ts';
import { careForTokens } from './app/access/token-care.ts';
import { Supervisor } from './app/lifecycle/supervisor.ts';
import { runRest } from './app/lifecycle/rest.ts';
import { restarting } from './app/runs/queue.ts';
import type { GatewayOptions } from './cli/command.ts';
import { composeAccess } from './compose/access.ts';
import { composeAgent } from './compose/agent.ts';
import { composeClients } from './compose/clients.ts';
import { openGround, type Ground } from './compose/ground.ts';
import { composeMessages } from './compose/messages.ts';
import { composeModels } from './compose/models.ts';
import { composeSchedule } from './compose/schedule.ts';
import { loadConfig, type LoadedConfig, type LoadOptions } from './config/index.ts';
import { ClankerError } from './core/errors.ts';
import { version } from './version.ts';

/** The whole stop takes less than 5 s: what runs gets the most of it. */
const drainMs = { runs: 2500, http: 3500, channels: 2000, delivery: 500, plugins: 500 };

type Parts = Awaited<ReturnType<typeof compose>>;

/**
 * What the gateway consists of. A floor stands on those below it, and knows what is on them: who may what; which models
 * answer; the agent and its tools; the way of a message; the way of a job; what clients may ask, and the door.
 */
async function compose(ground: Ground, load: () => Promise<LoadedConfig>) {
  const access = { ...ground, ...composeAccess(ground) };
  const models = { ...access, ...composeModels(access) };
  const agent = { ...models, ...composeAgent(models) };
  const messages = { ...agent, ...composeMessages(agent) };
  const schedule = { ...messages, ...composeSchedule(messages) };
  const clients = await composeClients(schedule, load);
  return { ...schedule, ...clients, supervisor: new Supervisor(ground) };
}

/** Until the first question can be answered. */
async function start(parts: Parts): Promise<void> {
  const { live, stopping, tokens, plugins, models, budgets, preferences, mcp, channels, delivery, runs, server } =
    parts;
  parts.watchFiles();
  stopping.onReload = parts.onChange;
  await parts.takeToken((token) => tokens.start(token));
  await Promise.all([models.start(), budgets.start(), preferences.start()]);
  live.ollama = await parts.foundOllama;
  await plugins.prepare(live.loaded);
  await parts.configureModels();
  // The first request may want a tool.
  parts.offerTools();
  // With no server to come nobody waits for one.
  if (Object.keys(live.config.mcp.servers).length === 0) await mcp.configure({});
  // The first job may have a place to go to.
  channels.expect(parts.plansOfChannels());
  await delivery.start();
  stopping.signal.throwIfAborted();
  await runs.recover();
  await server.start(stopping.signal);
  await parts.dataDir.writeRunFile({ pid: process.pid, url: server.url() });
}

/** What nobody has to wait for: channels, tools of others, jobs, and all that goes on by itself. */
async function takeUp(parts: Parts): Promise<void> {
  const { clock, store, runs, runner, supervisor } = parts;
  await parts.apply();
  await runs.takeUp();
  await runner.start();
  supervisor.run('scheduler', (signal) => parts.scheduler.run(signal));
  supervisor.run('channels', () => parts.channels.watch());
  supervisor.run('skills', (signal) => parts.skills.watch(signal));
  const giveBack = (): void => {
    giveBackMemory();
    store.rest();
  };
  const busy = (): boolean => runs.active + runner.active > 0;
  supervisor.run('rest', (signal) => runRest({ clock, busy, held: () => process.memoryUsage.rss(), giveBack }, signal));
  supervisor.run('outages', (signal) => parts.outages.run(signal));
  supervisor.run('status', (signal) => parts.status.run(signal));
  supervisor.run('tokens', (signal) => careForTokens(parts, signal));
  supervisor.run('erasures', (signal) => parts.erasures.run(signal));
  parts.running.resolve();
}

async function stop(parts: Parts): Promise<void> {
  const { channels, delivery, runs, runner, waiters } = parts;
  parts.stopping.abort();
  await Promise.allSettled([
    parts.server.stop(drainMs.http),
    channels.stopReceiving(drainMs.channels),
    // Who still waits after that hears that the answer comes after the restart.
    runs.stop(drainMs.runs).then(() => waiters.rejectAll(restarting())),
    runner.stop(drainMs.runs),
  ]);
  await Promise.all([delivery.stop(drainMs.delivery), parts.mcp.stop()]);
  await channels.stop(drainMs.delivery);
  await parts.plugins.stop(drainMs.plugins);
  await parts.supervisor.stop();
  await parts.tokens.saveUses().catch(() => undefined);
  await parts.dataDir.removeRunFile(process.pid).catch(() => undefined);
  await parts.store.close();
  parts.http.close();
  parts.figures.stop();
}

/** `again`: the configuration that the process begins anew with, since a backup takes the place of the data. */
async function run(
  loaded: LoadedConfig,
  load: LoadOptions,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; again: LoadedConfig | null }> {
  const parts = await compose(await openGround(loaded, env), () => loadConfig(load));
  const { clock, log, live, stopping } = parts;
  let ready = false;
  try {
    await start(parts);
    ready = true;
    greet(parts);
    await takeUp(parts);
    await stopping.wait();
  } catch (error) {
    // Told to stop while it started: no failure, and nothing is begun that would have to be stopped.
    if (error !== stopping.signal.reason) throw error;
  } finally {
    const begun = clock.monotonic();
    await stop(parts);
    if (ready) log.info('stopped', { took_ms: Math.round(clock.monotonic() - begun) });
    await log.close();
  }
  stopping.dispose();
  return { code: stopping.exitCode, again: stopping.again ? live.loaded : null };
}

function greet({ live, log, clock, startedAt, server, dataDir }: Parts): void {
  const { name, source } = live.model;
  const url = server.url();
  log.info(`Open Clanker ${version} answers with ${name} (${source})`, { model: name, source });
  log.info(`open ${url} in a browser; the operator token is in ${path.join(dataDir.folder, 'token')}`, { url });
  log.info('talk to it: npx open-clanker chat', { ready_ms: Math.round(clock.monotonic() - startedAt) });
}

/** Runs the gateway until it is told to stop; resolves with the exit code. */
export async function runGateway(options: GatewayOptions): Promise<number> {
  const load: LoadOptions = {
    ...(options.file === undefined ? {} : { file: options.file }),
    env: options.env,
    cwd: options.cwd,
    home: options.home,
    flags: flagsOf(options),
  };
  let loaded: LoadedConfig | null = null;
  try {
    loaded = await loadConfig(load);
    if (options.flags.tls === true && loaded.config.server.tls === undefined) {
      throw new ClankerError(
        'config',
        'tls_missing',
        '--tls needs [server.tls] with cert_path and key_path in the configuration.',
      );
    }
    for (;;) {
      const { code, again } = await run(loaded, load, options.env);
      if (again === null) return code;
      loaded = again;
    }
  } catch (error) {
    if (!(error instanceof ClankerError)) throw error;
    process.stderr.write(`${error.message}${await whoHolds(loaded, error)}\n`);
    const listening = ['port_in_use', 'cannot_listen'].includes(error.code);
    return error.kind === 'config' && !listening ? 78 : 1;
  }
}

/** How to stop the other gateway. */
async function whoHolds(loaded: LoadedConfig | null, { code }: ClankerError): Promise<string> {
  const other = loaded === null || code !== 'storage_locked' ? null : await runningProcess(loaded.dataDir);
  return other === null ? '' : ` It is process ${other}; "kill ${other}" stops it, and nothing is lost.`;
}

function flagsOf({ flags }: GatewayOptions): Record<string, unknown> {
  return {
    ...(flags.host === undefined ? {} : { 'server.host': flags.host }),
    ...(flags.port === undefined ? {} : { 'server.port': flags.port }),
    ...(flags.verbose === true ? { 'logging.level': 'debug' } : {}),
  };
}
