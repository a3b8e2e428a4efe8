import { appendAudit, auditChain, listAudit } from './audit.ts';
import { commitInbound, cursors, inbound, inboundBefore, refusedSenders, requeueInbound } from './inbound.ts';
import { approval, askApproval, decideApproval, listApprovals } from './approvals.ts';
import { attachFiles, editInbound } from './attachments.ts';
import { budgetOverrides, budgetStandings, reserveBudget, setBudgetOverride } from './budgets.ts';
import {
  admissions,
  burnLink,
  code,
  decide,
  offerLink,
  openRequest,
  openRequests,
  redeemLink,
  unlink,
} from './codes.ts';
import { clearCooldown, cooldowns, saveCooldown } from './cooldowns.ts';
import type { Database } from './database.ts';
import { clearDead, deadLetter, deadLetters, retryDead } from './dead.ts';
import { saveFeedback } from './feedback.ts';
import {
  beginErasure,
  compact,
  emptyLog,
  eraseRows,
  erasures,
  finishErasure,
  forgetTraces,
  runsOf,
} from './erasures.ts';
import { finishRun } from './finish.ts';
import { importSession } from './import.ts';
import { expireRows, forgetFiles, unknownFiles } from './removal.ts';
import { forgetTasks } from './forget-tasks.ts';
import { maintain } from './housekeeping.ts';
import { identitiesOf, identity, listPeople, ownerChats, setRole } from './identities.ts';
import { saveAttempts, usage } from './ledger.ts';
import { dueConversations } from './lines.ts';
import { historyFigures, searchHistory, trimHistory } from './history.ts';
import { listMessages } from './messages.ts';
import { deleteNote, deleteNotes, listNotes, note, saveNote, searchNotes } from './notes.ts';
import {
  claimSend,
  interruptedSends,
  openStream,
  outbound,
  planOutbound,
  recordSend,
  setStreamRef,
  undoClaimSend,
} from './outbound.ts';
import { counts, trace } from './overview.ts';
import {
  deleteToken,
  ensureIdentity,
  ensurePerson,
  file,
  person,
  saveFile,
  saveToken,
  setPersonLanguage,
  tokenByHash,
  tokens,
  touchTokens,
} from './people.ts';
import { preferences, preferredModels, setPreferences } from './preferences.ts';
import { recording, saveRecording, sessionHistory } from './recordings.ts';
import { saveSummary } from './summaries.ts';
import type { Arguments, OperationName, Result } from './protocol.ts';
import { vacuum } from './vacuum.ts';
import { aheadJobs, dueJobs, fire, nextDue, slots } from './schedule.ts';
import { addJob, changeJob, job, listJobs, removeJob } from './jobs.ts';
import { addTask, cancelTask, listTasks, retryTask, task, taskCounts, taskEvents } from './tasks.ts';
import {
  beatTasks,
  claimTask,
  cutTasks,
  failTask,
  finishTask,
  nextTaskAt,
  recoverTask,
  releaseTasks,
  saveTaskStep,
  taskSteps,
  undoClaimTask,
} from './task-work.ts';
import { claimRun, joinRun, journal, recoverRuns, releaseRun, run, runReply, undoClaimRun } from './runs.ts';
import {
  closeStale,
  deleteSession,
  listSessions,
  moveConversation,
  queuedSessions,
  resetSession,
  session,
  setSessionModel,
} from './sessions.ts';

/** Every operation of the store by name: a plain function that runs inside the worker, in somebody else's transaction. */
export const operations: { [K in OperationName]: (db: Database, ...args: Arguments<K>) => Result<K> } = {
  commitInbound,
  cursors,
  requeueInbound,
  inbound,
  inboundBefore,
  attachFiles,
  editInbound,
  recoverRuns,
  releaseRun,
  queuedSessions,
  claimRun,
  joinRun,
  journal,
  saveAttempts,
  finishRun,
  run,
  runReply,
  saveSummary,
  saveRecording,
  recording,
  sessionHistory,
  planOutbound,
  openStream,
  setStreamRef,
  interruptedSends,
  dueConversations,
  claimSend,
  recordSend,
  outbound,
  moveConversation,
  saveFeedback,
  listSessions,
  session,
  resetSession,
  closeStale,
  deleteSession,
  setSessionModel,
  listMessages,
  ensureIdentity,
  ensurePerson,
  person,
  setPersonLanguage,
  tokens,
  tokenByHash,
  saveToken,
  deleteToken,
  touchTokens,
  refusedSenders,
  identity,
  identitiesOf,
  listPeople,
  setRole,
  ownerChats,
  openRequest,
  offerLink,
  code,
  burnLink,
  decide,
  redeemLink,
  unlink,
  openRequests,
  admissions,
  cooldowns,
  saveCooldown,
  clearCooldown,
  saveFile,
  file,
  trace,
  deadLetters,
  deadLetter,
  retryDead,
  clearDead,
  appendAudit,
  listAudit,
  auditChain,
  beginErasure,
  runsOf,
  eraseRows,
  forgetTraces,
  finishErasure,
  erasures,
  compact,
  emptyLog,
  expireRows,
  unknownFiles,
  forgetFiles,
  importSession,
  usage,
  counts,
  reserveBudget,
  budgetStandings,
  budgetOverrides,
  setBudgetOverride,
  preferences,
  preferredModels,
  setPreferences,
  saveNote,
  note,
  searchNotes,
  listNotes,
  deleteNote,
  deleteNotes,
  historyFigures,
  trimHistory,
  searchHistory,
  askApproval,
  approval,
  listApprovals,
  decideApproval,
  addJob,
  job,
  listJobs,
  changeJob,
  removeJob,
  dueJobs,
  nextDue,
  aheadJobs,
  fire,
  slots,
  addTask,
  task,
  listTasks,
  taskEvents,
  claimTask,
  nextTaskAt,
  beatTasks,
  finishTask,
  failTask,
  cancelTask,
  retryTask,
  releaseTasks,
  cutTasks,
  recoverTask,
  taskSteps,
  saveTaskStep,
  forgetTasks,
  taskCounts,
  maintain,
  vacuum,
};

/** What takes back a claim whose answer never reached its caller. */
export const undo: { [K in OperationName]?: (db: Database, claim: NonNullable<Result<K>>) => void } = {
  claimRun: undoClaimRun,
  claimSend: undoClaimSend,
  claimTask: undoClaimTask,
};
