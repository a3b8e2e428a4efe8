-- Who did what. Append-only: the hash of a row covers the row and the hash before it. The name of who acted stands
-- apart, so that it can be forgotten without a change to the chain.
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  actor_kind TEXT NOT NULL,
  actor_id TEXT NOT NULL,
  person TEXT,
  action TEXT NOT NULL,
  subject TEXT,
  metadata TEXT NOT NULL,
  hash TEXT NOT NULL
) STRICT;
CREATE TRIGGER audit_stays BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keeps BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

CREATE TABLE audit_names (
  seq INTEGER PRIMARY KEY,
  owner TEXT NOT NULL,
  name TEXT NOT NULL
) STRICT;

-- People who are being erased, and the receipts of those who were. `traces` (JSON) is what they are found by in other
-- people's conversations; it is emptied before the end, when `receipt` comes.
CREATE TABLE erasures (
  person TEXT NOT NULL PRIMARY KEY,
  traces TEXT NOT NULL,
  removed TEXT NOT NULL,
  begun_by TEXT NOT NULL,
  begun_at INTEGER NOT NULL,
  receipt TEXT
) STRICT;
