import { ClankerError, notFound } from '../../core/errors.ts';
import type { MintId } from '../../core/ids.ts';
import type { ApprovalRow } from '../../core/ports/approval-store.ts';
import type { ApprovalGateway, ApprovalInfo, ApprovalTicket } from '../../core/ports/approval-gateway.ts';
import type { Store } from '../../core/ports/store.ts';
import type { Clock } from '../../core/ports/system.ts';
import { scopeIncludes, type Principal } from '../../core/principal.ts';
import type { Ingress } from '../ingress/ingress.ts';
import { answerCommand } from './digest.ts';

interface RemoteDeps {
  store: Store;
  clock: Clock;
  mintId: MintId;
  ingress: Pick<Ingress, 'accept'>;
}

/**
 * Questions about calls for API clients and the command line. An answer goes the way of every answer: as a command, into
 * the session that asked, where it waits its turn and its sender's role is asked when it runs.
 */
export function remoteApprovals(deps: RemoteDeps): ApprovalGateway {
  const { store, clock } = deps;
  const find = async (principal: Principal, id: string): Promise<ApprovalRow> => {
    const row = await store.approval(id, ownerFilter(principal), clock.now());
    if (row === null) throw notFound('approval');
    return row;
  };
  return {
    async approvals(principal, { open = false, ...options }) {
      const filter = { owner: ownerFilter(principal), open, at: clock.now() };
      const { items, nextCursor } = await store.listApprovals(filter, options);
      return { items: items.map(infoOf), nextCursor };
    },
    approval: async (principal, id) => infoOf(await find(principal, id)),
    answerApproval: async (principal, id, approve) => answer(await find(principal, id), principal, approve, deps),
  };
}

async function answer(
  row: ApprovalRow,
  principal: Principal,
  approve: boolean,
  { store, clock, mintId, ingress }: RemoteDeps,
): Promise<ApprovalTicket> {
  if (row.state === 'expired')
    throw new ClankerError('conflict', 'approval_expired', 'This question has expired; nothing was done.');
  if (row.state !== 'open') throw alreadyAnswered();
  const [session, run] = await Promise.all([store.session(row.sessionKey, null), store.run(row.runId)]);
  const asked = run === null ? null : await store.inbound(run.messageId);
  if (session === null || asked === null) throw notFound('session that asked');
  const messageId = mintId('msg');
  const text = answerCommand(approve ? 'approve' : 'deny', row);
  const { row: stored } = await ingress.accept({
    id: messageId,
    runId: mintId('run'),
    kind: 'command',
    channel: 'api',
    account: principal.person,
    // However often it is sent, it is one answer.
    dedupe: `approval:${row.id}`,
    owner: session.owner,
    sessionKey: session.key,
    conversation: session.conversation,
    native: session.conversation === null ? null : asked.native,
    sender: { native: principal.id, display: principal.name },
    chatType: asked.chatType,
    text,
    attachments: [],
    outside: null,
    state: 'queued',
    reason: null,
    bodyHash: null,
    agent: null,
    model: null,
    correlation: messageId,
    receivedAt: clock.now(),
  });
  if (stored.text !== text) throw alreadyAnswered();
  return { messageId: stored.id, runId: stored.runId, sessionKey: stored.sessionKey };
}

/** Whose questions a principal may see: its person's, or with `admin` everybody's (null). */
const ownerFilter = (principal: Principal): string | null =>
  scopeIncludes(principal.scope, 'admin') ? null : principal.person;

const alreadyAnswered = (): ClankerError =>
  new ClankerError('conflict', 'already_answered', 'This question was answered already.');

const infoOf = (row: ApprovalRow): ApprovalInfo => ({
  id: row.id,
  person: row.owner,
  session: row.sessionKey,
  run: row.runId,
  tool: row.tool,
  args: row.args,
  digest: row.digest,
  effects: row.effects,
  reason: row.reason,
  tainted: row.tainted,
  state: row.state,
  createdAt: row.createdAt,
  expiresAt: row.expiresAt,
  decidedBy: row.decidedBy,
  decidedAt: row.decidedAt,
});
