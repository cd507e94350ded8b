-- Step 3, behind published.sql; this text never changes either.
--
-- `place` replaces two unique indexes: written in sweeps, not with each entry (places.h).
CREATE TABLE place(
  key BLOB NOT NULL CHECK (length(key) = 16),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  PRIMARY KEY (key, idx)
) STRICT, WITHOUT ROWID;

-- `tail` replaces the partial tile of level 0: a row a leaf, none of which is ever rewritten.
CREATE TABLE tail(
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;

-- Says to whoever keeps keys in memory that stored ones were put right.
CREATE TABLE repaired(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  count INTEGER NOT NULL CHECK (count >= 0)
) STRICT;
INSERT INTO repaired VALUES(1, 0);

WITH RECURSIVE i(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM i WHERE i < 254)
INSERT INTO tail SELECT n * 256 + i, substr(hashes, 32 * i + 1, 32) FROM tile, i
WHERE level = 0 AND length(hashes) < 8192 AND 32 * i < length(hashes);
DELETE FROM tile WHERE level = 0 AND length(hashes) < 8192;

-- What a log that grew by single entries would have swept by now. An entry's slice is the high six bits of its key.
CREATE TEMP VIEW swept AS
WITH keys(idx, key) AS (SELECT idx, substr(id, 1, 16) FROM main.entry UNION ALL SELECT idx, idem FROM main.entry),
hexed(idx, key, h) AS (SELECT idx, key, hex(substr(key, 1, 1)) FROM keys),
sliced(idx, key, slice) AS (
  SELECT idx, key, ((instr('0123456789ABCDEF', substr(h, 1, 1)) - 1) * 16 +
                    instr('0123456789ABCDEF', substr(h, 2, 1)) - 1) / 4 FROM hexed),
sweeps(count) AS (
  SELECT coalesce((SELECT stored FROM main.mirror), (SELECT size FROM main.head), 0) / 256)
SELECT key, idx FROM sliced, sweeps WHERE idx < 256 * (count - (count + 63 - slice) % 64);
INSERT INTO place SELECT key, idx FROM swept ORDER BY key, idx;
DROP VIEW swept;

CREATE TABLE entry_3(
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  id BLOB NOT NULL CHECK (length(id) = 32),
  idem BLOB NOT NULL CHECK (length(idem) = 16),
  leaf BLOB NOT NULL CHECK (length(leaf) BETWEEN 1 AND 65535)
) STRICT;
INSERT INTO entry_3 SELECT idx, id, idem, leaf FROM entry ORDER BY idx;
DROP TABLE entry;
ALTER TABLE entry_3 RENAME TO entry;
