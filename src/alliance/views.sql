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

-- Whose views these are. Not a part of what is computed: every member's tables are equal on an equal frontier, and
-- public views of private matters (supply, plans) show this member's rows.
CREATE TABLE alliance_self(
  member TEXT NOT NULL
) STRICT;

-- Statements of alliance kinds, by the bytes. The tables below are folded from them (fold.h).
CREATE TABLE alliance_act(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  holds INTEGER NOT NULL,
  leaf BLOB NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_member(
  member TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  origin TEXT NOT NULL,
  root_fingerprint TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Keys by log position: a key speaks from from_idx on, and no longer from until_idx on.
CREATE TABLE alliance_key(
  member TEXT NOT NULL,
  role TEXT NOT NULL,
  key TEXT NOT NULL,
  from_idx INTEGER NOT NULL,
  until_idx INTEGER,
  revoked INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, role, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_standing(
  origin TEXT NOT NULL PRIMARY KEY,
  state TEXT NOT NULL,
  tier TEXT NOT NULL,
  url TEXT NOT NULL,
  pin TEXT NOT NULL,
  root_fingerprint TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Statements that count: positions [begin_idx, end_idx), without an end when end_idx is NULL.
CREATE TABLE alliance_range(
  origin TEXT NOT NULL,
  begin_idx INTEGER NOT NULL,
  end_idx INTEGER,
  PRIMARY KEY(origin, begin_idx)
) STRICT, WITHOUT ROWID;

-- The charter in force; at most one row.
CREATE TABLE alliance_charter(
  founder TEXT NOT NULL PRIMARY KEY,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  secretariat TEXT NOT NULL,
  charter TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest request of each log to join this alliance.
CREATE TABLE alliance_request(
  origin TEXT NOT NULL PRIMARY KEY,
  charter TEXT NOT NULL,
  url TEXT NOT NULL,
  pin TEXT NOT NULL,
  code_proof TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW public_alliance_self(member) AS SELECT member FROM alliance_self;
CREATE VIEW public_alliance_statement(id, origin, idx, kind, issuer, issued_ms) AS
  SELECT lower(hex(id)), origin, idx, kind, issuer, issued_ms FROM alliance_statement;
CREATE VIEW public_alliance_member(member, name, origin, root_fingerprint, state, tier, url, pin, statement) AS
  SELECT m.member, m.name, m.origin, m.root_fingerprint, s.state, s.tier, s.url, s.pin, m.statement
  FROM alliance_member m JOIN alliance_standing s ON s.origin = m.origin;
CREATE VIEW public_alliance_key(member, role, key, from_idx, until_idx, revoked, statement) AS
  SELECT member, role, key, from_idx, until_idx, revoked, statement FROM alliance_key;
CREATE VIEW public_alliance_charter(founder, version, name, secretariat, charter, statement) AS
  SELECT founder, version, name, secretariat, charter, statement FROM alliance_charter;
CREATE VIEW public_alliance_request(origin, charter, url, pin, code_proof, statement) AS
  SELECT origin, charter, url, pin, code_proof, statement FROM alliance_request;
CREATE VIEW public_alliance_refused(origin, idx, kind, reason, detail) AS
  SELECT origin, idx, kind, reason, detail FROM alliance_refused;
