-- What a recorded run was made of, to be played again: row 0 is what it worked with, each further row one call of the
-- model with its request, its answer and the results of its tools.
CREATE TABLE recordings (
  run_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  owner TEXT NOT NULL,
  session_key TEXT NOT NULL,
  data TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (run_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX recordings_at ON recordings (at);
CREATE INDEX recordings_owner ON recordings (owner);
