// Precompiled in the dev and release builds (HZ_PCH). Only standard headers and fmt: nothing of ours, so that a changed
// header of the project rebuilds only who includes it.
#pragma once
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
