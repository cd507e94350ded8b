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
  id BLOB NOT NULL,
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
  statement TEXT NOT NULL,
  box_key TEXT NOT NULL
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

-- Roots at the heads that ballots name, as the logs here have them.
CREATE TABLE alliance_root(
  origin TEXT NOT NULL,
  size INTEGER NOT NULL,
  root TEXT NOT NULL,
  PRIMARY KEY(origin, size)
) STRICT, WITHOUT ROWID;

-- Ballots of this alliance, counted again here. The sums are those of the newest closing that holds, else of what is
-- here so far. frontier: the heads that fix who votes, then the heads that were counted; JSON lists.
CREATE TABLE alliance_ballot(
  ballot TEXT NOT NULL PRIMARY KEY,
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  act TEXT NOT NULL,
  subject TEXT NOT NULL,
  question TEXT NOT NULL,
  secret INTEGER NOT NULL,
  closes_ms INTEGER NOT NULL,
  charter TEXT NOT NULL,
  state TEXT NOT NULL,
  detail TEXT NOT NULL,
  eligible INTEGER NOT NULL,
  present INTEGER NOT NULL,
  yes INTEGER NOT NULL,
  no INTEGER NOT NULL,
  abstain INTEGER NOT NULL,
  quorum INTEGER NOT NULL,
  passes INTEGER NOT NULL,
  winner TEXT NOT NULL,
  opened_at TEXT NOT NULL,
  closed_at TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Who votes: members of one unit share one vote of this weight.
CREATE TABLE alliance_elector(
  ballot TEXT NOT NULL,
  member TEXT NOT NULL,
  unit TEXT NOT NULL,
  tier TEXT NOT NULL,
  weight INTEGER NOT NULL,
  PRIMARY KEY(ballot, member)
) STRICT, WITHOUT ROWID;

-- Each voter's vote as counted; choice is empty while it is secret.
CREATE TABLE alliance_vote(
  ballot TEXT NOT NULL,
  member TEXT NOT NULL,
  choice TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(ballot, member)
) STRICT, WITHOUT ROWID;

-- Parts of the count: part is `chamber` (name: a tier) or `option` (name: an option; only yes is filled).
CREATE TABLE alliance_tally(
  ballot TEXT NOT NULL,
  part TEXT NOT NULL,
  name TEXT NOT NULL,
  eligible INTEGER NOT NULL,
  present INTEGER NOT NULL,
  yes INTEGER NOT NULL,
  no INTEGER NOT NULL,
  abstain INTEGER NOT NULL,
  passes INTEGER NOT NULL,
  PRIMARY KEY(ballot, part, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_ballot_close(
  statement TEXT NOT NULL PRIMARY KEY,
  ballot TEXT NOT NULL,
  idx INTEGER NOT NULL,
  phase TEXT NOT NULL,
  verdict TEXT NOT NULL,
  detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_ballot_challenge(
  statement TEXT NOT NULL PRIMARY KEY,
  ballot TEXT NOT NULL,
  closing TEXT NOT NULL,
  member TEXT NOT NULL,
  cause TEXT NOT NULL,
  upheld INTEGER NOT NULL,
  detail TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Where each member's node runs, as it says; a member that did not say has no row.
CREATE TABLE alliance_node(
  member TEXT NOT NULL PRIMARY KEY,
  jurisdiction TEXT NOT NULL,
  entity TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The newest box key of each member that changed it; the first one is the genesis statement's.
CREATE TABLE alliance_box(
  member TEXT NOT NULL PRIMARY KEY,
  key TEXT NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Statements with a sealed body. opened: it was there and could be read, so its rows are in these views.
CREATE TABLE alliance_sealed(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  statement TEXT NOT NULL UNIQUE,
  issuer TEXT NOT NULL,
  kind TEXT NOT NULL,
  audience TEXT NOT NULL,
  opened INTEGER NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;

CREATE INDEX alliance_sealed_by_audience ON alliance_sealed(issuer, audience, idx);

-- The encrypted bodies, by the statement that names them: the sealed one itself, or an alliance.body_shared.
CREATE TABLE alliance_sealed_blob(
  blob TEXT NOT NULL,
  statement TEXT NOT NULL,
  issuer TEXT NOT NULL,
  audience TEXT NOT NULL,
  shared INTEGER NOT NULL,
  PRIMARY KEY(blob, statement, issuer)
) STRICT, WITHOUT ROWID;

-- Bodies that their author wants gone. issuer: who said so; only the author's own word counts.
CREATE TABLE alliance_erased(
  statement TEXT NOT NULL,
  issuer TEXT NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY(statement, issuer)
) STRICT, WITHOUT ROWID;

CREATE TABLE alliance_group(
  owner TEXT NOT NULL,
  clean_team INTEGER NOT NULL,
  name TEXT NOT NULL,
  reader TEXT NOT NULL,
  PRIMARY KEY(owner, clean_team, name, reader)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_alliance_box(member, key) AS
  SELECT m.member, coalesce(b.key, m.box_key) FROM alliance_member m LEFT JOIN alliance_box b ON b.member = m.member
  WHERE coalesce(b.key, m.box_key) <> '';
CREATE VIEW public_alliance_erased(statement, issuer, reason) AS
  SELECT e.statement, e.issuer, e.reason FROM alliance_erased e
  JOIN alliance_sealed s ON s.statement = e.statement AND s.issuer = e.issuer;
CREATE VIEW public_alliance_sealed(origin, idx, statement, issuer, kind, audience, opened, erased) AS
  SELECT origin, idx, statement, issuer, kind, audience, opened,
    EXISTS(SELECT 1 FROM public_alliance_erased e WHERE e.statement = s.statement) FROM alliance_sealed s;
-- Blobs that count: named by the author of the sealed statement, and not erased.
CREATE VIEW public_alliance_sealed_blob(blob, statement, issuer, audience, opened) AS
  SELECT b.blob, b.statement, b.issuer, b.audience, s.opened FROM alliance_sealed_blob b
  JOIN public_alliance_sealed s ON s.statement = b.statement AND s.issuer = b.issuer WHERE s.erased = 0;
CREATE VIEW public_alliance_group(owner, clean_team, name, reader) AS
  SELECT owner, clean_team, name, reader FROM alliance_group;
CREATE VIEW public_alliance_node(member, jurisdiction, entity, statement) AS
  SELECT member, jurisdiction, entity, statement FROM alliance_node;
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
CREATE VIEW public_alliance_ballot(ballot, origin, act, subject, question, secret, closes_ms, charter, state, detail,
    eligible, present, yes, no, abstain, quorum, passes, winner) AS
  SELECT ballot, origin, act, subject, question, secret, closes_ms, charter, state, detail, eligible, present, yes, no,
    abstain, quorum, passes, winner FROM alliance_ballot;
CREATE VIEW public_alliance_elector(ballot, member, unit, tier, weight) AS
  SELECT ballot, member, unit, tier, weight FROM alliance_elector;
CREATE VIEW public_alliance_vote(ballot, member, choice, statement) AS
  SELECT ballot, member, choice, statement FROM alliance_vote;
CREATE VIEW public_alliance_tally(ballot, part, name, eligible, present, yes, no, abstain, passes) AS
  SELECT ballot, part, name, eligible, present, yes, no, abstain, passes FROM alliance_tally;
CREATE VIEW public_alliance_ballot_close(statement, ballot, phase, verdict, detail) AS
  SELECT statement, ballot, phase, verdict, detail FROM alliance_ballot_close;
CREATE VIEW public_alliance_ballot_challenge(statement, ballot, closing, member, cause, upheld, detail) AS
  SELECT statement, ballot, closing, member, cause, upheld, detail FROM alliance_ballot_challenge;
