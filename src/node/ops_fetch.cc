// Released bytes from other members, and what was given to them. Here and not in share/, which is below net/.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "alliance/body.h"
#include "blob/stream.h"
#include "node/dial.h"
#include "node/fetch.h"
#include "node/fetched.h"
#include "node/ops.h"
#include "node/reasons.h"
#include "node/served.h"
#include "share/reasons.h"
#include "statement/ids.h"

namespace hz::node {
namespace {

struct FetchIn {
  std::string release;
  std::optional<std::string> from, out;
  std::int64_t patience_ms = 30'000;
  static constexpr auto fields() {
    return rows(row("release", &FetchIn::release, "SHA-256 of the bytes, or a name that only one release for us has"),
                row("from", &FetchIn::from, "ask this member's node only; all that may have them when absent"),
                row("out", &FetchIn::out, "also write the bytes to this file"),
                row("patience_ms", &FetchIn::patience_ms,
                    "how long a node may take for one piece of 256 KiB to 8 MiB; 30000 when absent", or_default));
  }
};
struct FetchOut {
  std::string sha256, name;
  std::int64_t size_bytes = 0;
  bool was_here = false;
  std::int64_t resumed_at = 0;
  std::string releaser;
  std::vector<std::string> from;
  std::vector<FetchFault> faults;
  static constexpr auto fields() {
    return rows(row("sha256", &FetchOut::sha256, "SHA-256 of the bytes, hex"),
                row("name", &FetchOut::name, "name shown to people"),
                row("size_bytes", &FetchOut::size_bytes, "number of bytes"),
                row("was_here", &FetchOut::was_here, "nothing had to be fetched"),
                row("resumed_at", &FetchOut::resumed_at, "bytes that an earlier fetch had left"),
                row("releaser", &FetchOut::releaser, "member under whose release they came"),
                row("from", &FetchOut::from, "nodes that gave bytes, in order"),
                row("faults", &FetchOut::faults, "what was wrong with those that did not"));
  }
};

// The releases of one digest that this member may have.
Result<Want> find(alliance::Member& member, const std::string& asked, std::int64_t now_ms) {
  sql::Db& views = *HZ_TRY(member.views());
  const auto known = HZ_TRY(share::KnownReleases::read(views));
  const auto facts = HZ_TRY(alliance::membership_facts(views));
  const bool by_digest = statement::is_sha256(asked);
  Want out;
  std::string denials;
  for (const share::KnownRelease& one : known.all()) {
    if ((by_digest ? one.release.sha256 : one.release.name) != asked) continue;
    const share::Verdict verdict = share::gate({.release = one.release,
                                                .releaser = one.member,
                                                .lineage = known.lineage(one.release),
                                                .reader = member.id(),
                                                .facts = facts,
                                                .now_ms = now_ms});
    if (!verdict.allowed()) {
      denials += fmt::format("; {}: {}", one.member, share::denials_text(verdict));
      continue;
    }
    if (!out.releases.empty() && out.releases.front().release.sha256 != one.release.sha256)
      return fail(share::why("share.name_ambiguous"), "{}: {} and {}", asked, out.releases.front().release.sha256,
                  one.release.sha256);
    out.releases.push_back(one);
  }
  if (out.releases.empty() && !denials.empty()) return fail(share::why("share.release_gate"), "{}{}", asked, denials);
  if (out.releases.empty()) return fail(share::why("share.no_release"), "{}", asked);
  out.digest = HZ_TRY(parse_digest(out.releases.front().release.sha256));
  return out;
}

// Releasers first: they have the bytes. Then every other member that can be called.
Result<std::vector<Holder>> holders(alliance::Member& member, Dialer& dialer, const Want& want,
                                    const std::optional<std::string>& only, std::vector<FetchFault>& faults) {
  const std::vector<Contact> known = HZ_TRY(contacts(member));
  std::vector<Holder> out;
  const Connect connect = dialer.connect();
  for (const bool releasers : {true, false})
    for (const Contact& contact : known) {
      const bool releases =
          std::ranges::find(want.releases, contact.origin, &share::KnownRelease::member) != want.releases.end();
      if (releases != releasers || (only ? contact.origin != *only : contact.state != "member")) continue;
      auto exchange =
          contact.address.url.empty() ? fail(why("node.no_address"), "{}", contact.origin) : connect(contact);
      if (exchange)
        out.push_back({contact.origin, *std::move(exchange)});
      else
        faults.push_back({contact.origin, exchange.error().text()});
    }
  if (only && out.empty() && faults.empty()) return fail(why("node.no_address"), "{}", *only);
  return out;
}

// The stored bytes as a file of the caller's: whole or not there. Read from first to last, so they are checked again.
Result<void> write_out(const blob::Store& store, const Digest& digest, const fs::path& file) {
  const auto source = HZ_TRY(blob::open_source(store, digest));
  const fs::path next = file.string() + ".part";
  const Fd fd(::open(next.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  const auto refuse = [&](std::string_view step) {
    const int error = errno;
    ::unlink(next.c_str());
    return fail(hz::why("base.write"), "{}: {}: {}", next.string(), step, std::strerror(error));
  };
  if (!fd) return refuse("open");
  Bytes piece(1u << 20);
  for (std::uint64_t at = 0; at < source->size();) {
    const std::span<std::uint8_t> now(
        piece.data(), static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), source->size() - at)));
    if (const auto read = source->read(at, now); !read) {
      ::unlink(next.c_str());
      return read;
    }
    for (std::size_t done = 0; done < now.size();) {
      const auto n = ::write(fd.get(), now.data() + done, now.size() - done);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return refuse("write");
      done += static_cast<std::size_t>(n);
    }
    at += now.size();
  }
  if (::fsync(fd.get()) != 0) return refuse("fsync");
  if (::rename(next.c_str(), file.c_str()) != 0) return refuse("rename");
  return {};
}

Result<FetchOut> bring(api::Ctx& ctx, const FetchIn& in, std::stop_token stop) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const Want want = HZ_TRY(find(member, in.release, ctx.clock().now_ms()));
  const share::Release& release = want.releases.front().release;
  FetchOut out;
  out.sha256 = release.sha256;
  out.name = release.name;
  out.size_bytes = release.size_bytes;
  blob::Store& store = member.blobs();
  out.was_here = store.has(want.digest);
  if (!out.was_here) {
    const int patience_ms = static_cast<int>(std::clamp<std::int64_t>(in.patience_ms, 100, 3'600'000));
    Dialer dialer = HZ_TRY(Dialer::of(
        member, std::move(stop), {.total_ms_max = patience_ms, .response_bytes_max = piece_bytes_max + (64u << 10)}));
    const auto asked = HZ_TRY(holders(member, dialer, want, in.from, out.faults));
    auto partial = HZ_TRY(blob::Partial::open(store, want.digest));
    Fetched got = HZ_TRY(fetch(partial, want, asked, ctx.progress(), out.faults));
    // The record first: bytes that are here without it are given to nobody.
    if (!got.releaser.empty()) HZ_TRY(keep_origin(ctx.home, want.digest, got.releaser));
    HZ_TRY(partial.publish());
    out.releaser = got.releaser;
    out.from = std::move(got.from);
    out.resumed_at = got.resumed_at;
    for (const share::KnownRelease& one : want.releases)
      if (one.member == got.releaser) out.size_bytes = one.release.size_bytes;
  }
  if (in.out) HZ_TRY(write_out(store, want.digest, *in.out));
  return out;
}
Result<FetchOut> share_fetch(api::Ctx& ctx, const FetchIn& in) { return bring(ctx, in, {}); }

std::string text(const FetchOut& out, const api::Style& style) {
  std::string from;
  for (const std::string& origin : out.from) from += (from.empty() ? "" : ", then ") + origin;
  std::string how = out.was_here ? "was here already" : from.empty() ? "nothing was missing" : "from " + from;
  if (out.resumed_at > 0) how += fmt::format(", resumed at byte {}", out.resumed_at);
  std::string text = fmt::format("{} {} ({} bytes, {})\n  sha256 {}, verified\n", style.green("fetched"), out.name,
                                 out.size_bytes, how, out.sha256);
  for (const FetchFault& fault : out.faults)
    text += fmt::format("  {} {}: {}\n", style.yellow("not from"), fault.holder, fault.fault);
  return text;
}

struct Served {
  static constexpr auto fields() { return rows(); }
};
struct ServedOut {
  std::vector<ServedRow> answers;
  static constexpr auto fields() {
    return rows(row("answers", &ServedOut::answers, "distinct answers to other members, oldest first"));
  }
};
Result<ServedOut> served(api::Ctx& ctx, const Served&) {
  HZ_TRY(ctx.member());
  return ServedOut{ServedLog::read(ctx.home / "served.jsonl")};
}
std::string text(const ServedOut& out, const api::Style& style) {
  if (out.answers.empty()) return "no member has asked this node for bytes that are here\n";
  std::vector<std::vector<std::string>> cells{{"first time", "member", "sha256", "given", "why not"}};
  for (const ServedRow& row : out.answers) {
    std::string reasons;
    for (const std::string& reason : row.reasons) reasons += (reasons.empty() ? "" : "; ") + reason;
    cells.push_back({utc_text(row.at_ms), row.reader, row.sha256.substr(0, 12),
                     row.given ? style.green("yes") : style.red("no"), reasons});
  }
  return api::table(cells, style);
}

}  // namespace

Result<void> fetch_released(api::Ctx& ctx, const std::string& sha256, std::stop_token stop) {
  HZ_TRY(bring(ctx, {.release = sha256, .from = {}, .out = {}}, std::move(stop)));
  return {};
}

std::span<const api::Op> fetch_ops() {
  static const api::Op table[] = {
      api::op<&share_fetch>(
          {.id = "share.fetch",
           .http = "POST /v1/share/fetch",
           .cli = "share fetch <release>",
           .may = api::May::reader,
           .fails = {"share.no_release", "share.name_ambiguous", "share.release_gate", "node.no_address",
                     "node.fetch_failed", "blob.busy"},
           .doc = "Bring the bytes of a release here from whoever holds them, and check them.",
           .example = "hezong share fetch glyph --out glyph.onnx",
           .more =
               "Asks the releasing member's node first, then every other member's; goes on at the next one when a "
               "node is away, slow or lies, and where an earlier fetch ended. The bytes are visible only when their "
               "SHA-256 is right. From then on this member's node gives them to others whom the release allows.",
           .local = true}),
      api::op<&served>({.id = "share.served",
                        .http = "GET /v1/share/served",
                        .cli = "share served",
                        .may = api::May::reader,
                        .doc = "Which members got which bytes from this node, and which were refused and why.",
                        .example = "hezong share served"}),
  };
  return table;
}

}  // namespace hz::node
