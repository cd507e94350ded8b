-- name: find_source
SELECT source FROM supply_source WHERE member = ? AND scope = ? AND kind = ? AND path = ?
-- name: find_source_reading
SELECT source FROM supply_source WHERE member = ? AND scope = ? AND kind = ? AND path = ? AND facts = ?
-- name: add_source
INSERT INTO supply_source(member, source, scope, kind, path, digest, facts, observed_ms, statement)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: add_node
INSERT INTO supply_node_fact VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: add_note
INSERT INTO supply_note VALUES (?, ?, ?, ?, ?, ?)
-- name: add_edge
INSERT INTO supply_edge_fact VALUES (?, ?, ?, ?, ?, ?)
-- name: add_model_op
INSERT INTO supply_model_op_fact VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: add_unknown
INSERT INTO supply_unknown_fact VALUES (?, ?, ?, ?, ?, ?)
-- name: add_product
INSERT INTO supply_product VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: add_product_service
INSERT INTO supply_product_service VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: product_source
SELECT source FROM supply_product WHERE member = ? AND product = ?
-- name: add_list
INSERT INTO supply_list VALUES (?, ?, ?, ?, ?, ?)
-- name: add_entity
INSERT INTO supply_entity VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: add_owner
INSERT INTO supply_owner VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: add_attribution
INSERT INTO supply_attribution VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: list_digest
SELECT digest FROM supply_list WHERE member = ? AND list = ?
-- name: list_standing
SELECT statement FROM supply_list WHERE member = ? AND list = ?
-- name: sources_of_scope
SELECT kind, path, digest, facts, statement FROM supply_source WHERE member = ? AND scope = ? ORDER BY kind, path
-- name: node_types
SELECT node, type FROM supply_node_counted ORDER BY type, node
-- name: count_by_entity
SELECT e.entity, coalesce(x.name, ''), coalesce(x.jurisdiction, 'unknown'), count(*)
FROM supply_node_counted n JOIN supply_node_entity e ON e.node = n.node
LEFT JOIN public_supply_entity x ON x.entity = e.entity
WHERE e.entity IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1
-- name: list_services
SELECT n.node, coalesce(e.entity, 'unknown'),
  coalesce((SELECT s.path || coalesce(': ' || (SELECT t.value FROM supply_own_note t WHERE t.source = f.source AND t.node = n.node
     AND t.key = 'configured by' LIMIT 1), '') FROM supply_own_node_fact f JOIN supply_own_source s ON s.source = f.source
     WHERE f.node = n.node ORDER BY f.mention, f.seq LIMIT 1), ''),
  (SELECT count(DISTINCT x.node) FROM supply_own_edge_fact x WHERE x.input = n.node)
FROM supply_node_chosen n JOIN supply_node_entity e ON e.node = n.node WHERE n.type = 'service' ORDER BY n.node
-- name: list_unknown
SELECT u.node, u.what, u.why,
  coalesce((SELECT s.path FROM supply_own_node_fact f JOIN supply_own_source s ON s.source = f.source
            WHERE f.node = u.node ORDER BY f.mention, f.seq LIMIT 1), '')
FROM public_supply_unknown u ORDER BY u.what, u.node, u.why
-- name: list_products
SELECT p.product, p.name, p.area, p.summary, p.incumbent, p.model_sha256, p.quality_min_milli, p.outage_max_s,
       p.quality_drop_max_milli, p.statement, s.path
FROM supply_own_product p JOIN supply_own_source s ON s.source = p.source ORDER BY p.product
-- name: show_node
SELECT node, type, name, version, op, coalesce(k, 0), coalesce(entity, 'unknown'), entity_source
FROM public_supply_node WHERE node = ?
-- name: nodes_like
SELECT DISTINCT node FROM supply_own_node_fact WHERE bare = ? OR alias = ? ORDER BY node
-- name: node_evidence
SELECT s.kind, s.path, s.digest, s.observed_ms, f.statement, f.mention FROM supply_own_node_fact f
JOIN supply_own_source s ON s.source = f.source WHERE f.node = ? ORDER BY f.seq
-- name: node_notes
SELECT DISTINCT key, value, basis FROM supply_own_note WHERE node = ? ORDER BY key, value
-- name: node_needs
SELECT input, evidence_file, evidence_field, min(statement) FROM public_supply_edge WHERE node = ?
GROUP BY input, evidence_file, evidence_field ORDER BY input, evidence_file, evidence_field
-- name: node_needed_by
SELECT node, evidence_file, evidence_field, min(statement) FROM public_supply_edge WHERE input = ?
GROUP BY node, evidence_file, evidence_field ORDER BY node, evidence_file, evidence_field
-- name: entity_of
SELECT name, jurisdiction FROM public_supply_entity WHERE entity = ?
