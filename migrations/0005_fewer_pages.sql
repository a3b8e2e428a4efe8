-- What a turn writes is counted in pages: each b-tree that it touches is one more in the log before the fsync. Tables
-- whose key is not a number are kept in the tree of their key.

CREATE TABLE messages_new (
  session INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  id TEXT NOT NULL,
  owner TEXT NOT NULL,
  role TEXT NOT NULL,
  parts TEXT NOT NULL,
  author TEXT,
  run_id TEXT,
  time INTEGER NOT NULL,
  PRIMARY KEY (session, seq),
  UNIQUE (session, id)
) STRICT, WITHOUT ROWID;
INSERT INTO messages_new (session, seq, id, owner, role, parts, author, run_id, time)
  SELECT session, seq, id, owner, role, parts, author, run_id, time FROM messages;
DROP TABLE messages;
ALTER TABLE messages_new RENAME TO messages;

-- A journal knows its session, as the runs are no longer found by theirs.
ALTER TABLE journal ADD COLUMN session INTEGER;
UPDATE journal SET session = (SELECT session FROM runs WHERE id = journal.run_id);
CREATE INDEX journal_session ON journal (session);

CREATE TABLE runs_new (
  id TEXT NOT NULL PRIMARY KEY,
  session INTEGER NOT NULL,
  session_key TEXT NOT NULL,
  owner TEXT NOT NULL,
  message_id TEXT NOT NULL,
  state TEXT NOT NULL,
  starts INTEGER NOT NULL,
  model TEXT,
  finish_reason TEXT,
  error TEXT,
  usage TEXT,
  cost REAL,
  reply_id TEXT,
  started_at INTEGER NOT NULL,
  finished_at INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO runs_new (id, session, session_key, owner, message_id, state, starts, model, finish_reason, error, usage,
    cost, reply_id, started_at, finished_at)
  SELECT id, session, session_key, owner, message_id, state, starts, model, finish_reason, error, usage, cost, reply_id,
    started_at, finished_at FROM runs;
DROP TABLE runs;
ALTER TABLE runs_new RENAME TO runs;

CREATE TABLE attempts_new (
  run_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  owner TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  finished_at INTEGER,
  outcome TEXT,
  phase TEXT,
  status INTEGER,
  detail TEXT,
  usage TEXT,
  cost REAL,
  PRIMARY KEY (run_id, n)
) STRICT, WITHOUT ROWID;
INSERT INTO attempts_new (run_id, n, owner, provider, model, started_at, finished_at, outcome, phase, status, detail,
    usage, cost)
  SELECT run_id, n, owner, provider, model, started_at, finished_at, outcome, phase, status, detail, usage, cost
  FROM attempts;
DROP TABLE attempts;
ALTER TABLE attempts_new RENAME TO attempts;
