CREATE TABLE pool_site(
  site TEXT NOT NULL PRIMARY KEY,
  name TEXT NOT NULL,
  entity TEXT NOT NULL,
  jurisdiction TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_offer(
  site TEXT NOT NULL,
  backend TEXT NOT NULL,
  price_fen_per_hour_min INTEGER NOT NULL,
  price_fen_per_hour_max INTEGER NOT NULL,
  switch_minutes_min INTEGER NOT NULL,
  switch_minutes_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(site, backend)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_site(site, name, entity, jurisdiction, backend, price_fen_per_hour_min, price_fen_per_hour_max,
                             switch_minutes_min, switch_minutes_max, statement) AS
  SELECT s.site, s.name, s.entity, s.jurisdiction, o.backend, o.price_fen_per_hour_min, o.price_fen_per_hour_max,
         o.switch_minutes_min, o.switch_minutes_max, o.statement
  FROM pool_site s JOIN pool_offer o ON o.site = s.site;
