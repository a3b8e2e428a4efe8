import * as access from './access-checks.ts';
import * as discord from './discord-checks.ts';
import * as email from './email-checks.ts';
import * as extension from './extension-checks.ts';
import type { Check, Facts, Finding } from './facts.ts';
import * as gateway from './gateway-checks.ts';
import * as hook from './hook-checks.ts';
import * as machine from './machine-checks.ts';
import * as mcp from './mcp-checks.ts';
import * as ownServer from './own-server-checks.ts';
import * as provider from './provider-checks.ts';
import * as safety from './safety-checks.ts';
import * as schedule from './schedule-checks.ts';
import * as slack from './slack-checks.ts';
import * as tool from './tool-checks.ts';
import * as telegram from './telegram-checks.ts';

/** In the order in which a person should mend things: what stands first often causes what follows. */
const checks: readonly Check[] = [
  machine.oldNode,
  gateway.configuration,
  gateway.configPermissions,
  machine.dataFolder,
  machine.diskSpace,
  machine.database,
  machine.tokenFile,
  gateway.running,
  gateway.staleRunFile,
  gateway.plainBind,
  gateway.rejectedConfig,
  machine.clock,
  provider.baseUrls,
  provider.keys,
  provider.prices,
  provider.answers,
  provider.seenByGateway,
  provider.onlyDemo,
  telegram.botToken,
  telegram.webhookSet,
  telegram.webhookFails,
  telegram.otherPoller,
  telegram.channelTrouble,
  ownServer.answers,
  ownServer.channelTrouble,
  discord.botToken,
  discord.messageContent,
  discord.notInGuild,
  discord.channelTrouble,
  hook.whatsAppNumber,
  hook.whatsAppReach,
  hook.webhookAnswers,
  hook.hookTrouble,
  email.mailServers,
  email.provenSenders,
  access.nobodyAllowed,
  telegram.privacyMode,
  slack.botToken,
  slack.noWayIn,
  slack.noHost,
  slack.scopes,
  mcp.notThere,
  extension.pluginTrouble,
  extension.brokenSkills,
  tool.peopleFolder,
  tool.filesSpace,
  tool.sandbox,
  access.pairingWaits,
  gateway.refusedSenders,
  gateway.deadLetters,
  gateway.uncertainSends,
  schedule.switchedOff,
  schedule.crashedJobs,
  schedule.failedTasks,
  schedule.lackingWebhooks,
  gateway.warnings,
  machine.timeZone,
  machine.locale,
];

/** What is not wrong but unsafe, and what of the checks above is about safety. */
const safetyChecks: readonly Check[] = [
  machine.oldNode,
  gateway.configPermissions,
  safety.secretsInConfig,
  machine.dataFolder,
  machine.tokenFile,
  gateway.plainBind,
  safety.openToAll,
  email.provenSenders,
  telegram.privacyMode,
  access.pairingWaits,
];

/** Everything that is wrong, most basic first. Pure: the same facts give the same findings. */
export function diagnose(facts: Facts): Finding[] {
  return checks.flatMap((check) => check(facts) ?? []);
}

/** Only what is unsafe. */
export function diagnoseSafety(facts: Facts): Finding[] {
  return safetyChecks.flatMap((check) => check(facts) ?? []);
}
