#include "statement/leaf.h"

#include <algorithm>
#include <tuple>

#include "statement/reasons.h"

namespace hz::statement {
namespace {

constexpr std::string_view magic = "HZL1";
constexpr std::uint8_t payload_type_in_toto = 1;
constexpr std::size_t signature_head_size = 1 + 32 + 2;

// The lengths an algorithm's signatures can have; {0, 0} for unknown algorithms.
std::pair<std::size_t, std::size_t> signature_lengths(std::uint8_t algorithm) {
  switch (static_cast<Algorithm>(algorithm)) {
    case Algorithm::ed25519:
    case Algorithm::ecdsa_p256:  // r ‖ s, 32 bytes each
    case Algorithm::sm2_sm3:
      return {64, 64};
    case Algorithm::ml_dsa_44:
      return {2420, 2420};
  }
  return {0, 0};
}

auto rank(const SignatureView& s) { return std::tie(s.algorithm, s.key_id); }

}  // namespace

Result<Bytes> encode_leaf(std::span<const SignatureView> signatures, std::string_view payload) {
  if (signatures.empty() || signatures.size() > signatures_max)
    return fail(why("statement.leaf"), "{} signatures, 1 to {} are possible", signatures.size(), signatures_max);
  if (payload.empty()) return fail(why("statement.leaf"), "an empty payload");
  std::array<const SignatureView*, signatures_max> order{};
  std::size_t size = magic.size() + 2 + payload.size();
  for (std::size_t i = 0; i < signatures.size(); ++i) {
    order[i] = &signatures[i];
    size += signature_head_size + signatures[i].bytes.size();
  }
  if (size > leaf_size_max)
    return fail(why("statement.too_large"), "{} bytes, a leaf has at most {}", size, leaf_size_max);
  const auto end = order.begin() + static_cast<std::ptrdiff_t>(signatures.size());
  std::sort(order.begin(), end, [](auto a, auto b) { return rank(*a) < rank(*b); });
  Bytes out;
  out.reserve(size);
  put(out, as_bytes(magic));
  out.push_back(static_cast<std::uint8_t>(signatures.size()));
  for (auto at = order.begin(); at != end; ++at) {
    const SignatureView& s = **at;
    const auto [least, most] = signature_lengths(static_cast<std::uint8_t>(s.algorithm));
    if (s.bytes.size() < least || s.bytes.size() > most || most == 0)
      return fail(why("statement.leaf"), "a signature of {} bytes for algorithm {}", s.bytes.size(),
                  static_cast<int>(s.algorithm));
    if (at != order.begin() && rank(**(at - 1)) == rank(s))
      return fail(why("statement.leaf"), "two signatures of key {}", hex(s.key_id));
    out.push_back(static_cast<std::uint8_t>(s.algorithm));
    put(out, s.key_id);
    put_be(out, static_cast<std::uint16_t>(s.bytes.size()));
    put(out, s.bytes);
  }
  out.push_back(payload_type_in_toto);
  put(out, as_bytes(payload));
  HZ_ASSERT(out.size() == size);
  return out;
}

Result<LeafView> decode_leaf(ByteView bytes) {
  LeafView out;
  std::size_t at = 0;
  const auto refuse = [&](std::string_view what) { return fail(why("statement.leaf"), "offset {}: {}", at, what); };
  if (bytes.size() > leaf_size_max) return refuse(fmt::format("{} bytes, at most {}", bytes.size(), leaf_size_max));
  if (bytes.size() < magic.size() || as_text(bytes.first(magic.size())) != magic) return refuse("no HZL1 here");
  at = magic.size();
  if (bytes.size() == at) return refuse("the frame ends before the number of signatures");
  const std::size_t count = bytes[at];
  if (count == 0 || count > signatures_max) return refuse(fmt::format("{} signatures, 1 to 4 are possible", count));
  ++at;
  for (std::size_t i = 0; i < count; ++i) {
    if (bytes.size() - at < signature_head_size) return refuse("the frame ends inside a signature");
    SignatureView& s = out.signature_slots[i];
    const auto [least, most] = signature_lengths(bytes[at]);
    if (most == 0) return refuse(fmt::format("unknown signature algorithm {}", bytes[at]));
    s.algorithm = static_cast<Algorithm>(bytes[at]);
    std::copy_n(bytes.begin() + static_cast<std::ptrdiff_t>(at) + 1, s.key_id.size(), s.key_id.begin());
    if (i > 0 && !(rank(out.signature_slots[i - 1]) < rank(s))) return refuse("signatures are not in rising order");
    const std::size_t length = get_be<std::uint16_t>(bytes.data() + at + 33);
    if (length < least || length > most)
      return refuse(fmt::format("a signature of {} bytes for algorithm {}", length, static_cast<int>(s.algorithm)));
    at += signature_head_size;
    if (bytes.size() - at < length) return refuse("the frame ends inside a signature");
    s.bytes = bytes.subspan(at, length);
    at += length;
  }
  out.signature_count = count;
  if (bytes.size() == at) return refuse("the frame ends before the payload type");
  if (bytes[at] != payload_type_in_toto) return refuse(fmt::format("unknown payload type {}", bytes[at]));
  ++at;
  if (bytes.size() == at) return refuse("an empty payload");
  out.payload = as_text(bytes.subspan(at));
  return out;
}

}  // namespace hz::statement
