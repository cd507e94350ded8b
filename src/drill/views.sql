-- Recorded plans, keyed by their statement. The drill itself reads the other pillars' public views and stores nothing.
CREATE TABLE drill_plan(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  targets TEXT NOT NULL, control_bp INTEGER NOT NULL, frontier TEXT NOT NULL) STRICT;
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

-- Drills, their steps, what they take away for real, what they leave to do: statements of this member, each whole in
-- `body` (JSON), with the columns that are asked for.
CREATE TABLE drill_live(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  mode TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE drill_step(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, product TEXT NOT NULL, stage TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE drill_watched(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, product TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE INDEX drill_watched_of ON drill_watched(drill, product, idx);
CREATE TABLE drill_block(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, lifted INTEGER NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE drill_item(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE drill_item_closed(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  item TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE drill_report(
  statement TEXT PRIMARY KEY, issuer TEXT NOT NULL, idx INTEGER NOT NULL, issued_ms INTEGER NOT NULL,
  drill TEXT NOT NULL, body TEXT NOT NULL) STRICT;

CREATE VIEW public_drill_live AS
  SELECT statement, issued_ms, mode, body, idx FROM drill_live
  WHERE issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_step AS
  SELECT s.drill, s.product, s.stage, s.body, s.issued_ms, s.statement, s.idx
  FROM drill_step s JOIN public_drill_live d ON d.statement = s.drill AND s.issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_watched AS
  SELECT w.drill, w.product, w.body, w.issued_ms, w.statement, w.idx
  FROM drill_watched w JOIN public_drill_live d ON d.statement = w.drill AND w.issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_block AS
  SELECT b.drill, b.lifted, b.body, b.issued_ms, b.statement, b.idx
  FROM drill_block b JOIN public_drill_live d ON d.statement = b.drill AND b.issuer = (SELECT member FROM public_alliance_self);
-- The first closing counts.
CREATE VIEW public_drill_item AS
  SELECT i.drill, i.body, i.issued_ms, i.statement, i.idx, c.body AS closed_body, c.issued_ms AS closed_ms,
         c.statement AS closed_statement
  FROM drill_item i LEFT JOIN drill_item_closed c ON c.item = i.statement AND c.issuer = i.issuer
   AND c.idx = (SELECT min(x.idx) FROM drill_item_closed x WHERE x.item = i.statement AND x.issuer = i.issuer)
  WHERE i.issuer = (SELECT member FROM public_alliance_self);
CREATE VIEW public_drill_report AS
  SELECT drill, body, issued_ms, statement, idx FROM drill_report
  WHERE issuer = (SELECT member FROM public_alliance_self);
