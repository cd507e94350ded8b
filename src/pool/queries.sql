-- name: product_model
SELECT p.model_sha256 FROM public_supply_declared_product p
WHERE p.product = ?1
  AND (p.member = ?2 OR EXISTS (SELECT 1 FROM public_share_release r WHERE r.member = p.member
                                AND r.model_sha256 = p.model_sha256 AND r.audience <> 'owner'))
ORDER BY p.member <> ?2, p.member LIMIT 1
-- name: model_evidence
SELECT statement FROM public_standards_model_result
WHERE model_sha256 = ?1 AND backend = ?2 AND verdict IN ('STRICT', 'BASIC_ONLY')
ORDER BY member <> ?3, verdict <> 'STRICT', member LIMIT 1
