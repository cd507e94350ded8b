-- name: read_entities
SELECT entity, name, jurisdiction, statement FROM public_supply_entity ORDER BY entity
-- name: read_holdings
SELECT entity, owner, share_bp, statement FROM public_supply_owner ORDER BY entity, owner, share_bp, statement
-- name: read_nodes
SELECT node, type, name, version, op, k, entity, entity_source, statement FROM public_supply_node ORDER BY node, statement
-- name: read_edges
SELECT node, input, evidence_file, evidence_field, evidence_digest, observed_ms, statement FROM public_supply_edge ORDER BY node, input, observed_ms DESC, statement, evidence_field
-- name: read_products
SELECT product, name, area, model_sha256, incumbent, golden_sha256, quality_min_milli, outage_max_s, quality_drop_max_milli, statement FROM public_supply_product ORDER BY product
-- name: read_model_ops
SELECT model_sha256, op_type, domain, opset, count FROM public_supply_model_op ORDER BY model_sha256, domain, op_type, opset
-- name: read_unknowns
SELECT node, what, why, statement FROM public_supply_unknown ORDER BY node, what, why
-- name: read_model_results
SELECT model_sha256, backend, verdict, quality_milli, agreement_milli, worst, golden_sha256, lift, observed_ms, statement FROM public_standards_model_result ORDER BY model_sha256, backend, observed_ms DESC, statement
-- name: read_operator_results
SELECT op_type, domain, dtype, opset, backend, verdict, cases, passed, statement FROM public_standards_operator_result ORDER BY backend, domain, op_type, opset, dtype, statement
-- name: read_releases
SELECT model_sha256, name, licence, audience, statement FROM public_share_release ORDER BY model_sha256, name, statement
-- name: read_sites
SELECT site, name, entity, jurisdiction, backend, price_fen_per_hour_min, price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, statement FROM public_pool_site ORDER BY site, backend
-- name: read_needs
SELECT component, skill, people_min, port_hours_per_operator_min, port_hours_per_operator_max, statement FROM public_talent_need ORDER BY component, skill
-- name: write_plan
INSERT OR REPLACE INTO drill_plan(statement, issuer, issued_ms, targets, control_bp, frontier) VALUES (?, ?, ?, ?, ?, ?)
-- name: write_plan_line
INSERT OR REPLACE INTO drill_plan_line(statement, product, outcome, backend, site, price_fen_per_hour_min, price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: write_plan_work
INSERT OR REPLACE INTO drill_plan_work(statement, backend, op, product) VALUES (?, ?, ?, ?)
