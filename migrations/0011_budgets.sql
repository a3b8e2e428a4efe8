-- Sums of the ledger know the channel, written tokens of caches and the calls whose price is unknown. Kept in the tree
-- of their key, they cost a turn one page less than before.
CREATE TABLE usage_days_new (
  day TEXT NOT NULL,
  owner TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  calls INTEGER NOT NULL,
  input INTEGER NOT NULL,
  cache_read INTEGER NOT NULL,
  cache_write INTEGER NOT NULL,
  output INTEGER NOT NULL,
  cost REAL,
  unpriced INTEGER NOT NULL,
  PRIMARY KEY (day, owner, channel, provider, model)
) STRICT, WITHOUT ROWID;
INSERT INTO usage_days_new (day, owner, channel, provider, model, calls, input, cache_read, cache_write, output, cost,
    unpriced)
  SELECT day, owner, '', provider, model, calls, input, cache_read, 0, output, cost, 0 FROM usage_days;
DROP TABLE usage_days;
ALTER TABLE usage_days_new RENAME TO usage_days;

-- What calls under way can come to at the most; removed when their ledger row is completed. `nano` (10^-9 US dollars)
-- is null where the price is unknown.
CREATE TABLE reservations (
  run_id TEXT NOT NULL,
  n INTEGER NOT NULL,
  owner TEXT NOT NULL,
  channel TEXT NOT NULL,
  provider TEXT NOT NULL,
  model TEXT NOT NULL,
  day TEXT NOT NULL,
  input INTEGER NOT NULL,
  output INTEGER NOT NULL,
  nano INTEGER,
  at INTEGER NOT NULL,
  PRIMARY KEY (run_id, n)
) STRICT, WITHOUT ROWID;

-- What was spent, of those accounts and periods (a day or a month, UTC) that a limit was ever asked of: begun from the
-- sums of the ledger and kept with them. `owner` is null where the account is no person's.
CREATE TABLE budget_spent (
  account TEXT NOT NULL,
  period TEXT NOT NULL,
  owner TEXT,
  nano INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  PRIMARY KEY (period, account)
) STRICT, WITHOUT ROWID;

-- What differs for a person from the limits of their role, as JSON.
CREATE TABLE budget_overrides (
  owner TEXT NOT NULL PRIMARY KEY,
  limits TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- How a person wants it; null: not said. `quiet` is `22:00-07:00` in their time zone. Their language is in people.
CREATE TABLE preferences (
  owner TEXT NOT NULL PRIMARY KEY,
  model TEXT,
  time_zone TEXT,
  quiet TEXT,
  notices INTEGER
) STRICT, WITHOUT ROWID;
