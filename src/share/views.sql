CREATE TABLE share_release(
  model_sha256 TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  licence TEXT NOT NULL,
  audience TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  statement TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE VIEW public_share_release(model_sha256, name, licence, audience, statement) AS
  SELECT model_sha256, name, licence, audience, statement FROM share_release;
