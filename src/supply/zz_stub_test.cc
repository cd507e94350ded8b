#include "statement/statement.h"
namespace hz::statement::detail {
__attribute__((weak)) const json::Value& body(const Statement& s) { return s.body; }
}  // namespace hz::statement::detail
