-- Keyed by the member that said it: no member's statement replaces another's.
CREATE TABLE share_release(
  member TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  licence TEXT NOT NULL,
  audience TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  media_type TEXT NOT NULL,
  control TEXT NOT NULL,
  rights_held INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, model_sha256)
) STRICT, WITHOUT ROWID;

-- What a release was made from, as its signer says.
CREATE TABLE share_parent(
  member TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  parent_sha256 TEXT NOT NULL,
  relation TEXT NOT NULL,
  licence TEXT NOT NULL,
  PRIMARY KEY(member, model_sha256, parent_sha256)
) STRICT, WITHOUT ROWID;

-- What the signer's release gate said; each distinct decision once.
CREATE TABLE share_gate_decision(
  statement TEXT NOT NULL PRIMARY KEY,
  member TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  audience TEXT NOT NULL,
  allowed INTEGER NOT NULL,
  reasons TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW public_share_release(member, model_sha256, name, licence, audience, statement, size_bytes, media_type,
                                 control, rights_held) AS
  SELECT member, model_sha256, name, licence, audience, statement, size_bytes, media_type, control, rights_held
  FROM share_release;
CREATE VIEW public_share_parent(member, model_sha256, parent_sha256, relation, licence) AS
  SELECT member, model_sha256, parent_sha256, relation, licence FROM share_parent;
CREATE VIEW public_share_gate_decision(statement, member, model_sha256, audience, allowed, reasons) AS
  SELECT statement, member, model_sha256, audience, allowed, reasons FROM share_gate_decision;
