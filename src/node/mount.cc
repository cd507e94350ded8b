#include "node/mount.h"

#include "alliance/kinds.h"
#include "alliance/reasons.h"
#include "api/reasons.h"
#include "blob/reasons.h"
#include "crypto/reasons.h"
#include "drill/kinds.h"
#include "drill/ops.h"
#include "drill/reasons.h"
#include "log/reasons.h"
#include "net/reasons.h"
#include "node/ops.h"
#include "node/reasons.h"
#include "node/self.h"
#include "onnx/reasons.h"
#include "pool/kinds.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "sandbox/reasons.h"
#include "share/kinds.h"
#include "share/ops.h"
#include "share/reasons.h"
#include "sql/reasons.h"
#include "standards/kinds.h"
#include "standards/ops.h"
#include "standards/reasons.h"
#include "statement/reasons.h"
#include "supply/kinds.h"
#include "supply/ops.h"
#include "supply/reasons.h"
#include "talent/kinds.h"
#include "talent/ops.h"
#include "talent/reasons.h"

namespace hz::node {
namespace {

// One list out of the modules' lists, built once.
template <class T>
std::vector<T> join(std::initializer_list<std::span<const T>> lists) {
  std::vector<T> out;
  for (const auto& list : lists) out.insert(out.end(), list.begin(), list.end());
  return out;
}

template <class T>
std::vector<const T*> point(std::initializer_list<std::span<const T>> lists) {
  std::vector<const T*> out;
  for (const auto& list : lists)
    for (const T& row : list) out.push_back(&row);
  return out;
}

}  // namespace

alliance::Mounted mounted() {
  static const auto kinds = join<statement::Kind>({alliance::kinds(), share::kinds(), pool::kinds(), supply::kinds(),
                                                   standards::kinds(), talent::kinds(), drill::kinds()});
  static const std::string_view schemas[] = {share::view_schema(),     pool::view_schema(),   supply::view_schema(),
                                             standards::view_schema(), talent::view_schema(), drill::view_schema()};
  return {kinds, schemas};
}

const std::vector<const api::Op*>& ops() {
  static const auto all = point<api::Op>(
      {self_ops(),         member_ops(),      log_ops(),     scrub_ops(),      evidence_ops(),   key_ops(),
       body_ops(),         charter_ops(),     join_ops(),    membership_ops(), ballot_ops(),     sync_ops(),
       fetch_ops(),        status_ops(),      drill_ops(),   up_ops(),         drill_live_ops(), drill_item_ops(),
       drill_report_ops(), drill_watch_ops(), job_log_ops(), share::ops(),     pool::ops(),      supply::ops(),
       standards::ops(),   talent::ops(),     drill::ops()});
  return all;
}

const std::vector<const Reason*>& reasons() {
  static const auto all = point<Reason>({base_reasons, crypto::reasons, sql::reasons, blob::reasons, onnx::reasons,
                                         sandbox::reasons, log::reasons, statement::reasons, alliance::reasons,
                                         api::reasons, net::reasons, share::reasons, pool::reasons, supply::reasons,
                                         standards::reasons, talent::reasons, drill::reasons, reasons_table});
  return all;
}

}  // namespace hz::node
