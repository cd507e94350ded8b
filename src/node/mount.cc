#include "node/mount.h"

#include "node/reasons.h"
#include "node/self.h"

namespace hz::node {
namespace {

template <class T>
void join(std::vector<const T*>& out, std::span<const T> rows) {
  for (const T& row : rows) out.push_back(&row);
}

}  // namespace

alliance::Mounted mounted() {
  static const std::vector<statement::Kind> kinds;
  static const std::vector<std::string_view> schemas;
  return {kinds, schemas};
}

const std::vector<const api::Op*>& ops() {
  static const std::vector<const api::Op*> all = [] {
    std::vector<const api::Op*> out;
    join(out, self_ops());
    return out;
  }();
  return all;
}

const std::vector<const Reason*>& reasons() {
  static const std::vector<const Reason*> all = [] {
    std::vector<const Reason*> out;
    join<Reason>(out, base_reasons);
    join<Reason>(out, reasons_table);
    return out;
  }();
  return all;
}

}  // namespace hz::node
