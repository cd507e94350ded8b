-- Keyed by the member that said it: no member's statement replaces another's.
CREATE TABLE share_release(
  member TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  name TEXT NOT NULL,
  licence TEXT NOT NULL,
  audience TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, model_sha256)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_share_release(member, model_sha256, name, licence, audience, statement) AS
  SELECT member, model_sha256, name, licence, audience, statement FROM share_release;
