-- Notes of a person. `title_key` is the title as it is compared; `title_words` and `text_words` are what a search looks
-- through (src/core/notes.ts). `outside` says where the text came from when somebody else may have written it.
CREATE TABLE notes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,
  owner TEXT NOT NULL,
  title TEXT NOT NULL,
  title_key TEXT NOT NULL,
  title_words TEXT NOT NULL,
  text TEXT NOT NULL,
  text_words TEXT NOT NULL,
  metadata TEXT NOT NULL,
  source TEXT NOT NULL,
  outside TEXT,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  expires_at INTEGER,
  UNIQUE (owner, title_key)
) STRICT;
CREATE INDEX notes_updated ON notes (owner, updated_at, seq);
CREATE INDEX notes_expiry ON notes (expires_at) WHERE expires_at IS NOT NULL;
