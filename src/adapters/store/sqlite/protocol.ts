/** What the main thread and the store's worker say to each other. */
import type { ErrorData } from '../../../core/errors.ts';
import type { Store } from '../../../core/ports/store.ts';
import type { Placed } from './placed.ts';

/** What a process of its own reads, see reading.ts. */
type Reading = 'ownedRows' | 'erasable' | 'expired' | 'looseFiles';

export type OperationName = Exclude<keyof Store, 'quickCheck' | 'close' | Reading>;
export type Arguments<K extends OperationName> = Parameters<Store[K]>;
/** What crosses between the threads. */
export type Result<K extends OperationName> = K extends 'commitInbound' ? Placed : Awaited<ReturnType<Store[K]>>;

/**
 * Whether an operation changes anything. `later`: a write that nobody waits for; it shares the transaction of what is
 * asked next, or has its own after a moment. `patient`: one whose caller can spare some milliseconds; while the store is
 * busy it does the same. `alone`: cannot be part of a transaction.
 */
export type OperationMode = 'read' | 'write' | 'later' | 'patient' | 'alone';

/** Every operation; the client's methods are made from these names. */
export const operationModes: Record<OperationName, OperationMode> = {
  commitInbound: 'write',
  cursors: 'read',
  requeueInbound: 'write',
  inbound: 'read',
  inboundBefore: 'read',
  attachFiles: 'write',
  editInbound: 'write',
  recoverRuns: 'write',
  releaseRun: 'write',
  queuedSessions: 'read',
  claimRun: 'write',
  joinRun: 'write',
  journal: 'write',
  saveAttempts: 'later',
  // The answer was heard while it was written. Turns that share a commit cost less.
  finishRun: 'patient',
  run: 'read',
  runReply: 'read',
  saveSummary: 'write',
  saveRecording: 'later',
  recording: 'read',
  sessionHistory: 'read',
  planOutbound: 'write',
  openStream: 'write',
  setStreamRef: 'write',
  interruptedSends: 'read',
  dueConversations: 'read',
  claimSend: 'write',
  recordSend: 'write',
  outbound: 'read',
  moveConversation: 'write',
  saveFeedback: 'write',
  listSessions: 'read',
  session: 'read',
  resetSession: 'write',
  closeStale: 'write',
  deleteSession: 'write',
  setSessionModel: 'write',
  listMessages: 'read',
  ensureIdentity: 'write',
  ensurePerson: 'write',
  person: 'read',
  setPersonLanguage: 'write',
  tokens: 'read',
  tokenByHash: 'read',
  saveToken: 'write',
  deleteToken: 'write',
  touchTokens: 'write',
  refusedSenders: 'read',
  identity: 'read',
  identitiesOf: 'read',
  listPeople: 'read',
  setRole: 'write',
  ownerChats: 'read',
  openRequest: 'write',
  offerLink: 'write',
  code: 'read',
  burnLink: 'write',
  decide: 'write',
  redeemLink: 'write',
  unlink: 'write',
  openRequests: 'read',
  admissions: 'read',
  cooldowns: 'read',
  saveCooldown: 'write',
  clearCooldown: 'write',
  saveFile: 'write',
  file: 'read',
  trace: 'read',
  deadLetters: 'read',
  deadLetter: 'read',
  retryDead: 'write',
  clearDead: 'write',
  appendAudit: 'write',
  listAudit: 'read',
  auditChain: 'read',
  beginErasure: 'write',
  runsOf: 'read',
  eraseRows: 'write',
  forgetTraces: 'write',
  finishErasure: 'write',
  erasures: 'read',
  compact: 'alone',
  emptyLog: 'alone',
  expireRows: 'write',
  unknownFiles: 'read',
  forgetFiles: 'write',
  importSession: 'write',
  usage: 'read',
  counts: 'read',
  reserveBudget: 'write',
  budgetStandings: 'read',
  budgetOverrides: 'read',
  setBudgetOverride: 'write',
  preferences: 'read',
  preferredModels: 'read',
  setPreferences: 'write',
  saveNote: 'write',
  note: 'read',
  searchNotes: 'read',
  listNotes: 'read',
  deleteNote: 'write',
  deleteNotes: 'write',
  historyFigures: 'read',
  trimHistory: 'write',
  searchHistory: 'read',
  askApproval: 'write',
  approval: 'read',
  listApprovals: 'read',
  decideApproval: 'write',
  addJob: 'write',
  job: 'read',
  listJobs: 'read',
  changeJob: 'write',
  removeJob: 'write',
  dueJobs: 'read',
  nextDue: 'read',
  aheadJobs: 'read',
  fire: 'write',
  slots: 'read',
  addTask: 'write',
  task: 'read',
  listTasks: 'read',
  taskEvents: 'read',
  claimTask: 'write',
  nextTaskAt: 'read',
  beatTasks: 'later',
  finishTask: 'write',
  failTask: 'write',
  cancelTask: 'write',
  retryTask: 'write',
  releaseTasks: 'write',
  cutTasks: 'read',
  recoverTask: 'write',
  taskSteps: 'read',
  saveTaskStep: 'write',
  forgetTasks: 'write',
  taskCounts: 'read',
  maintain: 'write',
  vacuum: 'alone',
};

export interface WorkerSetup {
  path: string;
  migrationsDir: string;
}

export interface Request {
  id: number;
  operation: OperationName;
  args: unknown[];
}

/** To the worker: requests in their order, the news that the gateway rests, or the wish to end. */
export type ToWorker = Request[] | 'rest' | 'close';

export interface Reply {
  id: number;
  value?: unknown;
  error?: ErrorData;
  /** For the log only: what the engine said. */
  detail?: string;
}

export type FromWorker =
  | { type: 'opened' }
  /** The file could not be opened; the worker ends. */
  | { type: 'refused'; error: ErrorData; detail: string }
  /** All answers of one batch, after its COMMIT. `commitSeconds` is null when nothing was written. */
  | { type: 'batch'; replies: Reply[]; commitSeconds: number | null }
  | { type: 'health'; open: boolean; detail: string }
  | { type: 'closed' };
