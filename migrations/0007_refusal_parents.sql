-- What a refused chat is part of, as a JSON array: who is let in by the server or the parent channel since is not shown.
ALTER TABLE refusals ADD COLUMN parents TEXT NOT NULL DEFAULT '[]';
