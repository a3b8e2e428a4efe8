import { ApprovalAnswers } from '../app/approvals/answers.ts';
import { registerApprovalCommands } from '../app/approvals/commands.ts';
import { ApprovalGate } from '../app/approvals/gate.ts';
import { toolPolicyOf } from '../config/tool-policy.ts';
import type { ToolPolicy } from '../core/tool-policy.ts';
import type { Models } from './models.ts';

/** The gate of the configuration in force, and what people answer to it. */
export function composeApprovals(models: Models): { gate: ApprovalGate; approvals: ApprovalAnswers } {
  const { live, commands } = models;
  const policy = (): ToolPolicy => {
    const { tools, agents } = live.config;
    return toolPolicyOf(
      tools.policy,
      Object.fromEntries(Object.entries(agents).map(([name, agent]) => [name, agent.policy])),
    );
  };
  const timeoutMs = (): number => live.config.tools.policy.approval_timeout;
  const approvals = new ApprovalAnswers({ ...models, policy });
  registerApprovalCommands(commands, { ...models, answers: approvals });
  return { gate: new ApprovalGate({ ...models, policy, timeoutMs }), approvals };
}
