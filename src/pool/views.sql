-- Keyed by the member that said it: a site of one member is never another member's, even under the same id.
CREATE TABLE pool_site(
  member TEXT NOT NULL,
  site TEXT NOT NULL,
  name TEXT NOT NULL,
  entity TEXT NOT NULL,
  jurisdiction TEXT NOT NULL,
  PRIMARY KEY(member, site)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_offer(
  member TEXT NOT NULL,
  site TEXT NOT NULL,
  backend TEXT NOT NULL,
  price_fen_per_hour_min INTEGER NOT NULL,
  price_fen_per_hour_max INTEGER NOT NULL,
  switch_minutes_min INTEGER NOT NULL,
  switch_minutes_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, site, backend)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_site(member, site, name, entity, jurisdiction, backend, price_fen_per_hour_min,
                             price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, statement) AS
  SELECT s.member, s.site, s.name, s.entity, s.jurisdiction, o.backend, o.price_fen_per_hour_min,
         o.price_fen_per_hour_max, o.switch_minutes_min, o.switch_minutes_max, o.statement
  FROM pool_site s JOIN pool_offer o ON o.member = s.member AND o.site = s.site;

CREATE TABLE pool_route(
  member TEXT NOT NULL,
  product TEXT NOT NULL,
  reason TEXT NOT NULL,
  deadline_ms INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_route_target(
  member TEXT NOT NULL,
  product TEXT NOT NULL,
  place INTEGER NOT NULL,
  claim TEXT NOT NULL,
  site TEXT NOT NULL,
  backend TEXT NOT NULL,
  weight INTEGER NOT NULL,
  PRIMARY KEY(member, product, place)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_route(member, product, place, claim, site, backend, weight, reason, deadline_ms, evidence,
                              statement) AS
  SELECT r.member, r.product, t.place, t.claim, t.site, t.backend, t.weight, r.reason, r.deadline_ms, r.evidence,
         r.statement
  FROM pool_route r JOIN pool_route_target t ON t.member = r.member AND t.product = r.product;

-- A revocation may come before the key it ends, and holds all the same.
CREATE TABLE pool_api_key(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL,
  requests_per_minute INTEGER NOT NULL,
  units_per_minute INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_api_key_product(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  product TEXT NOT NULL,
  PRIMARY KEY(member, key, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_api_key_revoked(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, key)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_api_key(member, key, name, product, requests_per_minute, units_per_minute, expires_ms, revoked,
                                statement) AS
  SELECT k.member, k.key, k.name, p.product, k.requests_per_minute, k.units_per_minute, k.expires_ms,
         r.key IS NOT NULL, k.statement
  FROM pool_api_key k
  JOIN pool_api_key_product p ON p.member = k.member AND p.key = k.key
  LEFT JOIN pool_api_key_revoked r ON r.member = k.member AND r.key = k.key;

-- Jobs that members say they started; how they are now is known to their sites only.
CREATE TABLE pool_job(
  member TEXT NOT NULL,
  claim TEXT NOT NULL,
  site TEXT NOT NULL,
  product TEXT NOT NULL,
  backend TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  evidence TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, claim)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_job(member, claim, site, product, backend, model_sha256, evidence, statement) AS
  SELECT member, claim, site, product, backend, model_sha256, evidence, statement FROM pool_job;
