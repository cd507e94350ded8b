// The protobuf wire format, read strictly and without a schema compiler.
//
// Source: protobuf.dev/programming-guides/encoding. A message is a list of (field number, wire type, value). Groups,
// field number 0 and varints above 64 bits are refused; unknown fields are skipped by their wire type.
#pragma once
#include <bit>
#include <cstring>

#include "base/bytes.h"
#include "onnx/reasons.h"

namespace hz::onnx::protobuf {

enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

// Shared by all readers of one file: what may still be spent.
struct Budget {
  int depth_max = 32;                 // nested messages
  std::size_t items_left = 1u << 22;  // list elements that become objects in memory
};

// A cursor over one message. A reader of a nested message points to the reader it came from, so that an error can name
// its path ("model.graph.node[3].attribute[0]"); it must not outlive it. Errors: onnx.truncated, onnx.malformed,
// onnx.limit.
class Reader {
 public:
  Reader(ByteView bytes, std::string_view name, Budget& budget) : whole_(bytes), name_(name), budget_(&budget) {}

  // Moves to the next field; false at the end of the message. Every field must be consumed by exactly one call below.
  Result<bool> next();
  std::uint32_t field() const { return field_; }
  Wire wire() const { return wire_; }

  Result<std::uint64_t> varint(std::string_view what);
  Result<std::int64_t> int64(std::string_view what) { return static_cast<std::int64_t>(HZ_TRY(varint(what))); }
  Result<std::int32_t> int32(std::string_view what) { return static_cast<std::int32_t>(HZ_TRY(varint(what))); }
  Result<std::uint32_t> fixed32(std::string_view what);
  Result<ByteView> bytes(std::string_view what);
  Result<std::string> blob(std::string_view what);  // any bytes
  Result<std::string> text(std::string_view what);  // must be UTF-8
  // A nested message; index is its place in a repeated field, -1 in a singular one.
  Result<Reader> message(std::string_view what, std::int64_t index = -1);
  Result<void> skip();

  // A repeated number, packed or not: one call per occurrence of the field.
  template <class F>
  Result<void> varints(std::string_view what, F&& each) {
    if (wire_ != Wire::bytes) {
      each(HZ_TRY(varint(what)));
      return {};
    }
    const std::size_t size = HZ_TRY(length(what));
    const std::size_t end = at_ + size;
    while (at_ < end) each(HZ_TRY(raw_varint(what, end)));
    return {};
  }
  template <class T, class F>  // T: 4 or 8 bytes wide
  Result<void> fixed(std::string_view what, F&& each) {
    const std::size_t size = wire_ == Wire::bytes ? HZ_TRY(length(what)) : sizeof(T);
    if (wire_ != Wire::bytes && wire_ != (sizeof(T) == 4 ? Wire::fixed32 : Wire::fixed64)) return wrong_type(what);
    if (size % sizeof(T) != 0) return malformed(what, "a packed list is no whole number of elements");
    if (whole_.size() - at_ < size) return truncated(what);
    for (std::size_t i = 0; i < size; i += sizeof(T), at_ += sizeof(T)) {
      T value;
      std::memcpy(&value, whole_.data() + at_, sizeof(T));
      each(value);
    }
    return {};
  }

  // Counts one object against the budget.
  Result<void> item(std::string_view what);
  std::unexpected<Error> malformed(std::string_view what, std::string_view reason) const;
  std::unexpected<Error> fail_here(const Reason& reason, std::string_view what, std::string_view text) const;

 private:
  std::unexpected<Error> truncated(std::string_view what) const;
  std::unexpected<Error> wrong_type(std::string_view what) const;
  Result<std::uint64_t> raw_varint(std::string_view what, std::size_t end);
  Result<std::size_t> length(std::string_view what);
  std::string path() const;

  ByteView whole_;
  std::size_t at_ = 0;
  std::size_t base_ = 0;  // offset of whole_ in the file
  std::uint32_t field_ = 0;
  Wire wire_ = Wire::varint;
  std::string_view name_;
  std::int64_t index_ = -1;
  int depth_ = 0;
  const Reader* parent_ = nullptr;
  Budget* budget_;
};

// Numbers are copied as they stand: every machine this runs on stores little-endian, like the wire.
static_assert(std::endian::native == std::endian::little);

}  // namespace hz::onnx::protobuf
