-- The log's tables. docs/formats/log.md describes every column; this text never changes, new steps go behind it.
CREATE TABLE log(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  vkey TEXT NOT NULL
) STRICT;

CREATE TABLE head(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL CHECK (size >= 0),
  root BLOB NOT NULL CHECK (length(root) = 32),
  checkpoint TEXT NOT NULL
) STRICT;

CREATE TABLE entry(
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  id BLOB NOT NULL UNIQUE CHECK (length(id) = 32),
  idem BLOB NOT NULL UNIQUE CHECK (length(idem) = 16),
  leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535)
) STRICT;

CREATE TABLE tile(
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  hashes BLOB NOT NULL CHECK (length(hashes) BETWEEN 32 AND 8192 AND length(hashes) % 32 = 0),
  PRIMARY KEY (level, n)
) STRICT;
