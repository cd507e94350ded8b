#include "supply/elf.h"

#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::uint32_t pt_load = 1, pt_dynamic = 2, pt_note = 4, note_build_id = 3;
constexpr std::uint64_t dt_null = 0, dt_needed = 1, dt_strtab = 5, dt_strsz = 10, dt_soname = 14, dt_rpath = 15,
                        dt_runpath = 29;

class ElfReader {
 public:
  explicit ElfReader(ByteView file) : file_(file) {}

  Result<Elf> read() {
    if (!looks_like_elf(file_)) return refuse(0, "no ELF magic number");
    if (file_.size() < 64) return refuse(0, "the ELF header is cut off");
    if (file_[4] != 2) return refuse(4, "not a 64-bit file");
    if (file_[5] != 1) return refuse(5, "not little-endian");
    out_.machine = little<std::uint16_t>(18);
    HZ_TRY(read_program_headers());
    if (!has_dynamic_) return out_;  // a static program needs nothing
    HZ_TRY(read_dynamic());
    return std::move(out_);
  }

 private:
  struct Load {
    std::uint64_t address, offset, size;
  };

  std::unexpected<Error> refuse(std::uint64_t offset, std::string_view what) const {
    return fail(why("supply.elf"), "byte {}: {}", offset, what);
  }

  template <class T>
  T little(std::uint64_t offset) const {
    T value = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i) value = static_cast<T>(value | T{file_[offset + i]} << (8 * i));
    return value;
  }
  bool inside(std::uint64_t offset, std::uint64_t size) const {
    return offset <= file_.size() && size <= file_.size() - offset;
  }

  Result<void> read_program_headers() {
    const auto table = little<std::uint64_t>(32);
    const auto entry_size = little<std::uint16_t>(54), count = little<std::uint16_t>(56);
    if (count == 0) return {};
    if (count > 4096) return fail(why("supply.limit"), "{} program headers, at most 4096", count);
    if (entry_size < 56) return refuse(54, "program headers are too small");
    if (!inside(table, std::uint64_t{entry_size} * count)) return refuse(table, "the program headers are cut off");
    for (std::uint16_t i = 0; i < count; ++i) {
      const std::uint64_t at = table + std::uint64_t{entry_size} * i;
      const auto type = little<std::uint32_t>(at);
      const auto offset = little<std::uint64_t>(at + 8), address = little<std::uint64_t>(at + 16),
                 size = little<std::uint64_t>(at + 32);
      if (type == pt_note && inside(offset, size)) read_notes(offset, size);
      if (type != pt_load && type != pt_dynamic) continue;
      if (!inside(offset, size)) return refuse(at, "a segment lies outside the file");
      if (type == pt_load) {
        loads_.push_back({address, offset, size});
      } else {
        has_dynamic_ = true;
        dynamic_offset_ = offset;
        dynamic_size_ = size;
      }
    }
    return {};
  }

  // Notes that make no sense end the reading of them: nothing a loader does depends on one.
  void read_notes(std::uint64_t at, std::uint64_t size) {
    constexpr std::uint64_t build_id_bytes_max = 64;
    const std::uint64_t end = at + size;
    for (int notes = 0; notes < 64 && end - at >= 12; ++notes) {
      const std::uint64_t name = little<std::uint32_t>(at), content = little<std::uint32_t>(at + 4);
      const auto type = little<std::uint32_t>(at + 8);
      const std::uint64_t content_at = at + 12 + (name + 3) / 4 * 4, next = content_at + (content + 3) / 4 * 4;
      if (next > end) return;
      if (type == note_build_id && name == 4 && as_text(file_.subspan(at + 12, 3)) == "GNU" &&
          content <= build_id_bytes_max)
        out_.build_id = hex(file_.subspan(content_at, content));
      at = next;
    }
  }

  // Where the byte at a virtual address stands in the file, and how many bytes follow it there.
  Result<Load> locate(std::uint64_t address) const {
    for (const Load& load : loads_)
      if (address >= load.address && address - load.address < load.size)
        return Load{address, load.offset + (address - load.address), load.size - (address - load.address)};
    return refuse(dynamic_offset_, "an address of the dynamic section lies in no segment");
  }

  Result<void> read_dynamic() {
    const std::uint64_t count = dynamic_size_ / 16;
    if (count > 65'536) return fail(why("supply.limit"), "{} dynamic entries, at most 65536", count);
    std::uint64_t strings = 0, strings_size = 0;
    std::vector<std::pair<std::uint64_t, std::uint64_t>> names;  // tag, offset in the string table
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t at = dynamic_offset_ + i * 16;
      const auto tag = little<std::uint64_t>(at), value = little<std::uint64_t>(at + 8);
      if (tag == dt_null) break;
      if (tag == dt_strtab) strings = value;
      if (tag == dt_strsz) strings_size = value;
      if (tag == dt_needed || tag == dt_soname || tag == dt_rpath || tag == dt_runpath) names.emplace_back(tag, value);
    }
    if (names.empty()) return {};
    if (names.size() > 4096) return fail(why("supply.limit"), "{} needs, at most 4096", names.size());
    const Load table = HZ_TRY(locate(strings));
    if (strings_size > table.size) return refuse(table.offset, "the string table is cut off");
    std::string rpath, runpath;
    for (const auto& [tag, offset] : names) {
      const std::string name = HZ_TRY(string_at(table.offset, strings_size, offset));
      if (tag == dt_needed) out_.needed.push_back(name);
      if (tag == dt_soname) out_.soname = name;
      if (tag == dt_rpath) rpath = name;
      if (tag == dt_runpath) runpath = name;
    }
    split_search(runpath.empty() ? rpath : runpath);
    return {};
  }

  Result<std::string> string_at(std::uint64_t table, std::uint64_t size, std::uint64_t offset) const {
    if (offset >= size) return refuse(table, "a name lies outside the string table");
    const std::string_view rest = as_text(file_.subspan(table + offset, size - offset));
    const auto end = rest.find('\0');
    if (end == std::string_view::npos) return refuse(table + offset, "a name has no end");
    const std::string_view name = rest.substr(0, end);
    if (name.empty() || name.size() > 4096) return refuse(table + offset, "a name is empty or too long");
    for (const char c : name)
      if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e)
        return refuse(table + offset, "a name has bytes that are not printable ASCII");
    return std::string(name);
  }

  void split_search(std::string_view list) {
    while (!list.empty()) {
      const auto end = list.find(':');
      if (const auto dir = list.substr(0, end); !dir.empty()) out_.search.emplace_back(dir);
      if (end == std::string_view::npos) return;
      list.remove_prefix(end + 1);
    }
  }

  ByteView file_;
  Elf out_;
  std::vector<Load> loads_;
  bool has_dynamic_ = false;
  std::uint64_t dynamic_offset_ = 0, dynamic_size_ = 0;
};

}  // namespace

bool looks_like_elf(ByteView file) {
  return file.size() >= 4 && file[0] == 0x7f && file[1] == 'E' && file[2] == 'L' && file[3] == 'F';
}

Result<Elf> parse_elf(ByteView file) { return ElfReader(file).read(); }

}  // namespace hz::supply
