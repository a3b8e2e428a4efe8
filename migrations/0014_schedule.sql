-- Jobs, their slots, and tasks. `chore` is 1 for those of the gateway itself. A slot hangs on the job's number, not its
-- id: the id of a removed job can be used again at once while its many slots go step by step. `list_at` is where a job
-- stands in lists: those that are never due come last.
CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  chore INTEGER NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  next_at INTEGER,
  list_at INTEGER NOT NULL GENERATED ALWAYS AS (COALESCE(next_at, 9007199254740991)) VIRTUAL,
  revision INTEGER NOT NULL,
  runs INTEGER NOT NULL DEFAULT 0,
  missed_runs INTEGER NOT NULL DEFAULT 0,
  last_fired_at INTEGER,
  decided_at INTEGER NOT NULL,
  jitter_ms INTEGER NOT NULL,
  max_attempts INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  timing TEXT NOT NULL,
  missed TEXT NOT NULL,
  deliver TEXT NOT NULL,
  origin TEXT NOT NULL,
  payload TEXT NOT NULL,
  memory TEXT
) STRICT;
-- What is due, and when the next one is.
CREATE INDEX jobs_due ON jobs (next_at, seq) WHERE state = 'active' AND next_at IS NOT NULL;
-- What was planned by a clock that was set back since.
CREATE INDEX jobs_decided ON jobs (decided_at) WHERE state = 'active';
-- Lists of a person, and how many jobs they have; lists of everybody's.
CREATE INDEX jobs_owner ON jobs (owner, chore, state, list_at, seq);
CREATE INDEX jobs_state ON jobs (chore, state, list_at, seq);

CREATE TABLE job_slots (
  job INTEGER NOT NULL,
  due INTEGER NOT NULL,
  owner TEXT NOT NULL,
  until INTEGER NOT NULL,
  count INTEGER NOT NULL,
  state TEXT NOT NULL,
  task_id TEXT,
  at INTEGER NOT NULL,
  PRIMARY KEY (job, due)
) STRICT, WITHOUT ROWID;
-- Those that are old enough to be forgotten.
CREATE INDEX job_slots_at ON job_slots (at);

-- `ready`: queued, and the first in the line of its job, none of which is running; a task of no job is a line of its own.
-- It is kept by every operation that moves a task, so that finding work costs what waits in different lines.
CREATE TABLE tasks (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  job_id TEXT,
  due INTEGER,
  cause TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL,
  chore INTEGER NOT NULL,
  state TEXT NOT NULL,
  ready INTEGER NOT NULL DEFAULT 0,
  cleared INTEGER NOT NULL DEFAULT 0,
  run_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  max_attempts INTEGER NOT NULL,
  crashes INTEGER NOT NULL DEFAULT 0,
  node TEXT,
  lease_until INTEGER,
  fence INTEGER NOT NULL DEFAULT 0,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  finished_at INTEGER,
  updated_at INTEGER NOT NULL,
  progress TEXT,
  error TEXT,
  deliver TEXT NOT NULL,
  origin TEXT NOT NULL,
  payload TEXT NOT NULL,
  result TEXT
) STRICT;
-- Lists of a person, and how many of theirs are open; lists of everybody's; those of a job, and whether one is running.
CREATE INDEX tasks_owner ON tasks (owner, chore, state, created_at, seq);
CREATE INDEX tasks_state ON tasks (chore, state, created_at, seq);
CREATE INDEX tasks_job ON tasks (job_id, state, created_at, seq) WHERE job_id IS NOT NULL;
-- What can be begun, the longest due first; the same by person and kind, to step over those that are busy; and what stands
-- in line behind it.
CREATE INDEX tasks_due ON tasks (run_at, seq, owner, kind) WHERE ready = 1;
CREATE INDEX tasks_ready ON tasks (owner, kind, run_at, seq) WHERE ready = 1;
CREATE INDEX tasks_line ON tasks (job_id, ready, run_at, seq) WHERE state = 'queued' AND job_id IS NOT NULL;
-- What is at work, and whose sign of life is missed first.
CREATE INDEX tasks_lease ON tasks (lease_until) WHERE state = 'running';
CREATE INDEX tasks_dead ON tasks (finished_at, id) WHERE state = 'failed' AND cleared = 0;
-- What ended long enough ago to be forgotten.
CREATE INDEX tasks_ended ON tasks (finished_at) WHERE finished_at IS NOT NULL;

-- The story of a task, and what is known of the steps of a workflow; `n` is the order in which they began.
CREATE TABLE task_events (
  task INTEGER NOT NULL,
  n INTEGER NOT NULL,
  owner TEXT NOT NULL,
  at INTEGER NOT NULL,
  kind TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY (task, n)
) STRICT, WITHOUT ROWID;

CREATE TABLE task_steps (
  task INTEGER NOT NULL,
  id TEXT NOT NULL,
  n INTEGER NOT NULL,
  owner TEXT NOT NULL,
  state TEXT NOT NULL,
  at INTEGER NOT NULL,
  error TEXT,
  result TEXT,
  PRIMARY KEY (task, n),
  UNIQUE (task, id)
) STRICT;
