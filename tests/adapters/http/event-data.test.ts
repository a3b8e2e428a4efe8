import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventData } from '../../../src/adapters/http/event-data.ts';

const base = { seq: 7, at: 9, person: 'owner' } as const;

test('times in events are ISO-8601 in UTC, whichever event they are of', () => {
  const asked = { type: 'approval.requested', approvalId: 'a', runId: 'r', tool: 'exec', expiresAt: 5 } as const;
  assert.deepEqual(eventData({ ...base, ...asked }), {
    approval_id: 'a',
    run_id: 'r',
    tool: 'exec',
    expires_at: '1970-01-01T00:00:00.005Z',
    person: 'owner',
  });
  const missed = { type: 'job.missed', jobId: 'j', due: 5, count: 2 } as const;
  assert.deepEqual(eventData({ ...base, ...missed }), {
    job_id: 'j',
    due: '1970-01-01T00:00:00.005Z',
    count: 2,
    person: 'owner',
  });
});
