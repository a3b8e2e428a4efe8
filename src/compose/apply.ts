import { operatorTokenId } from '../app/access/tokens.ts';
import type { ChannelPlan } from '../app/channels/manager.ts';
import { menuOf } from './channels/build.ts';
import { channelPlans, channelTypesOf } from './channels.ts';
import { operatorToken } from './operator-token.ts';
import type { Schedule } from './schedule.ts';
import { toolSources } from './tools.ts';

/** What the start does step by step and a reload at once: makes parts those of the configuration in force. */
export function applying(schedule: Schedule) {
  const { live, http, random, dataDir, audit, tokens, plugins, providers, models, toolbox, skills, mcp } = schedule;
  const { commands, markdown, channels, channelTypes, planChores, runner } = schedule;
  const configureModels = async (): Promise<void> => models.configure(await providers.build(live.config), live.chain);
  /** Which tools there are: those of others come and go behind their sources. */
  const offerTools = (): void => toolbox.configure([...toolSources(schedule), skills.source, mcp, plugins]);
  const plansOfChannels = (): ChannelPlan[] => [
    ...channelPlans(live.config, { http, random, commands: menuOf(commands.list()) }),
    ...plugins.channelPlans(live.config),
  ];
  /** That the configuration has another operator token than before stands in the log of deeds. */
  const takeToken = async (take: (token: string) => Promise<boolean>): Promise<void> => {
    if (await take(await operatorToken(live, dataDir, tokens)))
      await audit.record(null, 'token.rotated', operatorTokenId);
  };
  const apply = async (): Promise<void> => {
    for (const type of channelTypesOf(live.config)) channelTypes.add(type);
    // What others wrote may take its time: nothing of ours waits for it.
    void plugins.configure(live.loaded);
    await configureModels();
    offerTools();
    await mcp.configure(live.config.mcp.servers);
    const plans = plansOfChannels();
    if (plans.length > 0) await markdown.load();
    await channels.configure(plans);
    await takeToken((token) => tokens.setOperatorToken(token));
    await planChores();
    runner.wake();
  };
  return { configureModels, offerTools, plansOfChannels, takeToken, apply };
}
