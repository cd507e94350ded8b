-- Keyed by the member that said it; within one member the newest wins, in the order of its log.
CREATE TABLE standards_backend(
  member TEXT NOT NULL, backend TEXT NOT NULL, name TEXT NOT NULL, engine TEXT NOT NULL, version TEXT NOT NULL, library TEXT NOT NULL,
  library_digest TEXT NOT NULL, isolation TEXT NOT NULL, statement TEXT NOT NULL,
  PRIMARY KEY(member, backend)) STRICT;

CREATE TABLE standards_run(
  member TEXT NOT NULL, backend TEXT NOT NULL, suite TEXT NOT NULL, suite_digest TEXT NOT NULL, errata_digest TEXT NOT NULL,
  backend_digest TEXT NOT NULL, transport TEXT NOT NULL, table_digest TEXT NOT NULL, duration_ms INTEGER NOT NULL,
  observed_ms INTEGER NOT NULL, statement TEXT NOT NULL, PRIMARY KEY(member, backend, suite, transport)) STRICT;
CREATE TABLE standards_run_count(
  member TEXT NOT NULL, backend TEXT NOT NULL, suite TEXT NOT NULL, transport TEXT NOT NULL, status TEXT NOT NULL, cases INTEGER NOT NULL,
  PRIMARY KEY(member, backend, suite, transport, status)) STRICT;

CREATE TABLE standards_operator(
  member TEXT NOT NULL, op_type TEXT NOT NULL, domain TEXT NOT NULL, dtype TEXT NOT NULL, opset INTEGER NOT NULL, backend TEXT NOT NULL,
  verdict TEXT NOT NULL, cases INTEGER NOT NULL, passed INTEGER NOT NULL, repaired INTEGER NOT NULL, worst TEXT NOT NULL,
  run TEXT NOT NULL, statement TEXT NOT NULL, PRIMARY KEY(member, backend, op_type, domain, dtype, opset)) STRICT;

CREATE TABLE standards_model(
  member TEXT NOT NULL, model_sha256 TEXT NOT NULL, backend TEXT NOT NULL, product TEXT NOT NULL, verdict TEXT NOT NULL,
  quality_milli INTEGER NOT NULL, agreement_milli INTEGER NOT NULL, worst TEXT NOT NULL, golden_sha256 TEXT NOT NULL,
  backend_digest TEXT NOT NULL, lift TEXT NOT NULL, batch INTEGER NOT NULL, observed_ms INTEGER NOT NULL,
  statement TEXT NOT NULL, PRIMARY KEY(member, model_sha256, backend)) STRICT;
CREATE TABLE standards_model_blocker(
  member TEXT NOT NULL, model_sha256 TEXT NOT NULL, backend TEXT NOT NULL, op_type TEXT NOT NULL, statement TEXT NOT NULL,
  PRIMARY KEY(member, model_sha256, backend, op_type)) STRICT;

-- Whose products are tested here: this member's own, and those of others whose model they released to it. A release is the
-- invitation (docs/decisions/0108). Evidence is kept once per model, so of several others that declare one model the
-- strictest speaks; claimed times decide nothing.
CREATE VIEW standards_tested_product AS
  SELECT (SELECT member FROM public_alliance_self) AS member, product, name, model_sha256, golden_sha256, incumbent,
         quality_min_milli, 1 AS own
  FROM public_supply_product
  UNION ALL
  SELECT member, product, name, model_sha256, golden_sha256, incumbent, quality_min_milli, 0
  FROM (SELECT p.*, row_number() OVER (PARTITION BY p.model_sha256
                                       ORDER BY p.quality_min_milli DESC, p.member, p.product) AS place
        FROM public_supply_declared_product p
        WHERE p.member <> (SELECT member FROM public_alliance_self)
          AND EXISTS (SELECT 1 FROM public_share_release r WHERE r.member = p.member
                      AND r.model_sha256 = p.model_sha256 AND r.audience <> 'owner')
          AND NOT EXISTS (SELECT 1 FROM public_supply_product own WHERE own.model_sha256 = p.model_sha256))
  WHERE place = 1;

CREATE VIEW public_standards_model_result AS
  SELECT member, model_sha256, backend, verdict, quality_milli, agreement_milli, worst, golden_sha256, backend_digest, lift,
         observed_ms, statement FROM standards_model;
CREATE VIEW public_standards_operator_result AS
  SELECT member, op_type, domain, dtype, opset, backend, verdict, cases, passed, statement FROM standards_operator;
CREATE VIEW public_standards_backend AS
  SELECT member, backend, name, version, library_digest, library AS library_path, isolation, statement FROM standards_backend;
CREATE VIEW public_standards_model_blocker AS
  SELECT member, model_sha256, backend, op_type, statement FROM standards_model_blocker;
