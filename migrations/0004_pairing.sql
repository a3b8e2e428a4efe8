-- The direct chat in which an identity talks to us, as everywhere the JSON array of a conversation.
ALTER TABLE identities ADD COLUMN conversation TEXT;

-- Who was let in beside the lists of the configuration; `id` is that of the code they came with.
CREATE TABLE admissions (
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  native TEXT NOT NULL,
  id TEXT NOT NULL UNIQUE,
  decided_by TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (channel, account, native)
) STRICT;
CREATE INDEX admissions_at ON admissions (at);

-- One-time codes, by their SHA-256. `request`: a stranger asks to be let in. `link`: `owner` names another identity as
-- theirs; channel, account and native are empty when an operator began it. `wrong_uses` counts a right code in wrong hands.
CREATE TABLE codes (
  id TEXT NOT NULL PRIMARY KEY,
  kind TEXT NOT NULL,
  hash TEXT NOT NULL UNIQUE,
  channel TEXT NOT NULL,
  account TEXT NOT NULL,
  native TEXT NOT NULL,
  display TEXT NOT NULL,
  conversation TEXT,
  owner TEXT,
  state TEXT NOT NULL,
  wrong_uses INTEGER NOT NULL DEFAULT 0,
  used_by TEXT,
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT;
CREATE INDEX codes_maker ON codes (channel, account, native);
CREATE INDEX codes_open ON codes (kind, created_at) WHERE state = 'open';
CREATE INDEX codes_expired ON codes (expires_at);
