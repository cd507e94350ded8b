-- name: put_backend
INSERT OR REPLACE INTO standards_backend VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: put_run
INSERT OR REPLACE INTO standards_run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: drop_counts
DELETE FROM standards_run_count WHERE member = ? AND backend = ? AND suite = ? AND transport = ?
-- name: put_count
INSERT INTO standards_run_count VALUES (?, ?, ?, ?, ?, ?)
-- name: drop_other_runs
DELETE FROM standards_operator WHERE member = ? AND backend = ? AND run <> ?
-- name: put_operator
INSERT OR REPLACE INTO standards_operator VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: put_model
INSERT OR REPLACE INTO standards_model VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
-- name: drop_blockers
DELETE FROM standards_model_blocker WHERE member = ? AND model_sha256 = ? AND backend = ?
-- name: put_blocker
INSERT OR REPLACE INTO standards_model_blocker VALUES (?, ?, ?, ?, ?)
-- name: find_backend_fact
SELECT name, engine, version, library, library_digest, isolation FROM standards_backend
WHERE member = (SELECT member FROM public_alliance_self) AND backend = ?
-- name: list_products
SELECT product, name, model_sha256, golden_sha256, incumbent, quality_min_milli, member FROM standards_tested_product
ORDER BY own DESC, member, product
-- name: list_models
-- Own products, and others' that this member tested itself.
-- One per (product, backend): this member's own result, else the worst verdict of the others (docs/decisions/0096).
SELECT p.product, p.incumbent, m.backend, m.verdict, m.quality_milli, m.agreement_milli, m.worst, m.lift, m.statement,
       p.model_sha256, p.member
FROM standards_tested_product p LEFT JOIN
     (SELECT *, row_number() OVER (PARTITION BY model_sha256, backend ORDER BY
        member <> (SELECT member FROM public_alliance_self),
        CASE verdict WHEN 'FAILED' THEN 0 WHEN 'BASIC_ONLY' THEN 1 WHEN 'STRICT' THEN 2 ELSE 3 END, member) AS place
      FROM standards_model) m ON m.model_sha256 = p.model_sha256 AND m.place = 1
WHERE p.own = 1 OR EXISTS (SELECT 1 FROM standards_model mine WHERE mine.model_sha256 = p.model_sha256
                           AND mine.member = (SELECT member FROM public_alliance_self))
ORDER BY p.own DESC, p.member, p.product, m.backend
-- name: list_operators
SELECT op_type, domain, dtype, opset, backend, verdict, cases, passed, repaired, worst, statement FROM standards_operator
WHERE member = (SELECT member FROM public_alliance_self)
ORDER BY op_type, domain, dtype, opset, backend
