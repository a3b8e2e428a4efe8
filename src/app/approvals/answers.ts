import { answerToApproval } from '../../core/approval-answer.ts';
import type { ApprovalWords } from '../../core/notices/approval-words.ts';
import type { ApprovalRow } from '../../core/ports/approval-store.ts';
import type { Bus } from '../../core/ports/bus.ts';
import type { InboxRow } from '../../core/ports/inbox-store.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock, Counter, Log, Metrics } from '../../core/ports/system.ts';
import type { PersonRole, Principal } from '../../core/principal.ts';
import { may, roleIncludes } from '../../core/roles.ts';
import { jobChannel } from '../../core/session-key.ts';
import { decide, type ToolPolicy } from '../../core/tool-policy.ts';
import { nameOf } from '../access/names.ts';
import type { Audit } from '../audit/audit.ts';
import type { CommandAnswer, CommandContext } from '../commands/registry.ts';
import { digestOf, sealOf } from './digest.ts';
import { maxOpen } from './gate.ts';

export interface AnswerDeps {
  store: Store;
  bus: Bus;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  audit: Pick<Audit, 'record'>;
  policy: () => ToolPolicy;
  /** Who sent a message, and what they may do now. */
  whois: (inbound: InboxRow) => Promise<{ person: string; role: PersonRole }>;
}

/** What a person answers to a question about a call, wherever the answer came from: all of it runs as a command. */
export class ApprovalAnswers {
  readonly #deps: AnswerDeps;
  readonly #resolved: Counter;

  constructor(deps: AnswerDeps) {
    this.#deps = { ...deps, log: deps.log.with({ component: 'approvals' }) };
    this.#resolved = deps.metrics.counter(
      'approvals_resolved_total',
      'Questions about calls that were answered, by outcome.',
    );
  }

  /** `seal`: the beginning of the digest, as it was shown. The same run gets the same answer again. */
  async answer(context: CommandContext, approve: boolean, id: string, seal: string): Promise<CommandAnswer> {
    const { store, clock } = this.#deps;
    const { inbound, session, person, role } = context;
    const words = context.words.approvals;
    const at = clock.now();
    const stored = await store.approval(id, null, at);
    // Rows do not change once they are written; one that did is nothing anybody saw.
    if (stored !== null && digestOf(stored) !== stored.digest) return { text: words.altered };
    const rights = stored === null ? role : await this.#rightsOf(stored, context);
    if (stored !== null && approve && this.#refused(stored, rights)) return { text: words.notAllowed(stored.tool) };
    const decision = await store.decideApproval({
      id,
      sessionKey: session.key,
      digest: seal,
      approve,
      by: person.id,
      forOthers: may(role, 'answer_for_others'),
      at,
      where: `${inbound.channel}:${inbound.account}`,
      runId: inbound.runId,
    });
    switch (decision.outcome) {
      case 'approved':
      case 'denied': {
        const { row, repeated, outcome } = decision;
        await this.#resolve(row, outcome, repeated, context);
        if (outcome === 'approved') return { text: '', approved: approvedCall(row, rights, context) };
        return {
          text: words.denied(row.tool),
          note: `[The person denied the call of ${row.tool}. Do not make it again unless they ask for it.]`,
        };
      }
      case 'answered':
        return { text: words.answered(decision.row.state === 'approved' ? 'approved' : 'denied') };
      default:
        return { text: words[notAnswered[decision.outcome]] };
    }
  }

  /**
   * What a message that is nothing but a yes or a no means: an answer, when it is the next thing that this person says
   * after the only question that is open for them here. Null: an ordinary message.
   */
  async bare(context: CommandContext): Promise<CommandAnswer | null> {
    const { store, clock } = this.#deps;
    const { inbound, session, person, role } = context;
    const meant = answerToApproval(inbound.text);
    // What a job asks was written long before the question: nobody reads that and says yes.
    if (inbound.channel === jobChannel) return null;
    // What somebody else wrote and was passed on says nothing of what this person wants.
    if (meant === null || inbound.outside !== null || inbound.attachments.length > 0) return null;
    if (!may(role, 'command')) return null;
    const filter = { owner: person.id, sessionKey: session.key, open: false, at: clock.now() };
    const { items } = await store.listApprovals(filter, { limit: maxOpen });
    // The same message again, after a crash: what it answered is what it answers.
    const answered = items.find(({ usedBy }) => usedBy === inbound.runId);
    if (answered !== undefined) return this.answer(context, meant === 'approve', answered.id, sealOf(answered));
    const open = items.filter(({ state }) => state === 'open');
    const [row] = open;
    if (row === undefined || open.length > 1 || inbound.receivedAt <= row.createdAt) return null;
    const before = await store.inboundBefore(session.key, inbound.id);
    if (before !== null && before.receivedAt > row.createdAt) return null;
    return this.answer(context, meant === 'approve', row.id, sealOf(row));
  }

  /** What the person was asked may have become forbidden: by the policy, or because they may do less by now. */
  #refused({ tool, effects, channel, agent, tainted }: ApprovalRow, role: PersonRole): boolean {
    return decide(this.#deps.policy(), { tool, effects, role, channel, agent, tainted }).decision === 'deny';
  }

  /** One's own call is made with what one may do now; that of another with what they could when it was asked and can still. */
  async #rightsOf({ owner, role, runId }: ApprovalRow, context: CommandContext): Promise<PersonRole> {
    if (owner === context.person.id) return context.role;
    const { store, whois } = this.#deps;
    const run = await store.run(runId);
    const asked = run === null ? null : await store.inbound(run.messageId);
    const who = asked === null ? null : await whois(asked);
    // Of several who were answered together it was not the first.
    const now = who?.person === owner ? who.role : ((await store.person(owner))?.role ?? 'guest');
    return roleIncludes(role, now) ? now : role;
  }

  /** A deed that a crash may have kept out of the log of deeds is written there once more rather than not at all. */
  async #resolve(
    row: ApprovalRow,
    outcome: 'approved' | 'denied',
    repeated: boolean,
    { inbound, person }: CommandContext,
  ): Promise<void> {
    const { audit, bus, log } = this.#deps;
    const { id, tool, runId, sessionKey, owner } = row;
    const { channel, account, sender } = inbound;
    const from: Pick<Principal, 'kind' | 'id'> =
      channel === 'api' ? { kind: 'token', id: sender.native } : { kind: 'sender', id: `${channel}:${account}` };
    const by: Principal = { ...from, person: person.id, scope: 'send', name: person.name };
    await audit.record(by, 'approval.decided', id, { outcome, tool, run: runId, owner });
    if (repeated) return;
    this.#resolved.add(1, { outcome });
    log.info('a call was decided', { approval: id, outcome, tool, by: person.id });
    bus.publish({ type: 'approval.resolved', sessionKey, person: owner, approvalId: id, runId, tool, outcome });
  }
}

const notAnswered = {
  unknown: 'unknown',
  not_yours: 'notYours',
  altered: 'altered',
  expired: 'expired',
} as const satisfies Record<string, keyof ApprovalWords>;

const approvedCall = (
  row: ApprovalRow,
  role: PersonRole,
  context: CommandContext,
): NonNullable<CommandAnswer['approved']> => ({
  id: row.id,
  runId: row.runId,
  callId: row.callId,
  tool: row.tool,
  args: row.args,
  person: row.owner,
  role,
  agent: row.agent,
  by: nameOf(context.person.name || context.inbound.sender.display),
});
