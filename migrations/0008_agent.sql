-- What the agent remembers of a run's surroundings.

-- Where the text of a message comes from when its sender passed it on: `mail`, `a forwarded message`; null: their own.
ALTER TABLE inbox ADD COLUMN outside TEXT;

-- The newest message that a summary stands for; 0 while there is none.
ALTER TABLE sessions ADD COLUMN summary_seq INTEGER NOT NULL DEFAULT 0;

-- What models read instead of the older messages of a long session: one for each, the newest. `outside` as of a message.
CREATE TABLE summaries (
  session INTEGER NOT NULL PRIMARY KEY,
  owner TEXT NOT NULL,
  seq INTEGER NOT NULL,
  text TEXT NOT NULL,
  outside TEXT,
  at INTEGER NOT NULL
) STRICT;
