-- Recorded plans, keyed by their statement. The drill itself reads the other pillars' public views and stores nothing.
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

-- A member sees its own plans only: what it would do without a supplier is nobody else's business.
CREATE VIEW public_drill_plan AS
  SELECT issuer AS member, targets, control_bp, frontier, issuer, issued_ms, statement FROM drill_plan
  WHERE issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_plan_line AS
  SELECT l.product, l.outcome, l.backend, l.site, l.price_fen_per_hour_min, l.price_fen_per_hour_max,
         l.switch_minutes_min, l.switch_minutes_max, l.evidence, l.statement
  FROM drill_plan_line l JOIN public_drill_plan p ON p.statement = l.statement;
CREATE VIEW public_drill_plan_work AS
  SELECT w.backend, w.op, w.product, w.statement
  FROM drill_plan_work w JOIN public_drill_plan p ON p.statement = w.statement;

-- Live drills, by their statement, and their steps in the order of the log.
CREATE TABLE drill_live(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  targets TEXT NOT NULL, control_bp INTEGER NOT NULL, mode TEXT NOT NULL, frontier TEXT NOT NULL) STRICT;
CREATE TABLE drill_step(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, product TEXT NOT NULL, step TEXT NOT NULL, claim TEXT NOT NULL, site TEXT NOT NULL,
  backend TEXT NOT NULL, verdict TEXT NOT NULL, cases INTEGER NOT NULL, quality_milli INTEGER NOT NULL,
  agreement_milli INTEGER NOT NULL, route TEXT NOT NULL, route_before TEXT NOT NULL, detail TEXT NOT NULL) STRICT;
CREATE VIEW public_drill_live AS
  SELECT statement, issued_ms, targets, control_bp, mode, frontier, idx FROM drill_live
  WHERE issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_step AS
  SELECT s.drill, s.product, s.step, s.claim, s.site, s.backend, s.verdict, s.cases, s.quality_milli,
         s.agreement_milli, s.route, s.route_before, s.detail, s.issued_ms, s.statement, s.idx
  FROM drill_step s JOIN public_drill_live d ON d.statement = s.drill AND s.issuer = (SELECT member FROM public_alliance_self);
