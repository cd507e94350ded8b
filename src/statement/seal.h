// A sealed body: the statement carries a commitment, the encrypted body lies outside the log as a blob.
// Byte by byte: docs/formats/sealed.md.
#pragma once
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/fields.h"

namespace hz::statement {

// What the commitment is over: the body as a whole, or a tree of its fields (field_tree.h), so that one may be shown.
enum class Commitment : std::uint8_t { body, fields };
constexpr auto enum_names(Commitment) {
  return std::array<EnumName<Commitment>, 2>{{{Commitment::body, "body"}, {Commitment::fields, "fields"}}};
}

inline constexpr int bucket_max = 6;  // 1 KiB * 4^6 = 4 MiB
inline constexpr std::size_t seal_blobs_max = 8;

// The header `priv` of a statement without a body.
struct Seal {
  Commitment type = Commitment::body;
  std::string commit;              // hex
  int bucket = 0;                  // the padded body has 1024 * 4^bucket bytes
  std::vector<std::string> blobs;  // hex SHA-256 of the encrypted bodies
  static constexpr auto fields() {
    return rows(row("type", &Seal::type, "body or fields"), row("commit", &Seal::commit, "commitment, hex"),
                row("bucket", &Seal::bucket, "size class, 0 to 6"),
                row("blobs", &Seal::blobs, "hex SHA-256 of the encrypted bodies"));
  }
  bool operator==(const Seal&) const = default;
};

// Bytes of the padded body in a size class.
constexpr std::size_t bucket_size(int bucket) { return std::size_t{1024} << (2 * bucket); }

// The value is a seal with every field in range: 1 to 8 blobs, all different. Errors: statement.header.
Result<Seal> read_seal(const json::Value& priv);
// {"blobs":[...],"bucket":n,"commit":"...","type":"..."}: what read_seal reads.
std::string seal_text(const Seal& seal);

}  // namespace hz::statement
