// ELF libraries: which other libraries a file needs. Format: System V gABI, chapters 4 and 5 (64-bit, little-endian).
#pragma once
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"

namespace hz::supply {

struct Elf {
  std::uint16_t machine = 0;        // EM_X86_64 is 62, EM_AARCH64 is 183
  std::string soname;               // DT_SONAME, or ""
  std::vector<std::string> needed;  // DT_NEEDED in file order
  std::vector<std::string> search;  // DT_RUNPATH, else DT_RPATH, split at ':'
  std::string build_id;             // of the linker's note, hex, or "": the same for a stripped copy
};

// Reads only the program headers, the notes and the dynamic section: strings are found through DT_STRTAB, so a file
// whose section headers were stripped works too. Limits: 4,096 program headers, 65,536 dynamic entries, 4,096 needs,
// names of 4,096 bytes. Errors: supply.elf (naming the offset), supply.limit.
Result<Elf> parse_elf(ByteView file);

bool looks_like_elf(ByteView file);

}  // namespace hz::supply
