import { notFound } from '../../core/errors.ts';
import type { ApprovalGateway } from '../../core/ports/approval-gateway.ts';
import type { Bus, EventFilter } from '../../core/ports/bus.ts';
import type { FileStorage } from '../../core/ports/files.ts';
import type { ChannelStatus, ChatRequest, Gateway, SendRequest } from '../../core/ports/gateway.ts';
import type { MaintenanceGateway } from '../../core/ports/maintenance-gateway.ts';
import type { Notes } from '../../core/ports/notes.ts';
import type { RightsGateway } from '../../core/ports/rights-gateway.ts';
import type { PersonSettings } from '../../core/ports/preferences.ts';
import type { ReplayGateway } from '../../core/ports/replay.ts';
import type { ScheduleGateway } from '../../core/ports/schedule-gateway.ts';
import type { MessageTrace } from '../../core/ports/overview-store.ts';
import { ownerFilter, type Principal, type Scope } from '../../core/principal.ts';
import type { Pairing } from '../access/pairing.ts';
import type { People } from '../access/people.ts';
import type { Tokens } from '../access/tokens.ts';
import type { Audit } from '../audit/audit.ts';
import { audited } from '../audit/audited.ts';
import type { Usage } from '../budget/usage.ts';
import type { ChannelManager } from '../channels/manager.ts';
import { saveUpload } from '../files/upload.ts';
import type { RunQueue } from '../runs/queue.ts';
import type { Chat } from './chat.ts';
import type { DeadLetters } from './dead.ts';
import type { OfferedTools } from './offered-tools.ts';
import { send, type SendDeps } from './send.ts';
import type { Sessions } from './sessions.ts';
import type { Status } from './status.ts';

export interface GatewayDeps extends SendDeps {
  bus: Bus;
  files: FileStorage;
  tokens: Tokens;
  runs: RunQueue;
  chat: Chat;
  sessions: Sessions;
  dead: DeadLetters;
  channels: ChannelManager;
  people: People;
  usage: Usage;
  preferences: PersonSettings;
  notes: Notes;
  pairing: Pairing;
  rights: RightsGateway;
  approvals: ApprovalGateway;
  schedule: ScheduleGateway;
  replays: ReplayGateway;
  maintenance: MaintenanceGateway;
  audit: Audit;
  status: Status;
  offered: OfferedTools;
  reload: () => Promise<{ changed: string[] }>;
  describeConfig: () => { key: string; value: unknown; source: string }[];
}

/** The one inward face of the product: every client surface calls this and nothing else. */
export function gatewayOf(deps: GatewayDeps): Gateway {
  const { store, bus, tokens, runs, chat, sessions, dead, channels, status } = deps;
  const { usage, preferences, notes, people, pairing } = deps;
  const gateway: Gateway = {
    ...deps.rights,
    ...deps.approvals,
    ...deps.replays,
    ...deps.schedule,
    ...deps.maintenance,
    authenticate: (token) => Promise.resolve(tokens.authenticate(token)),
    onRevoked: (principal, callback) => tokens.onRevoked(principal, callback),

    chat: (principal: Principal, request: ChatRequest) => chat.chat(principal, request),
    send: (principal: Principal, request: SendRequest) => send(principal, request, deps),
    hook: (name, request) => channels.hook(name, request),
    abortRun(principal, runId) {
      const owner = ownerFilter(principal);
      const reason = 'The run was aborted.';
      return Promise.resolve(
        runs.abortRun(runId, owner, 'requested', reason) || chat.abortQueued(runId, owner, reason),
      );
    },

    listSessions: (principal, options) => sessions.list(principal, options),
    session: (principal, key) => sessions.find(principal, key),
    resetSession: (principal, key) => sessions.reset(principal, key),
    deleteSession: (principal, key) => sessions.remove(principal, key),
    closeStaleSessions: (principal, maxAgeMs) => sessions.closeStale(principal, maxAgeMs),
    messages: (principal, key, options) => sessions.messages(principal, key, options),

    saveFile: (principal, mimeType, body) => saveUpload(principal.person, mimeType, body, deps),

    notes: (principal, { query, ...page }) =>
      query === undefined ? notes.list(principal.person, page) : notes.search(principal.person, query, page),
    async note(principal, id) {
      const { note } = await notes.find(principal.person, { id });
      if (note === null) throw notFound('note');
      return note;
    },
    noteByTitle: (principal, title) => notes.find(principal.person, { title }),
    saveNote: (principal, note) =>
      notes.save(principal.person, note, { source: `${principal.kind}:${principal.id}`, outside: null }),
    async deleteNote(principal, id) {
      if (!(await notes.remove(principal.person, id))) throw notFound('note');
    },
    deleteNotes: (principal) => notes.removeAll(principal.person),

    async trace(principal, messageId): Promise<MessageTrace> {
      const trace = await store.trace(messageId);
      const owner = ownerFilter(principal);
      if (trace === null || (owner !== null && trace.inbox.owner !== owner)) throw notFound('message');
      return trace;
    },
    dead: (principal, options) => dead.list(ownerFilter(principal), options),
    deadLetter: (principal, id) => dead.show(ownerFilter(principal), id),
    retryDead: (principal, id) => dead.retry(ownerFilter(principal), id),
    clearDead: (principal, id) => dead.clear(ownerFilter(principal), id),

    async tokens(principal) {
      const owner = ownerFilter(principal);
      return tokens.list().filter(({ person }) => owner === null || person === owner);
    },
    createToken: (_principal, request: { name: string; scopes: Scope[]; expires?: string; person?: string }) =>
      tokens.create(request),
    rotateToken: (_principal, id) => tokens.rotate(id),
    revokeToken: (_principal, id) => tokens.revoke(id),

    people: (principal, options) => people.list(principal, options),
    person: (principal, id) => people.show(principal, id),
    setRole: (principal, id, role) => people.setRole(principal, id, role),
    linkPerson: (principal, id) => people.link(principal, id),
    unlinkPerson: (principal, id, identity) => people.unlink(principal, id, identity),
    pairings: (principal) => people.pairings(principal),
    approvePairing: (principal, { code, role }) => pairing.approve(code, principal, role),
    rejectPairing: (principal, { code }) => pairing.reject(code, principal),

    channelAction: (_principal, id, action): Promise<ChannelStatus> => channels.act(id, action),
    usage: (principal, options) => usage.lines(principal, options),
    budgets: (principal, person) => usage.budgets(principal, person),
    personBudget: (principal, id) => usage.budgetOf(principal, id),
    setPersonBudget: (principal, id, change) => usage.setBudget(principal, id, change),
    settings: (principal, id) => preferences.get(visible(principal, id)),
    setSettings: (principal, id, written) => preferences.set(visible(principal, id), written),
    reloadConfig: () => deps.reload(),
    config: () => Promise.resolve(deps.describeConfig()),

    offeredTools: (principal) => deps.offered.list(principal),
    callTool: (principal, call) => deps.offered.call(principal, call),

    status: () => status.status(),
    readiness: () => status.readiness(),
    refreshFigures: () => status.refreshFigures(),
    subscribe: (principal, name, filter, limit) => bus.subscribe(name, mine(principal, filter), limit),
    eventsSince: (principal, seq, filter) => bus.since(seq, mine(principal, filter)),
  };
  return audited(gateway, deps.audit);
}

/** The person, when the principal may see them. */
function visible(principal: Principal, person: string): string {
  const owner = ownerFilter(principal);
  if (owner !== null && owner !== person) throw notFound('person');
  return person;
}

function mine(principal: Principal, filter: EventFilter): EventFilter {
  const owner = ownerFilter(principal);
  return owner === null ? filter : { ...filter, person: owner };
}
