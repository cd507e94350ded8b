#include "onnx/protobuf.h"

namespace hz::onnx::protobuf {

std::string Reader::path() const {
  std::string out = parent_ ? parent_->path() + "." : std::string();
  out += name_;
  if (index_ >= 0) out += fmt::format("[{}]", index_);
  return out;
}

std::unexpected<Error> Reader::fail_here(const Reason& reason, std::string_view what, std::string_view text) const {
  return fail(reason, "{}{}{} at byte {}: {}", path(), what.empty() ? "" : ".", what, base_ + at_, text);
}
std::unexpected<Error> Reader::malformed(std::string_view what, std::string_view reason) const {
  return fail_here(why("onnx.malformed"), what, reason);
}
std::unexpected<Error> Reader::truncated(std::string_view what) const {
  return fail_here(why("onnx.truncated"), what, fmt::format("{} bytes are left", whole_.size() - at_));
}
std::unexpected<Error> Reader::wrong_type(std::string_view what) const {
  return malformed(what, fmt::format("field {} has wire type {}", field_, static_cast<int>(wire_)));
}

Result<std::uint64_t> Reader::raw_varint(std::string_view what, std::size_t end) {
  std::uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (at_ >= end) return truncated(what);
    const std::uint8_t byte = whole_[at_++];
    if (shift == 63 && byte > 1) break;
    value |= std::uint64_t{byte & 0x7fu} << shift;
    if (byte < 0x80) return value;
  }
  return malformed(what, "a varint is wider than 64 bits");
}

Result<bool> Reader::next() {
  if (at_ == whole_.size()) return false;
  const std::uint64_t key = HZ_TRY(raw_varint("", whole_.size()));
  const auto type = key & 7;
  field_ = static_cast<std::uint32_t>(key >> 3);
  if (key >> 3 == 0 || key >> 3 > 0x1fffffff) return malformed("", fmt::format("field number {}", key >> 3));
  if (type != 0 && type != 1 && type != 2 && type != 5)
    return malformed("", fmt::format("field {} has wire type {}", field_, type));
  wire_ = static_cast<Wire>(type);
  return true;
}

Result<std::uint64_t> Reader::varint(std::string_view what) {
  if (wire_ != Wire::varint) return wrong_type(what);
  return raw_varint(what, whole_.size());
}

Result<std::uint32_t> Reader::fixed32(std::string_view what) {
  if (wire_ != Wire::fixed32) return wrong_type(what);
  std::uint32_t value = 0;
  HZ_TRY(fixed<std::uint32_t>(what, [&](std::uint32_t v) { value = v; }));
  return value;
}

Result<std::size_t> Reader::length(std::string_view what) {
  if (wire_ != Wire::bytes) return wrong_type(what);
  const std::uint64_t size = HZ_TRY(raw_varint(what, whole_.size()));
  if (size > whole_.size() - at_) return truncated(what);
  return static_cast<std::size_t>(size);
}

Result<ByteView> Reader::bytes(std::string_view what) {
  const std::size_t size = HZ_TRY(length(what));
  const ByteView out = whole_.subspan(at_, size);
  at_ += size;
  return out;
}

Result<std::string> Reader::blob(std::string_view what) { return std::string(as_text(HZ_TRY(bytes(what)))); }

Result<std::string> Reader::text(std::string_view what) {
  std::string out = HZ_TRY(blob(what));
  if (!valid_utf8(out)) return malformed(what, "the text is not UTF-8");
  return out;
}

Result<Reader> Reader::message(std::string_view what, std::int64_t index) {
  const ByteView inner = HZ_TRY(bytes(what));
  if (depth_ + 1 >= budget_->depth_max)
    return fail_here(why("onnx.limit"), what, fmt::format("nested deeper than {} messages", budget_->depth_max));
  HZ_TRY(item(what));
  Reader out(inner, what, *budget_);
  out.base_ = base_ + static_cast<std::size_t>(inner.data() - whole_.data());
  out.index_ = index;
  out.depth_ = depth_ + 1;
  out.parent_ = this;
  return out;
}

Result<void> Reader::skip() {
  switch (wire_) {
    case Wire::varint:
      HZ_TRY(raw_varint("", whole_.size()));
      return {};
    case Wire::bytes:
      HZ_TRY(bytes(""));
      return {};
    case Wire::fixed32:
    case Wire::fixed64: {
      const std::size_t size = wire_ == Wire::fixed32 ? 4 : 8;
      if (whole_.size() - at_ < size) return truncated("");
      at_ += size;
      return {};
    }
  }
  return {};
}

Result<void> Reader::item(std::string_view what) {
  if (budget_->items_left == 0) return fail_here(why("onnx.limit"), what, "too many objects in one file");
  --budget_->items_left;
  return {};
}

}  // namespace hz::onnx::protobuf
