/**
 * The composition root: the only place that knows every part. Wires by constructor, starts in order, reloads, and
 * stops in the order that loses nothing.
 */
import { homedir } from 'node:os';
import path from 'node:path';
import { MemoryBus } from './adapters/bus/memory.ts';
import { openDataDir, type DataDir } from './adapters/data-dir/index.ts';
import { diskFiles } from './adapters/files/disk.ts';
import { DiskPersonFiles } from './adapters/files/person-files.ts';
import { createHttpClient } from './adapters/http-client/index.ts';
import { createHttpServer } from './adapters/http/index.ts';
import { createLog } from './adapters/logging/index.ts';
import { MetricsRegistry } from './adapters/metrics/index.ts';
import { processMetrics } from './adapters/metrics/process.ts';
import { openStore } from './adapters/store/sqlite/index.ts';
import { nextLocal, systemClock as clock, systemRandom as random } from './adapters/system/index.ts';
import { giveBackMemory } from './adapters/system/memory.ts';
import { registerAccessCommands } from './app/access/commands.ts';
import { Directory } from './app/access/directory.ts';
import type { NoticeDeps } from './app/access/notices.ts';
import { Pairing } from './app/access/pairing.ts';
import { People } from './app/access/people.ts';
import { careForTokens } from './app/access/token-care.ts';
import { operatorTokenId, Tokens } from './app/access/tokens.ts';
import { boundAgent } from './app/agent/bindings.ts';
import { remoteApprovals } from './app/approvals/remote.ts';
import { Audit } from './app/audit/audit.ts';
import { recordedReload } from './app/audit/audited.ts';
import { maintenanceOf, tellRestored } from './app/backup/backups.ts';
import { registerUsageCommands } from './app/budget/commands.ts';
import { Usage } from './app/budget/usage.ts';
import { ChannelManager } from './app/channels/manager.ts';
import { registerBuiltinCommands } from './app/commands/builtin.ts';
import { registerInspectCommands } from './app/commands/inspect.ts';
import { CommandRegistry } from './app/commands/registry.ts';
import { keepChores } from './app/schedule/chores.ts';
import { Delivery } from './app/delivery/delivery.ts';
import { Chat } from './app/gateway/chat.ts';
import { DeadLetters } from './app/gateway/dead.ts';
import { gatewayOf } from './app/gateway/gateway.ts';
import { OfferedTools } from './app/gateway/offered-tools.ts';
import { replayGateway } from './app/gateway/replays.ts';
import { senderOf } from './app/gateway/sender.ts';
import { Sessions } from './app/gateway/sessions.ts';
import { Status } from './app/gateway/status.ts';
import { FloodNotice } from './app/ingress/flood-notice.ts';
import { Ingress } from './app/ingress/ingress.ts';
import type { CrashPoint } from './app/lifecycle/crash-points.ts';
import { Supervisor } from './app/lifecycle/supervisor.ts';
import { runRest } from './app/lifecycle/rest.ts';
import { personErased } from './app/rights/erasure.ts';
import { ModelCaller } from './app/models/caller.ts';
import { registerNotesCommands } from './app/notes/commands.ts';
import { PersonalNotes } from './app/notes/notes.ts';
import { registerScheduleCommands } from './app/schedule/commands.ts';
import { JobRights } from './app/tasks/rights.ts';
import { registerPreferenceCommands } from './app/preferences/commands.ts';
import { Preferences } from './app/preferences/preferences.ts';
import { Outages } from './app/runs/outages.ts';
import { RunExecutor } from './app/runs/execute.ts';
import { RunQueue, restarting, type QueueMode } from './app/runs/queue.ts';
import { RunWaiters } from './app/runs/waiters.ts';
import type { GatewayOptions } from './cli/command.ts';
import { finishRestore, lazyBackups } from './compose/backup.ts';
import { choreKindOf } from './compose/chores.ts';
import { composeBudgets } from './compose/budgets.ts';
import { type accessPolicies, channelPlans, channelTypesOf } from './compose/channels.ts';
import { composeAgent } from './compose/agent.ts';
import { composeApprovals, type ApprovalParts } from './compose/approvals.ts';
import { menuOf } from './compose/channels/build.ts';
import { LiveConfig } from './compose/live-config.ts';
import { mcpServers } from './compose/mcp.ts';
import { LazyMarkdown } from './compose/lazy-markdown.ts';
import { Plugins } from './compose/plugins.ts';
import { ProviderSet, probeOllama } from './compose/providers.ts';
import { reloading } from './compose/reload.ts';
import { composeRights } from './compose/rights.ts';
import { composeSchedule } from './compose/schedule.ts';
import { httpOptions } from './compose/settings.ts';
import { operatorToken, saveOperatorToken } from './compose/operator-token.ts';
import { toolSources } from './compose/tools.ts';
import { skillsPart } from './compose/skills.ts';
import { StopSignal } from './compose/stop-signal.ts';
import { watchingFiles } from './compose/watch-files.ts';
import { describeConfig, loadConfig, type LoadedConfig, type LoadOptions } from './config/index.ts';
import { ClankerError } from './core/errors.ts';
import { idMint } from './core/ids.ts';
import { ownerPerson } from './core/principal.ts';
import { migrationsDir, storeWorker } from './places.ts';
import { version } from './version.ts';

/** The whole stop takes less than 5 s: what runs gets the most of it. */
const drainMs = { runs: 2500, http: 3500, channels: 2000, delivery: 500, plugins: 500 };

/** Runs the gateway until it is told to stop; resolves with the exit code. */
export async function runGateway(options: GatewayOptions): Promise<number> {
  const load: LoadOptions = {
    ...(options.file === undefined ? {} : { file: options.file }),
    env: options.env,
    cwd: options.cwd,
    home: homedir(),
    flags: flagsOf(options),
  };
  let loaded: LoadedConfig;
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
      const { code, again } = await new Daemon(loaded, load, options.env).run();
      if (again === null) return code;
      loaded = again;
    }
  } catch (error) {
    if (!(error instanceof ClankerError)) throw error;
    process.stderr.write(`${error.message}\n`);
    const listening = ['port_in_use', 'cannot_listen'].includes(error.code);
    return error.kind === 'config' && !listening ? 78 : 1;
  }
}

function flagsOf({ flags }: GatewayOptions): Record<string, unknown> {
  return {
    ...(flags.host === undefined ? {} : { 'server.host': flags.host }),
    ...(flags.port === undefined ? {} : { 'server.port': flags.port }),
    ...(flags.verbose === true ? { 'logging.level': 'debug' } : {}),
  };
}

class Daemon {
  readonly #load: LoadOptions;
  readonly #live: LiveConfig;
  readonly #crash: CrashPoint;
  readonly #metrics = new MetricsRegistry();
  readonly #mintId = idMint(clock, random);
  readonly #log;

  constructor(loaded: LoadedConfig, load: LoadOptions, env: NodeJS.ProcessEnv) {
    this.#load = load;
    this.#live = new LiveConfig(loaded);
    const { file, format, ...logging } = loaded.config.logging;
    this.#log = createLog({
      ...logging,
      fields: { component: 'gateway' },
      env,
      ...(file === undefined ? {} : { file }),
      ...(format === undefined ? {} : { format }),
    });
    const crashAt = env['OPEN_CLANKER_CRASH_AT'];
    this.#crash =
      crashAt === undefined ? () => undefined : (step) => step === crashAt && process.kill(process.pid, 'SIGKILL');
  }

  /** `again`: the configuration that the process begins anew with, since a backup takes the place of the data. */
  async run(): Promise<{ code: number; again: LoadedConfig | null }> {
    const startedAt = clock.monotonic();
    const log = this.#log;
    const metrics = this.#metrics;
    const mintId = this.#mintId;
    const live = this.#live;
    metrics.observe('log_dropped_total', 'Lines of the log that could not be written.', () => log.dropped);
    const stopping = new StopSignal(log);
    for (const warning of live.loaded.warnings) log.warn(warning);
    const dataDir = await openDataDir(live.loaded.dataDir);
    const restored = await finishRestore(live.loaded);
    const http = createHttpClient({ log, metrics });
    // Asked while the store opens: with nothing configured an Ollama on this machine answers.
    const foundOllama = live.wantsOllamaProbe ? probeOllama({ http, clock, log }) : Promise.resolve(null);
    const store = await openStore({
      path: live.config.database.path,
      migrationsDir,
      workerUrl: storeWorker,
      log,
      metrics,
      clock,
    });
    const bus = new MemoryBus(clock, metrics);
    /** What almost every part stands on. */
    const ground = { store, bus, clock, log, metrics, mintId, crash: this.#crash };
    const markdown = new LazyMarkdown();
    const files = diskFiles(dataDir.filesFolder);
    const backups = lazyBackups(() => live.loaded);
    const personFiles = new DiskPersonFiles(dataDir.peopleFolder, () => live.fileLimits);
    await store.ensurePerson({ id: ownerPerson, name: 'owner', role: 'owner', language: null, createdAt: clock.now() });

    const tokens = new Tokens({
      store,
      clock,
      random,
      mintId,
      onOperatorToken: (token) => saveOperatorToken(live, dataDir, token),
    });
    const plugins = new Plugins({ clock, random, log, http, dataDir: dataDir.folder });
    stopping.isContained = (error) => plugins.blames(error);
    const skills = skillsPart({ live, clock, log });
    /** By which keys of sessions begin that are not an API client's; a job's are its own. */
    const channelTypes = new Set([...channelTypesOf(live.config), 'job']);
    const providers = new ProviderSet({ http, clock, log, plugin: (config) => plugins.provider(config) });
    const budgets = composeBudgets({
      ...ground,
      roleOf: (person) => directory.roleOf(person),
      config: () => live.config.budgets,
    });
    const models = new ModelCaller({ clock, random, log, metrics, bus, store, budgets });
    const preferences = new Preferences({ store, models });
    const commands = new CommandRegistry();
    const audit = new Audit({ store, clock });
    if (restored !== null) await tellRestored(restored, { audit, log });
    const { gate, answers } = composeApprovals({
      ...ground,
      audit,
      commands,
      live,
      whois: (inbound) => whois(inbound),
    });
    const waiters = new RunWaiters();
    const delivery = new Delivery({ ...ground, readFile: (id) => files.read(id) });
    const { loop, toolbox, compaction, replays } = composeAgent({ ...ground, models, gate, files, live });
    const mcp = mcpServers({ http, store, files, clock, random, log, metrics, mintId, env: process.env });
    const outages = new Outages({ store, clock, log, mintId, models, delivery, runs: () => runs });
    const policy = (channel: string, account: string): ReturnType<ReturnType<typeof accessPolicies>> =>
      live.policies(channel, account);
    const directory = new Directory({ store, clock, mintId });
    const jobRights = new JobRights({ store, directory });
    const whois: ApprovalParts['whois'] = (inbound) =>
      inbound.channel === 'job'
        ? jobRights.whois(inbound)
        : directory.whois(inbound, policy(inbound.channel, inbound.account));
    const executor = new RunExecutor({
      ...ground,
      markdown,
      models,
      delivery,
      waiters,
      commands,
      approvals: answers,
      loop,
      compaction,
      toolbox,
      agent: (name, { inbound, role }) => live.agent(name ?? boundAgent(live.config.bindings, inbound, role)),
      steers: ({ channel }) => queueMode(channel) === 'steer',
      whois,
      preferredModel: (person) => preferences.modelOf(person),
      timeZone: (person) => live.zoneOf(person, store),
      files,
      outages,
      loadFile: (owner) => async (id) => ((await store.file(id, owner)) === null ? null : files.read(id)),
      channelLimits: (channel, account) => channels.limits(channel, account),
    });
    const queueMode = (channel: string): QueueMode =>
      channel === 'api' || channel === 'job' ? 'followup' : live.config.agent.queue_mode;
    const runs = new RunQueue({
      ...ground,
      historyTurns: () => live.historyTurns,
      queueMode,
      execute: (run) => executor.execute(run),
    });
    const limits: NoticeDeps['limits'] = (channel, account) => channels.limits(channel, account);
    const pairing = new Pairing({ ...ground, audit, random, delivery, directory, policy, limits });
    const ingress = new Ingress({
      ...ground,
      runs,
      commands,
      policy,
      directory,
      pairing,
      flood: new FloodNotice({ store, clock, log, mintId, delivery, limits }),
      queueMode,
    });
    const channels = new ChannelManager({ store, bus, clock, log, metrics, ingress, delivery });
    const notes = new PersonalNotes({ store, clock, mintId, settings: () => live.notes });
    const { calendar, jobs, scheduler, runner } = composeSchedule({
      ...ground,
      live,
      audit,
      random,
      http,
      files,
      personFiles,
      notes,
      markdown,
      channels,
      delivery,
      policy,
      directory,
      rights: jobRights,
      toolbox,
      gate,
      models,
      ingress,
      runs,
      waiters,
      chore: () =>
        choreKindOf({
          ...ground,
          files,
          backups,
          channels: () => channels.status(),
          providers: () => models.status(),
          retention: () => live.retention,
          channelRetention: () => live.channelRetention,
          keepTasksMs: () => live.config.tasks.retention,
          plan: () => planChores(),
        }),
    });
    registerAccessCommands(commands, { store, pairing });
    registerScheduleCommands(commands, { schedule: jobs, preferences, zone: () => live.timeZone, calendar });
    registerNotesCommands(commands, notes);
    registerUsageCommands(commands, { store, clock, budgets });
    registerPreferenceCommands(commands, preferences);
    registerBuiltinCommands(commands, { store, clock, runs, outages, modelLine: (words) => live.modelLine(words) });
    const figures = processMetrics(metrics);
    const status = new Status({
      ...ground,
      version,
      storeHealth: () => store.health(),
      eventLoopDelay: () => figures.eventLoopDelay(),
      channels,
      models,
      mcp: () => mcp.status(),
      model: () => live.model,
      configError: () => live.error,
      schedulerEnabled: () => live.config.scheduler.enabled,
      warnings: () => [...plugins.warnings(), ...live.unknownTools(toolbox)],
      policy,
      directory,
    });
    registerInspectCommands(commands, {
      store,
      models,
      status: () => status.status(),
      defaultModel: () => live.model.name,
    });
    const giveBack = (): void => {
      giveBackMemory();
      store.rest();
    };
    const supervisor = new Supervisor({ clock, log, metrics });

    const sendDeps = { store, clock, mintId, markdown, channels, delivery, policy, directory };
    const sender = senderOf(sendDeps);

    /** That the configuration has another operator token than before stands in the log of deeds. */
    const noted = async (replaced: boolean): Promise<void> => {
      if (replaced) await audit.record(null, 'token.rotated', operatorTokenId);
    };
    /** Which tools there are: those of others come and go behind their sources. */
    const offerTools = (): void => {
      const deps = {
        ...ground,
        notes,
        preferences,
        http,
        files,
        personFiles,
        sender,
        live,
        loop,
        toolbox,
        compaction,
        models,
        schedule: jobs,
      };
      toolbox.configure([...toolSources(deps), skills.source, mcp, plugins]);
    };
    const planChores = (): Promise<void> =>
      keepChores({
        ...ground,
        calendar,
        nextLocal,
        times: () => live.config.scheduler.chores,
        zone: () => live.config.scheduler.time_zone ?? null,
        machineZone: () => live.timeZone,
        wake: () => scheduler.wake(),
      });
    const plansOfChannels = (): ReturnType<typeof channelPlans> => [
      ...channelPlans(live.config, { http, random, commands: menuOf(commands.list()) }),
      ...plugins.channelPlans(live.config),
    ];
    /** Makes providers and channels those of the configuration in force. */
    const apply = async (): Promise<void> => {
      for (const type of channelTypesOf(live.config)) channelTypes.add(type);
      // What others wrote may take its time: nothing of ours waits for it.
      void plugins.configure(live.loaded);
      models.configure(await providers.build(live.config), live.chain);
      offerTools();
      await mcp.configure(live.config.mcp.servers);
      const plans = plansOfChannels();
      if (plans.length > 0) await markdown.load();
      await channels.configure(plans);
      await noted(await tokens.setOperatorToken(await operatorToken(live, dataDir, tokens)));
      await planChores();
      runner.wake();
    };
    const reload = reloading({
      load: () => loadConfig(this.#load),
      live,
      apply,
      serve: (options) => server.reconfigure(options),
      setLevel: (level) => log.setLevel(level),
      onFiles: () => watchFiles(),
      log,
      bus,
    });
    // A change is noticed from the very start, and acted on once everything runs.
    const running = Promise.withResolvers<void>();
    const reloadIfGood = (): void =>
      void running.promise.then(() => recordedReload(reload, audit, null)).catch(() => undefined);
    const watchFiles = watchingFiles(() => live.loaded, reloadIfGood, stopping.signal);

    const { rights, erasures } = composeRights({
      ...ground,
      files,
      personFiles,
      tokens,
      runs,
      directory,
      audit,
      live,
      stopping: stopping.signal,
      forget: [
        (person) => waiters.rejectOf(person, personErased()),
        (person) => runner.endOf(person),
        (person) => preferences.forget(person),
        (person) => budgets.forget(person),
        async (person) => void (await personFiles.erase(person)),
      ],
    });
    const gateway = gatewayOf({
      ...ground,
      rights,
      schedule: jobs,
      approvals: remoteApprovals({ store, clock, mintId, ingress }),
      maintenance: maintenanceOf({
        backups,
        tail: log.tail,
        audit,
        log,
        restart: () => stopping.restart(),
        stopping: stopping.signal,
      }),
      replays: replayGateway({ replays, store, models, channelTypes, agents: () => live.agentNames }),
      audit,
      files,
      tokens,
      runs,
      channels,
      notes,
      people: new People({ store, clock, mintId, directory, pairing }),
      usage: new Usage({ store, clock, budgets }),
      preferences,
      pairing,
      status,
      offered: new OfferedTools({
        toolbox,
        gate,
        store,
        clock,
        mintId,
        channelTypes,
        agent: () => live.config.agent,
        limits: () => ({ timeoutMs: live.config.tools.timeout, maxResult: live.config.tools.max_result }),
      }),
      chat: new Chat({ ...ground, ingress, runs, waiters, models, channelTypes, agents: () => live.agentNames }),
      sendDeps,
      sessions: new Sessions({ store, clock, runs, waiters, channelTypes }),
      dead: new DeadLetters({ store, clock, runs, delivery, tasks: runner }),
      reload,
      describeConfig: () => describeConfig(live.loaded),
    });
    const server = createHttpServer({
      ...ground,
      gateway,
      options: await httpOptions(live.config),
      version,
      channelTypes,
    });

    let ready = false;
    try {
      watchFiles();
      stopping.onReload = reloadIfGood;
      await noted(await tokens.start(await operatorToken(live, dataDir, tokens)));
      await Promise.all([models.start(), budgets.start(), preferences.start()]);
      live.ollama = await foundOllama;
      await plugins.prepare(live.loaded);
      models.configure(await providers.build(live.config), live.chain);
      // The first request may want a tool.
      offerTools();
      // With no server to come nobody waits for one.
      if (Object.keys(live.config.mcp.servers).length === 0) await mcp.configure({});
      // The first job may have a place to go to.
      channels.expect(plansOfChannels());
      await delivery.start();
      stopping.signal.throwIfAborted();
      await runs.recover();
      await server.start(stopping.signal);
      await dataDir.writeRunFile({ pid: process.pid, url: server.url() });
      ready = true;
      this.#greet(server.url(), dataDir, clock.monotonic() - startedAt);
      await apply();
      await runs.takeUp();
      await runner.start();
      supervisor.run('scheduler', (signal) => scheduler.run(signal));
      supervisor.run('channels', () => channels.watch());
      supervisor.run('skills', (signal) => skills.watch(signal));
      supervisor.run('rest', (signal) =>
        runRest(
          { clock, busy: () => runs.active + runner.active > 0, held: () => process.memoryUsage.rss(), giveBack },
          signal,
        ),
      );
      supervisor.run('outages', (signal) => outages.run(signal));
      supervisor.run('status', (signal) => status.run(signal));
      supervisor.run('tokens', (signal) => careForTokens({ tokens, clock, log }, signal));
      supervisor.run('erasures', (signal) => erasures.run(signal));
      running.resolve();
      await stopping.wait();
    } catch (error) {
      // Told to stop while it started: no failure, and nothing is begun that would have to be stopped.
      if (error !== stopping.signal.reason) throw error;
    } finally {
      const begun = clock.monotonic();
      stopping.abort();
      await Promise.allSettled([
        server.stop(drainMs.http),
        channels.stopReceiving(drainMs.channels),
        // Who still waits after that hears that the answer comes after the restart.
        runs.stop(drainMs.runs).then(() => waiters.rejectAll(restarting())),
        runner.stop(drainMs.runs),
      ]);
      await Promise.all([delivery.stop(drainMs.delivery), mcp.stop()]);
      await channels.stop(drainMs.delivery);
      await plugins.stop(drainMs.plugins);
      await supervisor.stop();
      await tokens.saveUses().catch(() => undefined);
      await dataDir.removeRunFile(process.pid).catch(() => undefined);
      await store.close();
      http.close();
      figures.stop();
      if (ready) log.info('stopped', { took_ms: Math.round(clock.monotonic() - begun) });
      await log.close();
    }
    stopping.dispose();
    return { code: stopping.exitCode, again: stopping.again ? live.loaded : null };
  }

  #greet(url: string, dataDir: DataDir, tookMs: number): void {
    const { name, source } = this.#live.model;
    this.#log.info(`Open Clanker ${version} answers with ${name} (${source})`, { model: name, source });
    this.#log.info(`open ${url} in a browser; the operator token is in ${path.join(dataDir.folder, 'token')}`, { url });
    this.#log.info('talk to it: npx open-clanker chat', { ready_ms: Math.round(tookMs) });
  }
}
