// Strong ids: a ProductId is not a MemberId, though both are short texts.
#pragma once
#include <compare>
#include <functional>
#include <string>
#include <string_view>

namespace hz {

template <class Tag>
class Id {
 public:
  Id() = default;
  explicit Id(std::string text) : text_(std::move(text)) {}
  const std::string& str() const { return text_; }
  bool empty() const { return text_.empty(); }
  auto operator<=>(const Id&) const = default;

 private:
  std::string text_;
};

}  // namespace hz

template <class Tag>
struct std::hash<hz::Id<Tag>> {
  std::size_t operator()(const hz::Id<Tag>& id) const noexcept { return std::hash<std::string>{}(id.str()); }
};
