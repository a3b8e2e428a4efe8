-- Calls of the model that wait for a person, and what became of them. `owner`: whose call it is. `digest`: SHA-256, hex,
-- over what is approved (src/app/approvals/digest.ts). `used_by`: the run that decided, which alone makes the call.
CREATE TABLE approvals (
  id TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  run_id TEXT NOT NULL,
  call_id TEXT NOT NULL,
  session_key TEXT NOT NULL,
  agent TEXT,
  role TEXT NOT NULL,
  channel TEXT NOT NULL,
  tool TEXT NOT NULL,
  args TEXT NOT NULL,
  digest TEXT NOT NULL,
  effects TEXT NOT NULL,
  reason TEXT NOT NULL,
  tainted TEXT,
  state TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  decided_by TEXT,
  decided_at INTEGER,
  decided_where TEXT,
  used_by TEXT,
  UNIQUE (run_id, call_id)
) STRICT;
CREATE INDEX approvals_owner ON approvals (owner, created_at, id);
CREATE INDEX approvals_session ON approvals (session_key, created_at, id);
CREATE INDEX approvals_open ON approvals (expires_at) WHERE state = 'open';
CREATE INDEX approvals_expired ON approvals (expires_at);
