-- Step 2, behind schema.sql; this text never changes either.
CREATE TABLE published(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  size INTEGER NOT NULL CHECK (size >= 0),
  checkpoint TEXT NOT NULL,
  first_checkpoint TEXT NOT NULL
) STRICT;

CREATE TABLE mirror(
  one INTEGER PRIMARY KEY CHECK (one = 1),
  stored INTEGER NOT NULL CHECK (stored >= 0)
) STRICT;
