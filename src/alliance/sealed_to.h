// To whom this member's bodies were sealed: what says who still has to be given one.
//
// Neither log nor blob tells: the statement names a class, not its readers, and an age file does not name its
// recipients. Asking "was it admitted before this statement?" would need the views of that moment. So each class keeps
// the stretches of the own log that were sealed to the same readers; there are as many as its readers changed. Where
// nothing is noted, nobody but the author is taken to have the body: then it is given once more, which harms nobody.
//
// File: docs/formats/member_folder.md, "sealed_to.json".
#pragma once
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/fs.h"

namespace hz::alliance {

using Readers = std::set<std::string, std::less<>>;  // member ids

class SealedTo {
 public:
  // What cannot be read is empty.
  static SealedTo read(const fs::path& path);
  // Errors: base.write.
  Result<void> write(const fs::path& path) const;

  const Readers& at(const std::string& audience, std::uint64_t index) const;
  // Statements of this class from `index` on are sealed to these. True when that is new.
  bool note(const std::string& audience, std::uint64_t index, const Readers& readers);
  // Those in [begin, end) are sealed to these too.
  void widen(const std::string& audience, std::uint64_t begin, std::uint64_t end, const Readers& readers);
  // The first position at or after `from` whose readers lack one of `wanted`; nullopt when all have them.
  std::optional<std::uint64_t> first_lacking(const std::string& audience, std::uint64_t from,
                                             const Readers& wanted) const;

 private:
  using Stretches = std::map<std::uint64_t, Readers>;  // by their begin; each ends where the next begins
  std::map<std::string, Stretches, std::less<>> classes_;
};

}  // namespace hz::alliance
