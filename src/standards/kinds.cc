#include "standards/kinds.h"

#include "standards/sql_text.h"

namespace hz::standards {

std::span<const statement::Kind> kinds() {
  using statement::kind;
  using statement::Retention;
  using statement::Signer;
  static const statement::Kind table[] = {
      kind<BackendFact, &replay_backend>({.number = 0x0501,
                                          .may_sign = Signer::self,
                                          .retention = Retention::until_superseded,
                                          .doc = "The signer has this inference backend and a worker of it answered."}),
      kind<RunFact, &replay_run>({.number = 0x0502,
                                  .may_sign = Signer::self,
                                  .retention = Retention::forever,
                                  .doc = "The signer ran a whole test suite on a backend with these outcomes."}),
      kind<OperatorResults, &replay_operators>(
          {.number = 0x0503,
           .may_sign = Signer::self,
           .retention = Retention::until_superseded,
           .doc = "The operator verdicts that follow from a run; they replace those of earlier runs of the backend."}),
      kind<ModelResult, &replay_model>(
          {.number = 0x0504,
           .may_sign = Signer::self,
           .retention = Retention::until_superseded,
           .doc = "The signer ran a product's model on a backend over its golden set with this verdict."}),
  };
  return table;
}

std::string_view view_schema() { return sql_text::views; }

}  // namespace hz::standards
