#include "pool/chain.h"

#include <algorithm>

#include "alliance/judge.h"
#include "base/fs.h"
#include "sql/db.h"

namespace hz::pool {
namespace {

// The alliance whose closings are judged: by its founder, or the own log without one. A closing is computed as the
// founder sees its heads, so that nobody closes for others by naming heads at which it was alone.
Result<std::string> founder_of(alliance::Member& member) {
  return HZ_TRY(HZ_TRY(member.views())->text("SELECT founder FROM public_alliance_charter")).value_or(member.origin());
}

constexpr std::string_view rules_version = "1";

// A verdict that was reached before under these rules in this alliance: "holds", or "refuted" with what differs.
struct KeptVerdict {
  std::string rules, verdict, detail;
};
std::optional<KeptVerdict> kept_verdict(const fs::path& file, const std::string& rules) {
  const auto text = read_text(file, 4096);
  if (!text) return std::nullopt;
  KeptVerdict out;
  std::size_t at = 0;
  for (std::string* part : {&out.rules, &out.verdict, &out.detail}) {
    const std::size_t end = std::min(text->find('\n', at), text->size());
    *part = text->substr(at, end - at);
    at = std::min(end + 1, text->size());
  }
  if (out.rules != rules || (out.verdict != "holds" && out.verdict != "refuted")) return std::nullopt;
  return out;
}

class ChainReader {
 public:
  ChainReader(alliance::Member& member, const std::string& founder, std::vector<SaidClose> all)
      : member_(member), rules_(fmt::format("{} {}", rules_version, founder)), all_(std::move(all)) {}

  // The chain that the closings of one log make, in their order.
  Result<std::vector<SaidClose>> of_log(const std::string& origin, std::vector<JudgedClose>& others) {
    std::vector<SaidClose> out;
    for (const SaidClose& c : all_) {
      if (c.origin != origin) continue;
      std::vector<SaidClose> before = out;
      // The first closing of a secretariat that took over names one of another log.
      if (out.empty() && !c.said.previous.empty()) before = HZ_TRY(up_to(c.said.previous, 0));
      const JudgedClose judged = HZ_TRY(verdict(before, c));
      if (judged.verdict != "holds") {
        others.push_back(judged);
        continue;
      }
      out = std::move(before);
      out.push_back(c);
    }
    return out;
  }

 private:
  // The chain that ends with this statement, or nothing when one of it does not hold.
  Result<std::vector<SaidClose>> up_to(const std::string& statement, std::size_t depth) {
    const auto found = std::ranges::find(all_, statement, &SaidClose::statement);
    if (found == all_.end() || depth > all_.size()) return std::vector<SaidClose>();
    std::vector<SaidClose> out;
    if (!found->said.previous.empty()) {
      out = HZ_TRY(up_to(found->said.previous, depth + 1));
      if (out.empty()) return out;
    }
    if (HZ_TRY(verdict(out, *found)).verdict != "holds") return std::vector<SaidClose>();
    out.push_back(*found);
    return out;
  }

  Result<JudgedClose> verdict(const std::vector<SaidClose>& before, const SaidClose& c) {
    if (const auto broken = breaks_chain(before.empty() ? nullptr : &before.back(), c))
      return JudgedClose{c, "refuted", *broken};
    const fs::path folder = member_.home() / "closings";
    const fs::path file = folder / c.statement;
    if (auto kept = kept_verdict(file, rules_)) return JudgedClose{c, kept->verdict, kept->detail};
    JudgedClose out = HZ_TRY(judge(member_, before, c));
    if (out.verdict != "waiting") {
      std::error_code ignored;
      fs::create_directories(folder, ignored);
      // Lost or not written: it is computed again.
      const std::string text = fmt::format("{}\n{}\n{}\n", rules_, out.verdict, out.detail);
      (void)write_file_durably(file, as_bytes(text), 0600);
    }
    return out;
  }

  alliance::Member& member_;
  const std::string rules_;
  std::vector<SaidClose> all_;
};

}  // namespace

Result<JudgedClose> judge(alliance::Member& member, const std::vector<SaidClose>& before, SaidClose close,
                          Books* books) {
  JudgedClose out{std::move(close), "holds", ""};
  const Close& said = out.close.said;
  if (auto broken = breaks_chain(before.empty() ? nullptr : &before.back(), out.close)) {
    out.verdict = "refuted";
    out.detail = *std::move(broken);
    return out;
  }
  const auto read = [&](sql::Db& views) -> Result<void> {
    const std::string secretariat = HZ_TRY(secretariat_of(views));
    if (secretariat != out.close.origin) {
      out.verdict = "refuted";
      out.detail = fmt::format("{} is the secretariat at its heads", secretariat.empty() ? "nobody" : secretariat);
      return {};
    }
    Closed again =
        HZ_TRY(compute_close(views, before, said.closing.of, said.closing.frontier, said.step_micro, secretariat));
    if (again.close.closing.result != said.closing.result) {
      out.verdict = "refuted";
      out.detail = fmt::format("the result is {}, not {}", again.close.closing.result, said.closing.result);
    } else if (json::dump(to_json(again.close)) != json::dump(to_json(said))) {
      out.verdict = "refuted";
      out.detail = "its transfers are not those of its result";
    }
    if (books) *books = std::move(again.books);
    return {};
  };
  const Result<void> done = member.views_at(said.closing.frontier, HZ_TRY(founder_of(member)), read);
  if (done) return out;
  if (done.error().reason->slug == "alliance.closing_waiting")
    out.verdict = "waiting";
  else if (done.error().reason->slug == "alliance.other_history")
    out.verdict = "refuted";
  else
    return std::unexpected(done.error());
  out.detail = done.error().detail;
  return out;
}

Result<Chain> read_chain(alliance::Member& member) {
  sql::Db& views = *HZ_TRY(member.views());
  Chain out;
  out.secretariat = HZ_TRY(secretariat_of(views));
  std::vector<SaidClose> all = HZ_TRY(read_closes(views));
  std::set<std::string> origins;
  for (const SaidClose& c : all) origins.insert(c.origin);
  ChainReader reader(member, HZ_TRY(founder_of(member)), std::move(all));
  out.closings = HZ_TRY(reader.of_log(out.secretariat, out.others));
  if (!out.closings.empty()) return out;
  for (const std::string& origin : origins) {
    if (origin == out.secretariat) continue;
    std::vector<JudgedClose> others;
    auto chain = HZ_TRY(reader.of_log(origin, others));
    if (chain.size() > out.closings.size()) out.closings = std::move(chain);
    out.others.insert(out.others.end(), others.begin(), others.end());
  }
  return out;
}

Result<std::vector<alliance::FrontierEntry>> heads_to_close(alliance::Member& member) {
  const auto judged = HZ_TRY(alliance::judge_anew(member));
  auto out = judged.frontier();
  if (out.empty()) {
    const auto all = member.frontier();
    const auto* own = alliance::entry_of(all.logs, member.origin());
    HZ_ASSERT(own != nullptr);
    out.push_back(*own);
  }
  return out;
}

Result<BooksNow> books_now(alliance::Member& member) {
  BooksNow out;
  out.chain = HZ_TRY(read_chain(member));
  sql::Db& views = *HZ_TRY(member.views());
  out.facts = HZ_TRY(read_facts(views, out.chain.secretariat));
  std::vector<PastClosing> past;
  for (const SaidClose& c : out.chain.closings) past.push_back(past_closing(out.facts, c.said));
  out.settled = settle(out.facts, past, Heads(out.facts.logs.size(), never - 1), step_micro_default);
  return out;
}

Result<std::map<std::pair<std::string, std::string>, KnownState>> bill_states(alliance::Member& member) {
  const BooksNow now = HZ_TRY(books_now(member));
  std::map<std::pair<std::string, std::string>, KnownState> out;
  std::size_t at = 0;
  // The order of the facts.
  HZ_TRY(HZ_TRY(member.views())
             ->query("SELECT member, bill FROM pool_bill ORDER BY member, bill", {}, [&](const sql::Row& row) {
               const std::uint32_t when = now.settled.when[at];
               out[{row.text(0), row.text(1)}] = {now.settled.states[at], when < now.chain.closings.size()
                                                                              ? now.chain.closings[when].said.closing.of
                                                                              : ""};
               return ++at < now.settled.states.size();
             }));
  return out;
}

}  // namespace hz::pool
