-- Recorded plans. The drill itself reads the other pillars' public views and stores nothing.
CREATE TABLE drill_plan(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, issued_ms INTEGER NOT NULL, targets TEXT NOT NULL,
  control_bp INTEGER NOT NULL, frontier TEXT NOT NULL) STRICT;
CREATE TABLE drill_plan_line(
  statement TEXT NOT NULL, product TEXT NOT NULL, outcome TEXT NOT NULL, backend TEXT NOT NULL, site TEXT NOT NULL,
  price_fen_per_hour_min INTEGER NOT NULL, price_fen_per_hour_max INTEGER NOT NULL,
  switch_minutes_min INTEGER NOT NULL, switch_minutes_max INTEGER NOT NULL, evidence TEXT NOT NULL,
  PRIMARY KEY(statement, product)) STRICT;
CREATE TABLE drill_plan_work(
  statement TEXT NOT NULL, backend TEXT NOT NULL, op TEXT NOT NULL, product TEXT NOT NULL,
  PRIMARY KEY(statement, backend, op, product)) STRICT;

CREATE VIEW public_drill_plan AS
  SELECT targets, control_bp, frontier, issuer, issued_ms, statement FROM drill_plan;
CREATE VIEW public_drill_plan_line AS
  SELECT product, outcome, backend, site, price_fen_per_hour_min, price_fen_per_hour_max, switch_minutes_min,
         switch_minutes_max, evidence, statement FROM drill_plan_line;
CREATE VIEW public_drill_plan_work AS SELECT backend, op, product, statement FROM drill_plan_work;
