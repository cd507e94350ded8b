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
