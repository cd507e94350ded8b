#include "log/places.h"

#include <algorithm>
#include <cstring>

namespace hz::log {
namespace {

std::int64_t column(std::uint64_t n) { return static_cast<std::int64_t>(n); }

// The sweep of this slice that came last when `count` sweeps were made; 0 for none. Slices take turns, so it is less
// than place_slices behind.
std::uint64_t last_sweep(unsigned slice, std::uint64_t count) {
  const std::uint64_t behind = (count + place_slices - 1 - slice) % place_slices;
  return behind < count ? count - behind : 0;
}

}  // namespace

PlaceKey place_key(const Digest& id) {
  PlaceKey out;
  std::copy_n(id.begin(), out.size(), out.begin());
  return out;
}

std::optional<PlaceKey> place_key(ByteView column) {
  PlaceKey out;
  if (column.size() < out.size()) return std::nullopt;
  std::copy_n(column.begin(), out.size(), out.begin());
  return out;
}

unsigned slice_of(const PlaceKey& key) { return key[0] / (256 / place_slices); }

std::uint64_t swept(unsigned slice, std::uint64_t size) {
  return sweep_entries * last_sweep(slice, size / sweep_entries);
}

Result<void> Places::know(sql::Db& db, std::uint64_t size) {
  if (known_ && size == size_) return {};
  const std::uint64_t sweeps = size / sweep_entries;
  const std::uint64_t oldest = sweeps < place_slices ? 0 : sweep_entries * (sweeps - place_slices + 1);
  if (!known_ || size < size_ || size_ < oldest) {
    for (auto& slice : waiting_) slice.clear();
    size_ = oldest;
  }
  known_ = false;
  HZ_TRY(db.query("SELECT idx, id, idem FROM entry WHERE idx >= ? AND idx < ? ORDER BY idx",
                  {column(size_), column(size)}, [&](const sql::Row& row) {
                    for (const int at : {1, 2})
                      if (const auto key = place_key(row.blob(at)))
                        waiting_[slice_of(*key)].push_back({*key, static_cast<std::uint64_t>(row.integer(0))});
                    return true;
                  }));
  for (unsigned slice = 0; slice < place_slices; ++slice)
    std::erase_if(waiting_[slice], [&, end = swept(slice, size)](const Waiting& one) { return one.index < end; });
  known_ = true;
  size_ = size;
  return {};
}

Result<std::optional<Places::Found>> Places::find(sql::Db& db, std::uint64_t size, const Digest* id,
                                                  const PlaceKey* idem) {
  HZ_TRY(know(db, size));
  std::optional<Found> found;
  // True when the search is over: an id says more than an idempotency key.
  const auto judge = [&](const sql::Row& row) {
    const auto index = static_cast<std::uint64_t>(row.integer(0));
    const ByteView its_id = row.blob(1);
    if (index >= size || its_id.size() != Digest{}.size()) return false;
    const bool by_id = id && std::ranges::equal(its_id, *id);
    if (!by_id && (!idem || found || !std::ranges::equal(row.blob(2), *idem))) return false;
    found = Found{index, {}, by_id};
    std::ranges::copy(its_id, found->id.begin());
    return by_id;
  };
  const PlaceKey of_id = id ? place_key(*id) : *idem, of_idem = idem ? *idem : of_id;
  HZ_TRY(db.query("SELECT e.idx, e.id, e.idem FROM place p JOIN entry e ON e.idx = p.idx WHERE p.key IN (?1, ?2)",
                  {ByteView(of_id), ByteView(of_idem)}, [&](const sql::Row& row) { return !judge(row); }));
  for (const PlaceKey* key : {&of_id, &of_idem}) {
    for (const Waiting& one : waiting_[slice_of(*key)]) {
      if (found && found->by_id) return found;
      if (std::memcmp(one.key.data(), key->data(), key->size()) != 0) continue;
      HZ_TRY(db.query("SELECT idx, id, idem FROM entry WHERE idx = ?", {column(one.index)}, [&](const sql::Row& row) {
        judge(row);
        return false;
      }));
    }
  }
  return found;
}

void Places::add(std::uint64_t index, const Digest& id, const PlaceKey& idem) {
  HZ_ASSERT(known_ && index == size_);
  for (const PlaceKey& key : {place_key(id), idem}) waiting_[slice_of(key)].push_back({key, index});
  ++size_;
}

Result<void> Places::sweep(sql::Db& db, std::uint64_t old_size, std::uint64_t new_size) {
  for (std::uint64_t j = old_size / sweep_entries + 1; j <= new_size / sweep_entries; ++j) {
    auto& slice = waiting_[(j - 1) % place_slices];
    const auto end = std::ranges::find_if(slice, [&](const Waiting& one) { return one.index >= sweep_entries * j; });
    std::sort(slice.begin(), end,
              [](const Waiting& a, const Waiting& b) { return std::tie(a.key, a.index) < std::tie(b.key, b.index); });
    for (auto one = slice.begin(); one != end; ++one)
      HZ_TRY(db.exec("INSERT INTO place(key, idx) VALUES(?, ?) ON CONFLICT DO NOTHING",
                     {ByteView(one->key), column(one->index)}));
    slice.erase(slice.begin(), end);
  }
  return {};
}

void Places::forget() { known_ = false; }

Result<void> rebuild_places(sql::Db& db, std::uint64_t size) {
  std::vector<std::pair<PlaceKey, std::uint64_t>> all;
  HZ_TRY(db.query("SELECT idx, id, idem FROM entry WHERE idx < ?", {column(size)}, [&](const sql::Row& row) {
    const auto index = static_cast<std::uint64_t>(row.integer(0));
    for (const int at : {1, 2})
      if (const auto key = place_key(row.blob(at)); key && index < swept(slice_of(*key), size))
        all.emplace_back(*key, index);
    return true;
  }));
  std::ranges::sort(all);
  HZ_TRY(db.exec("DELETE FROM place"));
  for (const auto& [key, index] : all)
    HZ_TRY(db.exec("INSERT INTO place(key, idx) VALUES(?, ?) ON CONFLICT DO NOTHING", {ByteView(key), column(index)}));
  return {};
}

Result<std::uint64_t> stored_size(sql::Db& db) {
  const auto size = HZ_TRY(db.integer("SELECT coalesce((SELECT stored FROM mirror), (SELECT size FROM head), 0)"));
  return static_cast<std::uint64_t>(size.value_or(0));
}

void PlaceSum::add(const PlaceKey& key, std::uint64_t index) {
  std::uint64_t a = 0, b = 0;
  std::memcpy(&a, key.data(), 8);
  std::memcpy(&b, key.data() + 8, 8);
  // Odd multipliers and shifts, so that no two pairs are likely to stand for each other. Against damage, not against
  // somebody who chooses.
  std::uint64_t x = (a ^ (b * 0x9E3779B97F4A7C15U)) + index * 0xD6E8FEB86659FD93U;
  x = (x ^ (x >> 32)) * 0xD6E8FEB86659FD93U;
  sum_ += x ^ (x >> 32);
  ++count_;
}

Result<StoredPlaces> stored_places(sql::Db& db, std::uint64_t end) {
  StoredPlaces out;
  HZ_TRY(db.begin_read());
  const auto read = [&]() -> Result<void> {
    out.size = HZ_TRY(stored_size(db));
    return db.query("SELECT key, idx FROM place", {}, [&](const sql::Row& row) {
      const auto index = static_cast<std::uint64_t>(row.integer(1));
      // A key of another length counts too, as zeros: the sums will differ.
      if (index < end) out.sum.add(place_key(row.blob(0)).value_or(PlaceKey{}), index);
      return true;
    });
  }();
  db.end_read();
  HZ_TRY(read);
  return out;
}

}  // namespace hz::log
