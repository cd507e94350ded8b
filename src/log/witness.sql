-- A witness's memory: the newest head it cosigned of every log. docs/formats/log.md describes every column.
CREATE TABLE cosigned(
  origin_hash TEXT PRIMARY KEY CHECK (length(origin_hash) = 64),
  origin TEXT NOT NULL,
  size INTEGER NOT NULL CHECK (size >= 0),
  root BLOB NOT NULL CHECK (length(root) = 32),
  time_s INTEGER NOT NULL CHECK (time_s > 0),
  checkpoint TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE fork(
  origin_hash TEXT PRIMARY KEY CHECK (length(origin_hash) = 64),
  evidence TEXT NOT NULL
) STRICT, WITHOUT ROWID;
