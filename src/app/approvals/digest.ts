import { createHash } from 'node:crypto';
import { canonicalJson } from '../../core/canonical-json.ts';
import type { NewApproval } from '../../core/ports/approval-store.ts';

/** Of the digest, what is shown and answered with: enough to notice that something else is meant, short enough to type. */
const sealLength = 8;

/** What an approval is bound to: the call as it is shown, whose it is, and where it was made. */
export function digestOf({
  tool,
  args,
  owner,
  sessionKey,
  runId,
  callId,
}: Pick<NewApproval, 'tool' | 'args' | 'owner' | 'sessionKey' | 'runId' | 'callId'>): string {
  return createHash('sha256')
    .update(canonicalJson([tool, args, owner, sessionKey, runId, callId]))
    .digest('hex');
}

export const sealOf = ({ digest }: Pick<NewApproval, 'digest'>): string => digest.slice(0, sealLength);

/** What is sent to answer a question: at most 64 bytes, so that a button can hold it. */
export const answerCommand = (verb: 'approve' | 'deny', row: Pick<NewApproval, 'id' | 'digest'>): string =>
  `/${verb} ${row.id} ${sealOf(row)}`;
