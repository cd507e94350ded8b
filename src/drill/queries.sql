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
-- One per (model, backend): this member's own evidence speaks before others'; among others the worst verdict does, so that
-- nobody is sent onto a backend that some member saw fail. Claimed times decide nothing.
SELECT model_sha256, backend, verdict, quality_milli, agreement_milli, worst, golden_sha256, lift, observed_ms, statement, member
FROM (SELECT *, row_number() OVER (PARTITION BY model_sha256, backend ORDER BY
        member <> (SELECT member FROM public_alliance_self),
        CASE verdict WHEN 'FAILED' THEN 0 WHEN 'BASIC_ONLY' THEN 1 WHEN 'STRICT' THEN 2 ELSE 3 END, member) AS place
      FROM public_standards_model_result)
WHERE place = 1 ORDER BY model_sha256, backend
-- name: read_operator_results
SELECT op_type, domain, dtype, opset, backend, verdict, cases, passed, statement
FROM (SELECT *, row_number() OVER (PARTITION BY backend, op_type, domain, dtype, opset ORDER BY
        member <> (SELECT member FROM public_alliance_self),
        CASE verdict WHEN 'FAILED' THEN 0 WHEN 'BASIC_ONLY' THEN 1 WHEN 'STRICT' THEN 2 ELSE 3 END, member) AS place
      FROM public_standards_operator_result)
WHERE place = 1 ORDER BY backend, domain, op_type, opset, dtype
-- name: read_releases
-- A release for its owner only is seen by its owner only.
SELECT model_sha256, name, licence, audience, statement FROM public_share_release
WHERE audience <> 'owner' OR member = (SELECT member FROM public_alliance_self)
ORDER BY model_sha256, name, member, statement
-- name: read_sites
-- Another member's site carries its member's name: two members may call different places the same.
SELECT CASE WHEN member = (SELECT member FROM public_alliance_self) THEN site ELSE site || '@' || member END AS id, name,
       entity, jurisdiction, backend, price_fen_per_hour_min, price_fen_per_hour_max, switch_minutes_min,
       switch_minutes_max, statement, member
FROM public_pool_site ORDER BY id, backend
-- name: read_needs
-- One per (component, skill): this member's own estimate, else the largest of the others.
SELECT component, skill, people_min, port_hours_per_operator_min, port_hours_per_operator_max, statement
FROM (SELECT *, row_number() OVER (PARTITION BY component, skill ORDER BY
        member <> (SELECT member FROM public_alliance_self), port_hours_per_operator_max DESC, people_min DESC, member) AS place
      FROM public_talent_need)
WHERE place = 1 ORDER BY component, skill
-- name: last_plan
-- This member's newest plan for these targets: its plans are in the order of its log.
SELECT statement FROM drill_plan
WHERE issuer = (SELECT member FROM public_alliance_self) AND targets = ? AND control_bp = ?
ORDER BY idx DESC LIMIT 1
-- name: write_plan
INSERT OR REPLACE INTO drill_plan(statement, issuer, idx, issued_ms, targets, control_bp, frontier) VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: write_plan_line
INSERT OR REPLACE INTO drill_plan_line(statement, product, outcome, backend, site, price_fen_per_hour_min, price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, evidence) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: write_plan_work
INSERT OR REPLACE INTO drill_plan_work(statement, backend, op, product) VALUES (?, ?, ?, ?)
-- name: write_drill
INSERT OR REPLACE INTO drill_live VALUES (?, ?, ?, ?, ?, ?)
-- name: write_step
INSERT OR REPLACE INTO drill_step VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: write_watched
INSERT OR REPLACE INTO drill_watched VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: write_block
INSERT OR REPLACE INTO drill_block VALUES (?, ?, ?, ?, ?, ?, ?)
-- name: write_item
INSERT OR REPLACE INTO drill_item VALUES (?, ?, ?, ?, ?, ?)
-- name: write_item_closed
INSERT OR REPLACE INTO drill_item_closed VALUES (?, ?, ?, ?, ?, ?)
-- name: write_report
INSERT OR REPLACE INTO drill_report VALUES (?, ?, ?, ?, ?, ?)
-- name: read_drills
SELECT statement, issued_ms, body FROM public_drill_live ORDER BY idx
-- name: read_drill_steps
SELECT drill, issued_ms, body FROM public_drill_step ORDER BY idx
-- name: read_drill_watched
-- The newest of each product: each says all that was counted.
SELECT drill, body FROM public_drill_watched w
WHERE idx = (SELECT max(idx) FROM public_drill_watched x WHERE x.drill = w.drill AND x.product = w.product) ORDER BY idx
-- name: read_drill_blocks
SELECT drill, body FROM public_drill_block ORDER BY idx
-- name: read_drill_items
SELECT statement, issued_ms, body, coalesce(closed_body, ''), coalesce(closed_ms, -1) FROM public_drill_item
WHERE ?1 = '' OR drill = ?1 ORDER BY idx
