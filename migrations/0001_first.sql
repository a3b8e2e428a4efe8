-- The first schema. Times are milliseconds since the epoch; JSON stands in TEXT; `owner` is the person a row belongs to;
-- a conversation is the JSON array [channel, account, chat, thread or null].

CREATE TABLE people (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  role TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE identities (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  native TEXT NOT NULL,
  owner TEXT NOT NULL,
  display TEXT NOT NULL,
  PRIMARY KEY (channel, account, native)
) STRICT;
CREATE INDEX identities_owner ON identities (owner);

CREATE TABLE tokens (
  id TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  scopes TEXT NOT NULL,
  owner TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER,
  last_used_at INTEGER
) STRICT;

CREATE TABLE cursors (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  key TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (channel, account, key)
) STRICT;

-- `last_seq` is the newest message, `reset_seq` the newest one that models no longer see, `trimmed_seq` the newest one
-- that was removed. `queued_seq` is the oldest queued inbox row while no run is active, else null: it is kept by every
-- operation that moves an inbox row, so that finding work never costs more than the work found.
CREATE TABLE sessions (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  key TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  conversation TEXT,
  title TEXT,
  agent TEXT,
  model TEXT,
  last_seq INTEGER NOT NULL DEFAULT 0,
  reset_seq INTEGER NOT NULL DEFAULT 0,
  trimmed_seq INTEGER NOT NULL DEFAULT 0,
  queued_seq INTEGER,
  created_at INTEGER NOT NULL,
  last_active_at INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_queued ON sessions (queued_seq) WHERE queued_seq IS NOT NULL;
CREATE INDEX sessions_active ON sessions (last_active_at, key);
CREATE INDEX sessions_owner ON sessions (owner, last_active_at, key);
CREATE INDEX sessions_conversation ON sessions (conversation) WHERE conversation IS NOT NULL;

-- Messages hang on the session's number, not its key: a deleted session's key can be used again at once while
-- housekeeping removes the old messages step by step (`purges`).
CREATE TABLE messages (
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
) STRICT;

CREATE TABLE purges (
  session INTEGER NOT NULL PRIMARY KEY,
  session_key TEXT NOT NULL,
  owner TEXT NOT NULL,
  inbox_seq INTEGER NOT NULL
) STRICT;

CREATE TABLE inbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  run_id TEXT NOT NULL,
  kind TEXT NOT NULL,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  dedupe TEXT NOT NULL,
  owner TEXT NOT NULL,
  session_key TEXT NOT NULL,
  conversation TEXT,
  native TEXT,
  sender TEXT NOT NULL,
  display TEXT NOT NULL,
  chat_type TEXT NOT NULL,
  text TEXT NOT NULL,
  attachments TEXT NOT NULL,
  state TEXT NOT NULL,
  reason TEXT,
  body_hash TEXT,
  agent TEXT,
  model TEXT,
  correlation TEXT NOT NULL,
  received_at INTEGER NOT NULL,
  starts INTEGER NOT NULL DEFAULT 0,
  error TEXT,
  finished_at INTEGER,
  merged_into TEXT,
  cleared INTEGER NOT NULL DEFAULT 0,
  UNIQUE (channel, account, dedupe)
) STRICT;
CREATE INDEX inbox_session ON inbox (session_key, seq);
CREATE INDEX inbox_queued ON inbox (session_key, seq) WHERE state = 'queued';
CREATE INDEX inbox_running ON inbox (session_key) WHERE state = 'running';
CREATE INDEX inbox_dead ON inbox (finished_at, id) WHERE state = 'dead' AND cleared = 0;
CREATE INDEX inbox_merged ON inbox (merged_into, seq) WHERE merged_into IS NOT NULL;
CREATE INDEX inbox_received ON inbox (received_at);
CREATE INDEX inbox_keys ON inbox (received_at) WHERE body_hash IS NOT NULL;
CREATE INDEX inbox_passing ON inbox (received_at) WHERE state IN ('refused', 'handled');

-- Who was turned away, counted once per sender and chat.
CREATE TABLE refusals (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  sender TEXT NOT NULL,
  chat TEXT NOT NULL,
  display TEXT NOT NULL,
  chat_type TEXT NOT NULL,
  reason TEXT NOT NULL,
  count INTEGER NOT NULL,
  last_at INTEGER NOT NULL,
  PRIMARY KEY (channel, account, sender, chat)
) STRICT;
CREATE INDEX refusals_last ON refusals (last_at);

CREATE TABLE runs (
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
) STRICT;
CREATE INDEX runs_session ON runs (session);

CREATE TABLE journal (
  run_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  state TEXT NOT NULL,
  owner TEXT NOT NULL,
  kind TEXT NOT NULL,
  data TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (run_id, n, state)
) STRICT;

-- The ledger: one row per provider attempt, and its sums per day (UTC), kept as attempts complete.
CREATE TABLE attempts (
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
) STRICT;

CREATE TABLE usage_days (
  day TEXT NOT NULL,
  owner TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cost REAL,
  PRIMARY KEY (day, owner, provider, model)
) STRICT;

CREATE TABLE outbox (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  idempotency_key TEXT NOT NULL UNIQUE,
  run_id TEXT,
  session_key TEXT,
  owner TEXT NOT NULL,
  conversation TEXT NOT NULL,
  chat_type TEXT NOT NULL,
  reply_to TEXT,
  part INTEGER NOT NULL,
  body TEXT NOT NULL,
  correlation TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  ref TEXT,
  resent INTEGER NOT NULL DEFAULT 0,
  plain INTEGER NOT NULL DEFAULT 0,
  next_attempt_at INTEGER NOT NULL,
  error TEXT,
  finished_at INTEGER,
  cleared INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX outbox_open ON outbox (conversation, seq) WHERE state IN ('planned', 'streaming', 'sending');
CREATE INDEX outbox_active ON outbox (seq) WHERE state IN ('streaming', 'sending');
CREATE INDEX outbox_dead ON outbox (finished_at, id) WHERE state = 'dead' AND cleared = 0;
CREATE INDEX outbox_uncertain ON outbox (finished_at) WHERE state = 'uncertain';
CREATE INDEX outbox_run ON outbox (run_id, seq) WHERE run_id IS NOT NULL;

-- One row per conversation with open outbox rows: when its head of line is due, null while the head is on its way.
CREATE TABLE lines (
  conversation TEXT NOT NULL PRIMARY KEY,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  chat_type TEXT NOT NULL,
  due_at INTEGER
) STRICT;
CREATE INDEX lines_due ON lines (channel, account, due_at) WHERE due_at IS NOT NULL;

CREATE TABLE cooldowns (
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  until INTEGER NOT NULL,
  kind TEXT NOT NULL,
  failures INTEGER NOT NULL,
  PRIMARY KEY (provider, model)
) STRICT;

CREATE TABLE files (
  id TEXT NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  mime_type TEXT NOT NULL,
  size INTEGER NOT NULL,
  sha256 TEXT NOT NULL,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX files_owner ON files (owner);

-- Counted up while the store works; see the open marker in src/adapters/store/sqlite/open.ts.
CREATE TABLE generation (
  n INTEGER NOT NULL
) STRICT;
INSERT INTO generation (n) VALUES (0);
