-- Views of the alliance itself. Every other module's tables are replayed from the same statements.

-- The frontier these views were computed from.
CREATE TABLE alliance_log(
  origin TEXT NOT NULL PRIMARY KEY,
  size INTEGER NOT NULL,
  root TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_statement(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  id BLOB NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  issuer TEXT NOT NULL,
  issued_ms INTEGER NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;

-- Statements that stand in a log and mean nothing here, with the reason: the payload contradicts its kind or a rule.
CREATE TABLE alliance_refused(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  kind TEXT NOT NULL,
  reason TEXT NOT NULL,
  detail TEXT NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_member(
  member TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys by log position: a key speaks from from_idx on, and no longer from until_idx on.
CREATE TABLE alliance_key(
  member TEXT NOT NULL,
  role TEXT NOT NULL,
  key TEXT NOT NULL,
  from_idx INTEGER NOT NULL,
  until_idx INTEGER,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, role, key)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_alliance_statement(id, origin, idx, kind, issuer, issued_ms) AS
  SELECT lower(hex(id)), origin, idx, kind, issuer, issued_ms FROM alliance_statement;
CREATE VIEW public_alliance_member(member, name, origin, statement) AS
  SELECT member, name, origin, statement FROM alliance_member;
CREATE VIEW public_alliance_key(member, role, key, from_idx, until_idx, statement) AS
  SELECT member, role, key, from_idx, until_idx, statement FROM alliance_key;
CREATE VIEW public_alliance_refused(origin, idx, kind, reason, detail) AS
  SELECT origin, idx, kind, reason, detail FROM alliance_refused;
