// For tests: the reason of a result, by its slug.
#pragma once
#include <string_view>

#include "base/result.h"

namespace hz {

// "" where there is a value.
template <class T>
std::string_view slug(const Result<T>& result) {
  return result ? std::string_view() : result.error().reason->slug;
}

}  // namespace hz
