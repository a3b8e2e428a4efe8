import type { MintId } from '../../core/ids.ts';
import { holdsSecret } from '../../core/leaks.ts';
import type { AskedApproval, CallInQuestion, Gate, Verdict } from '../../core/ports/gate.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';
import { decide, type ToolPolicy } from '../../core/tool-policy.ts';
import { digestOf } from './digest.ts';
import { questionButtons, questionText } from './question.ts';

/** Open questions of a person; the oldest beyond that expire. */
export const maxOpen = 20;
/** Characters of arguments that a person can still be asked to read. */
const maxAskedArgs = 65_536;

export interface GateDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  mintId: MintId;
  policy: () => ToolPolicy;
  timeoutMs: () => number;
}

/** What every call of a tool passes: the leak scan, the policy in force, and the questions to people. */
export class ApprovalGate implements Gate {
  readonly #deps: GateDeps;
  readonly #asked: Counter;

  constructor(deps: GateDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'approvals' }) };
    this.#asked = deps.metrics.counter('approvals_requested_total', 'Calls that a person was asked about, by tool.');
  }

  judge({ tool, args, effects, call, tainted }: CallInQuestion): Verdict {
    const { role, channel, agent, depth } = call;
    if (holdsSecret(args)) {
      return { decision: 'deny', reason: 'The arguments hold a secret of this gateway, which must not leave it.' };
    }
    const { decision, because } = decide(this.#deps.policy(), {
      tool: tool.name,
      effects,
      role,
      channel,
      agent,
      tainted,
    });
    if (decision === 'allow') return { decision };
    const what = `calls that ${effects.join(', ')}`;
    const why =
      because === 'tainted' && tainted !== null
        ? `the context holds text that others may have written (${tainted}), and ${what}`
        : what;
    if (decision === 'deny') return { decision, reason: `The policy refuses it: ${why} are not for you here.` };
    if (depth > 0) return { decision: 'deny', reason: 'It needs a person, whom only the agent they talk to can ask.' };
    if (JSON.stringify(args).length > maxAskedArgs)
      return { decision: 'deny', reason: 'It needs a person, and the arguments are too long for anybody to read.' };
    return { decision, reason: `The policy wants a person to approve it: ${why} need that.` };
  }

  async ask({ tool, args, effects, call, tainted }: CallInQuestion, reason: string): Promise<AskedApproval> {
    const { store, bus, clock, log, mintId, timeoutMs } = this.#deps;
    const { id: callId, runId, person: owner, role, agent, sessionKey, channel } = call;
    const now = clock.now();
    const question = { owner, runId, callId, sessionKey, agent, role, channel, tool: tool.name, args };
    const { inserted, row } = await store.askApproval(
      {
        ...question,
        id: mintId('appr'),
        digest: digestOf(question),
        effects,
        reason,
        tainted,
        createdAt: now,
        expiresAt: now + timeoutMs(),
      },
      maxOpen,
    );
    if (inserted) {
      this.#asked.add(1, { tool: row.tool });
      log.info('a person was asked to approve a call', { approval: row.id, tool: row.tool, run_id: runId });
      const about = { approvalId: row.id, runId, tool: row.tool, expiresAt: row.expiresAt };
      bus.publish({ type: 'approval.requested', sessionKey, person: owner, ...about });
    }
    return {
      id: row.id,
      text: (words) => questionText(row, words),
      buttons: (words) => questionButtons(row, words),
    };
  }
}
