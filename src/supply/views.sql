-- One row per evidence source that holds now; every fact hangs on one. `source` is the position of its statement in the
-- member's log, so that a row is the same in whatever order logs arrive.
CREATE TABLE supply_source(
  member TEXT NOT NULL, source INTEGER NOT NULL, scope TEXT NOT NULL, kind TEXT NOT NULL, path TEXT NOT NULL,
  digest TEXT NOT NULL, facts TEXT NOT NULL, observed_ms INTEGER NOT NULL, statement TEXT NOT NULL,
  PRIMARY KEY(member, source), UNIQUE(member, scope, kind, path)) STRICT;

CREATE TABLE supply_node_fact(
  member TEXT NOT NULL, source INTEGER NOT NULL, node TEXT NOT NULL, bare TEXT NOT NULL, alias TEXT NOT NULL,
  type TEXT NOT NULL,
  name TEXT NOT NULL, version TEXT NOT NULL, op TEXT NOT NULL, k INTEGER, within TEXT, mention INTEGER NOT NULL,
  statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_node_fact_node ON supply_node_fact(member, node);
CREATE INDEX supply_node_fact_bare ON supply_node_fact(member, bare);
CREATE INDEX supply_node_fact_source ON supply_node_fact(member, source);

CREATE TABLE supply_note(
  member TEXT NOT NULL, source INTEGER NOT NULL, node TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,
  basis TEXT NOT NULL) STRICT;
CREATE INDEX supply_note_node ON supply_note(member, node);
CREATE INDEX supply_note_source ON supply_note(member, source);

CREATE TABLE supply_edge_fact(
  member TEXT NOT NULL, source INTEGER NOT NULL, node TEXT NOT NULL, input TEXT NOT NULL, field TEXT NOT NULL,
  statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_edge_fact_node ON supply_edge_fact(member, node, input);
CREATE INDEX supply_edge_fact_input ON supply_edge_fact(member, input);
CREATE INDEX supply_edge_fact_source ON supply_edge_fact(member, source);

CREATE TABLE supply_model_op_fact(
  member TEXT NOT NULL, source INTEGER NOT NULL, model_sha256 TEXT NOT NULL, op_type TEXT NOT NULL,
  domain TEXT NOT NULL,
  opset INTEGER NOT NULL, count INTEGER NOT NULL, statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_model_op_fact_source ON supply_model_op_fact(member, source);

CREATE TABLE supply_unknown_fact(
  member TEXT NOT NULL, source INTEGER NOT NULL, node TEXT NOT NULL, what TEXT NOT NULL, why TEXT NOT NULL,
  statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_unknown_fact_source ON supply_unknown_fact(member, source);

CREATE TABLE supply_product(
  member TEXT NOT NULL, product TEXT NOT NULL, source INTEGER NOT NULL, name TEXT NOT NULL, area TEXT NOT NULL,
  summary TEXT NOT NULL,
  model_file TEXT NOT NULL, model_sha256 TEXT NOT NULL, licence TEXT NOT NULL, incumbent TEXT NOT NULL,
  golden_file TEXT NOT NULL, golden_sha256 TEXT NOT NULL, quality_min_milli INTEGER NOT NULL,
  outage_max_s INTEGER NOT NULL, quality_drop_max_milli INTEGER NOT NULL, statement TEXT NOT NULL,
  PRIMARY KEY(member, product)) STRICT;
CREATE INDEX supply_product_source ON supply_product(member, source);

CREATE TABLE supply_product_service(
  member TEXT NOT NULL, source INTEGER NOT NULL, product TEXT NOT NULL, host TEXT NOT NULL, role TEXT NOT NULL,
  config TEXT NOT NULL,
  key TEXT NOT NULL, statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_product_service_source ON supply_product_service(member, source);

CREATE TABLE supply_list(
  member TEXT NOT NULL, list TEXT NOT NULL, as_of TEXT NOT NULL, note TEXT NOT NULL, digest TEXT NOT NULL,
  statement TEXT NOT NULL, PRIMARY KEY(member, list)) STRICT;
CREATE TABLE supply_entity(
  member TEXT NOT NULL, list TEXT NOT NULL, entity TEXT NOT NULL, name TEXT NOT NULL, jurisdiction TEXT NOT NULL,
  lei TEXT NOT NULL, evidence TEXT NOT NULL, statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_entity_entity ON supply_entity(member, entity);
CREATE TABLE supply_owner(
  member TEXT NOT NULL, list TEXT NOT NULL, entity TEXT NOT NULL, owner TEXT NOT NULL, share_bp INTEGER NOT NULL,
  evidence TEXT NOT NULL, statement TEXT NOT NULL) STRICT;
-- `pattern` is a GLOB in which only * is special; `exact` says that there is no *.
CREATE TABLE supply_attribution(
  member TEXT NOT NULL, list TEXT NOT NULL, match TEXT NOT NULL, pattern TEXT NOT NULL, exact INTEGER NOT NULL,
  entity TEXT NOT NULL, evidence TEXT NOT NULL, statement TEXT NOT NULL) STRICT;
CREATE INDEX supply_attribution_match ON supply_attribution(member, match) WHERE exact = 1;
CREATE INDEX supply_attribution_glob ON supply_attribution(member, pattern) WHERE exact = 0;

-- What follows shows this member's own supply graph: another member's products, finds and attributions are not its own
-- knowledge, and mixing them in would change its answers without its doing (docs/decisions/0096).
CREATE VIEW supply_own_source AS
  SELECT rowid AS seq, * FROM supply_source WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_node_fact AS
  SELECT rowid AS seq, * FROM supply_node_fact WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_note AS
  SELECT rowid AS seq, * FROM supply_note WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_edge_fact AS
  SELECT rowid AS seq, * FROM supply_edge_fact WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_model_op_fact AS
  SELECT rowid AS seq, * FROM supply_model_op_fact WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_unknown_fact AS
  SELECT rowid AS seq, * FROM supply_unknown_fact WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_product AS
  SELECT rowid AS seq, * FROM supply_product WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_entity AS
  SELECT rowid AS seq, * FROM supply_entity WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_owner AS
  SELECT rowid AS seq, * FROM supply_owner WHERE member = (SELECT member FROM public_alliance_self);
CREATE VIEW supply_own_attribution AS
  SELECT rowid AS seq, * FROM supply_attribution WHERE member = (SELECT member FROM public_alliance_self);

-- The fact that stands for a node: evidence before mentions, then the oldest source.
CREATE VIEW supply_node_chosen AS
  SELECT node, bare, alias, type, name, version, op, k, mention, source, statement,
         min(mention * 1099511627776 + seq) AS rank
  FROM supply_own_node_fact GROUP BY node;

-- The nodes that are things: a reference without a version stands for the versions known, which are counted themselves.
CREATE VIEW supply_node_counted AS
  SELECT * FROM supply_node_chosen n
  WHERE NOT (n.mention = 1 AND n.node = n.bare AND EXISTS
             (SELECT 1 FROM supply_own_node_fact v WHERE v.bare = n.node AND v.node <> n.node AND v.mention = 0));

-- Who an id belongs to by the entity lists: an exact match first, then the longest pattern, then the newest line.
CREATE VIEW supply_bare_entity AS
  SELECT bare, alias, coalesce(
      (SELECT a.entity FROM supply_own_attribution a WHERE a.exact = 1 AND a.match = b.bare ORDER BY a.seq DESC LIMIT 1),
      (SELECT a.entity FROM supply_own_attribution a WHERE a.exact = 1 AND b.alias <> '' AND a.match = b.alias
         ORDER BY a.seq DESC LIMIT 1),
      (SELECT a.entity FROM supply_own_attribution a
         WHERE a.exact = 0 AND (b.bare GLOB a.pattern OR (b.alias <> '' AND b.alias GLOB a.pattern))
         ORDER BY length(a.pattern) DESC, a.seq DESC LIMIT 1)) AS entity
  FROM (SELECT DISTINCT bare, alias FROM supply_own_node_fact) b;

-- Own attribution, else that of the package that ships the file.
CREATE VIEW supply_node_entity AS
  WITH bare_entity AS MATERIALIZED (SELECT bare, max(entity) AS entity FROM supply_bare_entity
                                    WHERE entity IS NOT NULL GROUP BY bare),
       shipped AS MATERIALIZED (SELECT f.node AS node, max(p.bare) AS bare FROM supply_own_node_fact f
                                JOIN supply_own_node_fact p ON p.node = f.within WHERE f.within IS NOT NULL GROUP BY f.node)
  SELECT n.node AS node, coalesce(own.entity, owner.entity) AS entity,
         CASE WHEN own.entity IS NOT NULL THEN 'list' WHEN owner.entity IS NOT NULL THEN 'package'
              WHEN EXISTS (SELECT 1 FROM supply_own_note t WHERE t.node = n.node AND t.key IN ('supplier', 'manufacturer', 'publisher'))
                   THEN 'bom-declared'
              ELSE 'unknown' END AS entity_source,
         s.bare IS NOT NULL AS shipped
  FROM supply_node_chosen n
  LEFT JOIN bare_entity own ON own.bare = n.bare
  LEFT JOIN shipped s ON s.node = n.node
  LEFT JOIN bare_entity owner ON owner.bare = s.bare;

CREATE VIEW public_supply_entity AS
  SELECT entity, name, jurisdiction, statement FROM supply_own_entity e
  WHERE e.seq = (SELECT max(seq) FROM supply_own_entity x WHERE x.entity = e.entity);

CREATE VIEW public_supply_owner AS SELECT entity, owner, share_bp, statement FROM supply_own_owner;

CREATE VIEW public_supply_node AS
  SELECT n.node AS node, n.type AS type, n.name AS name, CASE WHEN n.version = '' THEN 'unknown' ELSE n.version END AS version,
         n.op AS op, n.k AS k, e.entity AS entity, e.entity_source AS entity_source, n.statement AS statement
  FROM supply_node_chosen n JOIN supply_node_entity e ON e.node = n.node;

-- A reference without a version needs every version known.
CREATE VIEW public_supply_edge AS
  SELECT e.node AS node, e.input AS input, s.path AS evidence_file, e.field AS evidence_field, s.digest AS evidence_digest,
         s.observed_ms AS observed_ms, e.statement AS statement
  FROM supply_own_edge_fact e JOIN supply_own_source s ON s.source = e.source
  UNION ALL
  SELECT DISTINCT m.node, v.node, s.path, 'every version known of ' || m.node, s.digest, s.observed_ms, v.statement
  FROM supply_own_node_fact m
  JOIN supply_own_node_fact v ON v.bare = m.node AND v.node <> m.node AND v.mention = 0
  JOIN supply_own_source s ON s.source = v.source
  WHERE m.mention = 1 AND m.node = m.bare;

-- Where a scan found a file, and its digest.
CREATE VIEW public_supply_file AS
  SELECT p.node AS node, p.value AS path, d.value AS sha256, s.statement AS statement
  FROM supply_own_note p JOIN supply_own_note d ON d.node = p.node AND d.source = p.source AND d.key = 'sha256'
  JOIN supply_own_source s ON s.source = p.source WHERE p.key = 'path';

CREATE VIEW public_supply_product AS
  SELECT product, name, area, model_sha256, incumbent, golden_sha256, quality_min_milli, outage_max_s,
         quality_drop_max_milli, statement FROM supply_own_product;

-- What every member declares of its products, for those who test them: name, model, golden set and the quality asked for.
-- What a product needs and where it runs stays with its member.
CREATE VIEW public_supply_declared_product AS
  SELECT member, product, name, model_sha256, golden_sha256, incumbent, quality_min_milli, statement FROM supply_product;

CREATE VIEW public_supply_model_op AS
  SELECT DISTINCT model_sha256, op_type, domain, opset, count, min(statement) AS statement FROM supply_own_model_op_fact
  GROUP BY model_sha256, op_type, domain, opset, count;

-- What nobody told us. A file that a package ships is judged by its package.
CREATE VIEW public_supply_unknown AS
  SELECT n.node AS node, 'entity' AS what,
         CASE e.entity_source WHEN 'bom-declared' THEN 'a BOM names a supplier, no entity list maps it to a legal entity'
                              ELSE 'no attribution in any entity list' END AS why, n.statement AS statement
  FROM supply_node_counted n JOIN supply_node_entity e ON e.node = n.node
  WHERE e.entity IS NULL AND e.shipped = 0
    AND n.type IN ('model', 'operator_library', 'package', 'driver', 'chip', 'board', 'service', 'file')
  UNION ALL
  SELECT n.node, 'evidence', 'a manifest names it and no scan found it', n.statement
  FROM supply_node_chosen n
  WHERE n.mention = 1 AND n.type IN ('model', 'runtime', 'package', 'driver', 'chip', 'board', 'file')
    AND NOT EXISTS (SELECT 1 FROM supply_own_node_fact v WHERE v.bare = n.node AND v.mention = 0)
  UNION ALL
  SELECT node, what, why, statement FROM supply_own_unknown_fact;
