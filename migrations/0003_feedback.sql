-- Reactions to what we said: the newest one of each sender to each message of ours. An empty value was taken back.
-- `owner` is the person the message was for.
CREATE TABLE feedback (
  outbox_id TEXT NOT NULL,
  owner TEXT NOT NULL,
  sender TEXT NOT NULL,
  display TEXT NOT NULL,
  value TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (outbox_id, sender)
) STRICT;
CREATE INDEX feedback_owner ON feedback (owner);

CREATE INDEX outbox_ref ON outbox (ref, conversation) WHERE ref IS NOT NULL;
