import { ApprovalAnswers, type AnswerDeps } from '../app/approvals/answers.ts';
import { registerApprovalCommands } from '../app/approvals/commands.ts';
import { ApprovalGate } from '../app/approvals/gate.ts';
import type { Audit } from '../app/audit/audit.ts';
import type { CommandRegistry } from '../app/commands/registry.ts';
import { toolPolicyOf } from '../config/tool-policy.ts';
import type { MintId } from '../core/ids.ts';
import type { Bus } from '../core/ports/bus.ts';
import type { Store } from '../core/ports/store.ts';
import type { Clock, Log, Metrics } from '../core/ports/system.ts';
import type { ToolPolicy } from '../core/tool-policy.ts';
import type { LiveConfig } from './live-config.ts';

export interface ApprovalParts {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  audit: Audit;
  commands: CommandRegistry;
  live: LiveConfig;
  whois: AnswerDeps['whois'];
}

/** The gate of the configuration in force, and what people answer to it. */
export function composeApprovals({ live, commands, ...deps }: ApprovalParts): {
  gate: ApprovalGate;
  answers: ApprovalAnswers;
} {
  const policy = (): ToolPolicy => {
    const { tools, agents } = live.config;
    return toolPolicyOf(
      tools.policy,
      Object.fromEntries(Object.entries(agents).map(([name, agent]) => [name, agent.policy])),
    );
  };
  const timeoutMs = (): number => live.config.tools.policy.approval_timeout;
  const answers = new ApprovalAnswers({ ...deps, policy });
  registerApprovalCommands(commands, { ...deps, answers });
  return { gate: new ApprovalGate({ ...deps, policy, timeoutMs }), answers };
}
