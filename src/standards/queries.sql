-- name: put_backend
INSERT OR REPLACE INTO standards_backend VALUES (?, ?, ?, ?, ?, ?, ?, ?)
-- name: put_run
INSERT OR REPLACE INTO standards_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: drop_counts
DELETE FROM standards_run_count WHERE backend = ? AND suite = ? AND transport = ?
-- name: put_count
INSERT INTO standards_run_count VALUES (?, ?, ?, ?, ?)
-- name: drop_other_runs
DELETE FROM standards_operator WHERE backend = ? AND run <> ?
-- name: put_operator
INSERT OR REPLACE INTO standards_operator VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: put_model
INSERT OR REPLACE INTO standards_model VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: drop_blockers
DELETE FROM standards_model_blocker WHERE model_sha256 = ? AND backend = ?
-- name: put_blocker
INSERT OR REPLACE INTO standards_model_blocker VALUES (?, ?, ?, ?)
-- name: find_backend_fact
SELECT name, engine, version, library, library_digest, isolation FROM standards_backend WHERE backend = ?
-- name: list_products
SELECT product, name, model_sha256, golden_sha256, incumbent, quality_min_milli FROM public_supply_product ORDER BY product
-- name: list_models
SELECT p.product, p.incumbent, m.backend, m.verdict, m.quality_milli, m.agreement_milli, m.worst, m.lift, m.statement,
       p.model_sha256
FROM public_supply_product p LEFT JOIN standards_model m ON m.model_sha256 = p.model_sha256
ORDER BY p.product, m.backend
-- name: list_operators
SELECT op_type, domain, dtype, opset, backend, verdict, cases, passed, repaired, worst, statement FROM standards_operator
ORDER BY op_type, domain, dtype, opset, backend
