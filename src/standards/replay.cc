#include "sql/db.h"
#include "standards/kinds.h"
#include "standards/sql_text.h"
#include "statement/statement.h"

namespace hz::standards {

using statement::Statement;

Result<void> replay_backend(sql::Db& db, const Statement& from, const BackendFact& said) {
  return db.exec(sql_text::put_backend, {from.issuer, said.backend, said.name, said.engine, said.version, said.library,
                                         said.library_digest, enum_text(said.isolation), from.id_text()});
}

Result<void> replay_run(sql::Db& db, const Statement& from, const RunFact& said) {
  HZ_TRY(db.exec(sql_text::put_run,
                 {from.issuer, said.backend, said.suite, said.suite_digest, said.errata_digest, said.backend_digest,
                  said.transport, said.table_digest, said.duration_ms, from.issued_ms, from.id_text()}));
  HZ_TRY(db.exec(sql_text::drop_counts, {from.issuer, said.backend, said.suite, said.transport}));
  for (const StatusCount& count : said.counts)
    HZ_TRY(db.exec(sql_text::put_count,
                   {from.issuer, said.backend, said.suite, said.transport, enum_text(count.status), count.cases}));
  return {};
}

// Whatever an earlier run said about this backend is gone with the first part of a newer one: a verdict never mixes
// runs.
Result<void> replay_operators(sql::Db& db, const Statement& from, const OperatorResults& said) {
  HZ_TRY(db.exec(sql_text::drop_other_runs, {from.issuer, said.backend, said.table_digest}));
  for (const OperatorRow& r : said.results)
    HZ_TRY(db.exec(sql_text::put_operator,
                   {from.issuer, r.op_type, r.domain, r.dtype, r.opset, said.backend, enum_text(r.verdict), r.cases,
                    r.passed, r.repaired, r.worst, said.table_digest, from.id_text()}));
  return {};
}

Result<void> replay_model(sql::Db& db, const Statement& from, const ModelResult& said) {
  HZ_TRY(
      db.exec(sql_text::put_model, {from.issuer, said.model_sha256, said.backend, said.product, enum_text(said.verdict),
                                    said.quality_milli, said.agreement_milli, said.worst, said.golden_sha256,
                                    said.backend_digest, said.lift, said.batch, from.issued_ms, from.id_text()}));
  HZ_TRY(db.exec(sql_text::drop_blockers, {from.issuer, said.model_sha256, said.backend}));
  for (const std::string& op : said.blocking)
    HZ_TRY(db.exec(sql_text::put_blocker, {from.issuer, said.model_sha256, said.backend, op, from.id_text()}));
  return {};
}

}  // namespace hz::standards
