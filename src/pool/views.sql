-- Keyed by the member that said it: a site of one member is never another member's, even under the same id.
CREATE TABLE pool_site(
  member TEXT NOT NULL,
  site TEXT NOT NULL,
  name TEXT NOT NULL,
  entity TEXT NOT NULL,
  jurisdiction TEXT NOT NULL,
  PRIMARY KEY(member, site)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_offer(
  member TEXT NOT NULL,
  site TEXT NOT NULL,
  backend TEXT NOT NULL,
  price_fen_per_hour_min INTEGER NOT NULL,
  price_fen_per_hour_max INTEGER NOT NULL,
  switch_minutes_min INTEGER NOT NULL,
  switch_minutes_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, site, backend)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_site(member, site, name, entity, jurisdiction, backend, price_fen_per_hour_min,
                             price_fen_per_hour_max, switch_minutes_min, switch_minutes_max, statement) AS
  SELECT s.member, s.site, s.name, s.entity, s.jurisdiction, o.backend, o.price_fen_per_hour_min,
         o.price_fen_per_hour_max, o.switch_minutes_min, o.switch_minutes_max, o.statement
  FROM pool_site s JOIN pool_offer o ON o.member = s.member AND o.site = s.site;

CREATE TABLE pool_route(
  member TEXT NOT NULL,
  product TEXT NOT NULL,
  reason TEXT NOT NULL,
  deadline_ms INTEGER NOT NULL,
  evidence TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_route_target(
  member TEXT NOT NULL,
  product TEXT NOT NULL,
  place INTEGER NOT NULL,
  claim TEXT NOT NULL,
  site TEXT NOT NULL,
  backend TEXT NOT NULL,
  weight INTEGER NOT NULL,
  PRIMARY KEY(member, product, place)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_route(member, product, place, claim, site, backend, weight, reason, deadline_ms, evidence,
                              statement) AS
  SELECT r.member, r.product, t.place, t.claim, t.site, t.backend, t.weight, r.reason, r.deadline_ms, r.evidence,
         r.statement
  FROM pool_route r JOIN pool_route_target t ON t.member = r.member AND t.product = r.product;

-- A revocation may come before the key it ends, and holds all the same.
CREATE TABLE pool_api_key(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  name TEXT NOT NULL,
  secret_sha256 TEXT NOT NULL,
  requests_per_minute INTEGER NOT NULL,
  units_per_minute INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_api_key_product(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  product TEXT NOT NULL,
  PRIMARY KEY(member, key, product)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_api_key_revoked(
  member TEXT NOT NULL,
  key TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, key)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_api_key(member, key, name, product, requests_per_minute, units_per_minute, expires_ms, revoked,
                                consumer, statement) AS
  SELECT k.member, k.key, k.name, p.product, k.requests_per_minute, k.units_per_minute, k.expires_ms,
         r.key IS NOT NULL, k.consumer, k.statement
  FROM pool_api_key k
  JOIN pool_api_key_product p ON p.member = k.member AND p.key = k.key
  LEFT JOIN pool_api_key_revoked r ON r.member = k.member AND r.key = k.key;

-- Jobs that members say they started; how they are now is known to their sites only.
CREATE TABLE pool_job(
  member TEXT NOT NULL,
  claim TEXT NOT NULL,
  site TEXT NOT NULL,
  product TEXT NOT NULL,
  backend TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  evidence TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, claim)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_job(member, claim, site, product, backend, model_sha256, evidence, statement) AS
  SELECT member, claim, site, product, backend, model_sha256, evidence, statement FROM pool_job;

-- Capacity that members lend each other (lease.h). Each table is keyed by who said it; the views below join what owner
-- and consumer said about the same lease.
CREATE TABLE pool_capacity(
  member TEXT NOT NULL,
  offer TEXT NOT NULL,
  site TEXT NOT NULL,
  device TEXT NOT NULL,
  count INTEGER NOT NULL,
  count_per_consumer_max INTEGER NOT NULL,
  per_device_hour INTEGER NOT NULL,
  per_million_tokens INTEGER NOT NULL,
  per_million_inferences INTEGER NOT NULL,
  audience TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  recall_notice_ms INTEGER NOT NULL,
  memory_bytes_max INTEGER NOT NULL,
  pids_max INTEGER NOT NULL,
  wall_ms_max INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, offer)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_claim(
  member TEXT NOT NULL,
  claim TEXT NOT NULL,
  lease TEXT NOT NULL,
  owner TEXT NOT NULL,
  offer TEXT NOT NULL,
  product TEXT NOT NULL,
  backend TEXT NOT NULL,
  model_sha256 TEXT NOT NULL,
  memory_bytes_max INTEGER NOT NULL,
  pids_max INTEGER NOT NULL,
  wall_ms_max INTEGER NOT NULL,
  count INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  jurisdictions TEXT NOT NULL,
  data_at TEXT NOT NULL,
  evidence TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, claim)
) STRICT, WITHOUT ROWID;
CREATE INDEX pool_claim_owner ON pool_claim(owner, lease);

CREATE TABLE pool_lease(
  member TEXT NOT NULL,
  lease TEXT NOT NULL,
  consumer TEXT NOT NULL,
  claim TEXT NOT NULL,
  offer TEXT NOT NULL,
  site TEXT NOT NULL,
  device TEXT NOT NULL,
  count INTEGER NOT NULL,
  from_ms INTEGER NOT NULL,
  until_ms INTEGER NOT NULL,
  recall_notice_ms INTEGER NOT NULL,
  per_device_hour INTEGER NOT NULL,
  per_million_tokens INTEGER NOT NULL,
  per_million_inferences INTEGER NOT NULL,
  refused TEXT NOT NULL,
  detail TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, lease)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_lease_recall(
  member TEXT NOT NULL,
  lease TEXT NOT NULL,
  ends_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, lease)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_lease_end(
  member TEXT NOT NULL,
  owner TEXT NOT NULL,
  lease TEXT NOT NULL,
  ended_ms INTEGER NOT NULL,
  reason TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, owner, lease)
) STRICT, WITHOUT ROWID;

-- Sealed: its rows are at owner and consumer only, and in no public view.
CREATE TABLE pool_lease_access(
  member TEXT NOT NULL,
  lease TEXT NOT NULL,
  secret TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, lease)
) STRICT, WITHOUT ROWID;

CREATE VIEW public_pool_capacity(member, offer, site, device, count, count_per_consumer_max, per_device_hour,
                                 per_million_tokens, per_million_inferences, audience, from_ms, until_ms,
                                 recall_notice_ms, memory_bytes_max, pids_max, wall_ms_max, entity,
                                 jurisdiction, statement) AS
  SELECT c.member, c.offer, c.site, c.device, c.count, c.count_per_consumer_max, c.per_device_hour,
         c.per_million_tokens, c.per_million_inferences, c.audience, c.from_ms, c.until_ms, c.recall_notice_ms,
         c.memory_bytes_max, c.pids_max, c.wall_ms_max, coalesce(s.entity, 'unknown'), coalesce(s.jurisdiction, 'unknown'), c.statement
  FROM pool_capacity c LEFT JOIN pool_site s ON s.member = c.member AND s.site = c.site;

CREATE VIEW public_pool_claim(member, claim, lease, owner, offer, product, backend, model_sha256, memory_bytes_max,
                              pids_max, wall_ms_max, count, from_ms, until_ms, jurisdictions, data_at, evidence,
                              statement) AS
  SELECT member, claim, lease, owner, offer, product, backend, model_sha256, memory_bytes_max, pids_max, wall_ms_max,
         count, from_ms, until_ms, jurisdictions, data_at, evidence, statement FROM pool_claim;

-- Answers to claims that were made: a lease that nobody claimed is none. It is over at ends_ms: the earliest of its own
-- time, its recall, and what either side said. recalled_ms, owner_ended_ms and consumer_ended_ms are NULL until then.
CREATE VIEW public_pool_lease(member, lease, consumer, claim, offer, site, device, count, from_ms, until_ms, ends_ms,
                              recall_notice_ms, per_device_hour, per_million_tokens, per_million_inferences, refused,
                              detail, product, backend, model_sha256, recalled_ms, recall_reason, owner_ended_ms,
                              consumer_ended_ms, claim_statement, statement) AS
  SELECT l.member, l.lease, l.consumer, l.claim, l.offer, l.site, l.device, l.count, l.from_ms, l.until_ms,
         max(l.from_ms, min(l.until_ms, coalesce(r.ends_ms, l.until_ms), coalesce(o.ended_ms, l.until_ms),
                            coalesce(e.ended_ms, l.until_ms))),
         l.recall_notice_ms, l.per_device_hour, l.per_million_tokens, l.per_million_inferences, l.refused, l.detail,
         c.product, c.backend, c.model_sha256, r.ends_ms, coalesce(r.reason, ''), o.ended_ms, e.ended_ms, c.statement,
         l.statement
  FROM pool_lease l
  JOIN pool_claim c ON c.member = l.consumer AND c.claim = l.claim AND c.owner = l.member AND c.offer = l.offer
  LEFT JOIN pool_lease_recall r ON r.member = l.member AND r.lease = l.lease
  LEFT JOIN pool_lease_end o ON o.member = l.member AND o.owner = l.member AND o.lease = l.lease
  LEFT JOIN pool_lease_end e ON e.member = l.consumer AND e.owner = l.member AND e.lease = l.lease;

-- Bills and what was said about them (receipt.h). For everyone: sums only. Positions are in the log of who said it.
CREATE TABLE pool_bill(
  member TEXT NOT NULL,
  bill TEXT NOT NULL,
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  consumer TEXT NOT NULL,
  unit TEXT NOT NULL,
  period TEXT NOT NULL,
  receipts INTEGER NOT NULL,
  amount_micro INTEGER NOT NULL,
  details TEXT NOT NULL,
  refund INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, bill)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_countersign(
  provider TEXT NOT NULL,
  bill TEXT NOT NULL,
  member TEXT NOT NULL,
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  details TEXT NOT NULL,
  accepted_micro INTEGER NOT NULL,
  disputed_micro INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(provider, bill, member)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_bill_withdrawn(
  member TEXT NOT NULL,
  bill TEXT NOT NULL,
  idx INTEGER NOT NULL,
  forgiven INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, bill)
) STRICT, WITHOUT ROWID;

-- Sealed: rows at provider and consumer only, and in no public view.
CREATE TABLE pool_receipts(
  member TEXT NOT NULL,
  bill TEXT NOT NULL,
  salt TEXT NOT NULL,
  PRIMARY KEY(member, bill)
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_receipt(
  member TEXT NOT NULL,
  bill TEXT NOT NULL,
  place INTEGER NOT NULL,
  subject TEXT NOT NULL,
  what TEXT NOT NULL,
  from_ms INTEGER NOT NULL,
  to_ms INTEGER NOT NULL,
  device_ms INTEGER NOT NULL,
  units INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  device_hour_micro INTEGER NOT NULL,
  million_units_micro INTEGER NOT NULL,
  gigabyte_micro INTEGER NOT NULL,
  amount_micro INTEGER NOT NULL,
  PRIMARY KEY(member, bill, place)
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_disputed(
  provider TEXT NOT NULL,
  bill TEXT NOT NULL,
  member TEXT NOT NULL,
  place INTEGER NOT NULL,
  device_ms INTEGER NOT NULL,
  units INTEGER NOT NULL,
  bytes INTEGER NOT NULL,
  cause TEXT NOT NULL,
  PRIMARY KEY(provider, bill, member, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE pool_price(
  member TEXT NOT NULL,
  unit TEXT NOT NULL,
  what TEXT NOT NULL,
  from_period TEXT NOT NULL,
  device_hour_micro INTEGER NOT NULL,
  million_units_micro INTEGER NOT NULL,
  gigabyte_micro INTEGER NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(member, unit, what, from_period)
) STRICT, WITHOUT ROWID;

-- Limits and closings as any member said them; those of the secretariat count.
CREATE TABLE pool_limit(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  member TEXT NOT NULL,
  unit TEXT NOT NULL,
  overdraft_micro INTEGER NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_close(
  origin TEXT NOT NULL,
  idx INTEGER NOT NULL,
  statement TEXT NOT NULL UNIQUE,
  member TEXT NOT NULL,
  period TEXT NOT NULL,
  result TEXT NOT NULL,
  said TEXT NOT NULL,
  PRIMARY KEY(origin, idx)
) STRICT, WITHOUT ROWID;
CREATE TABLE pool_close_signed(
  close TEXT NOT NULL,
  member TEXT NOT NULL,
  result TEXT NOT NULL,
  statement TEXT NOT NULL,
  PRIMARY KEY(close, member)
) STRICT, WITHOUT ROWID;

-- A bill with the answer that fits it; accepted_micro is NULL without one.
CREATE VIEW public_pool_bill(member, bill, consumer, unit, period, receipts, amount_micro, refund, accepted_micro,
                             disputed_micro, withdrawn, statement, answer) AS
  SELECT b.member, b.bill, b.consumer, b.unit, b.period, b.receipts, b.amount_micro, b.refund, c.accepted_micro,
         c.disputed_micro, w.bill IS NOT NULL, b.statement, c.statement
  FROM pool_bill b
  LEFT JOIN pool_countersign c ON c.provider = b.member AND c.bill = b.bill AND c.member = b.consumer
    AND c.details = b.details AND c.accepted_micro + c.disputed_micro = b.amount_micro
  LEFT JOIN pool_bill_withdrawn w ON w.member = b.member AND w.bill = b.bill;
CREATE VIEW public_pool_price(member, unit, what, from_period, device_hour_micro, million_units_micro, gigabyte_micro,
                              statement) AS
  SELECT member, unit, what, from_period, device_hour_micro, million_units_micro, gigabyte_micro, statement
  FROM pool_price;
CREATE VIEW public_pool_close(statement, member, period, signatures) AS
  SELECT c.statement, c.member, c.period,
         (SELECT count(*) FROM pool_close_signed s
            WHERE s.close = c.statement AND s.member <> c.member AND s.result = c.result)
  FROM pool_close c;
