#include "alliance/authority.h"
#include "alliance/keys.h"
#include "log/store.h"
#include "node/ops.h"
#include "sql/db.h"

namespace hz::node {
namespace {

struct Init {
  std::string name;
  std::optional<std::string> origin;
  std::optional<std::int64_t> root_keys, root_threshold;
  static constexpr auto fields() {
    return rows(row("name", &Init::name, "the member's name, shown to people"),
                row("root_keys", &Init::root_keys, "number of root keys to make (1)"),
                row("root_threshold", &Init::root_threshold, "root signatures that change keys (1)"),
                row("origin", &Init::origin, "name of its log, a URL prefix without scheme (member.example/<name>)"));
  }
};
struct Inited {
  std::string member, name, home, root_fingerprint, log_key;
  std::int64_t root_keys = 1;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("member", &Inited::member, "member id"), row("name", &Inited::name, "name"),
                row("home", &Inited::home, "folder of keys, log and store"),
                row("root_fingerprint", &Inited::root_fingerprint, "SHA-256 of the root verifier key"),
                row("log_key", &Inited::log_key, "verifier key of the log"),
                row("root_keys", &Inited::root_keys, "root keys made"), row("frontier", &Inited::frontier, "as of"));
  }
};

std::string default_origin(std::string_view name) {
  std::string out = "member.example/";
  for (const char c : name) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    const bool kept = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
    if (kept)
      out += lower;
    else if (out.back() != '-' && out.back() != '/')
      out += '-';
  }
  while (out.back() == '-' || out.back() == '/') out.pop_back();
  return out;
}

Result<Inited> init(api::Ctx& ctx, const Init& in) {
  const std::string origin = in.origin ? *in.origin : default_origin(in.name);
  auto member = HZ_TRY(alliance::Member::create(
      ctx.home, {in.name, origin, in.root_keys.value_or(1), in.root_threshold.value_or(1)}, ctx.mounted, ctx.seams));
  const alliance::Authority& a = member.authority();
  return Inited{member.id(),       in.name,
                ctx.home.string(), alliance::root_fingerprint(a.genesis),
                a.genesis.log_key, static_cast<std::int64_t>(a.genesis.roots.size()),
                member.frontier()};
}
std::string text(const Inited& out, const api::Style& style) {
  return fmt::format(
      "{} {} ({})\n  home       {}\n  log key    {}\n  root key   {}\n"
      "Move {}/keys/root{} to an offline place: it is needed again only to replace other keys.\n"
      "Next: hezong exposure scan DIR\n",
      style.green("created"), out.member, out.name, out.home, out.log_key, out.root_fingerprint, out.home,
      out.root_keys > 1 ? "*" : "");
}

struct Rebuild {
  static constexpr auto fields() { return rows(); }
};
struct Rebuilt {
  std::string digest, own_digest;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("digest", &Rebuilt::digest,
                    "SHA-256 over every row of every view table without sealed bodies, hex: equal at every member"),
                row("own_digest", &Rebuilt::own_digest, "the same with the bodies that this member can open"),
                row("frontier", &Rebuilt::frontier, "as of"));
  }
};
Result<Rebuilt> rebuild(api::Ctx& ctx, const Rebuild&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  auto digests = HZ_TRY(member.rebuild_views());
  return Rebuilt{std::move(digests.shared), std::move(digests.own), member.frontier()};
}
std::string text(const Rebuilt& out, const api::Style&) {
  return fmt::format("views rebuilt: digest {}\nfrontier {}\n", out.digest, out.frontier.digest);
}

}  // namespace

std::span<const api::Op> member_ops() {
  static const api::Op table[] = {
      api::op<&init>({.id = "member.init",
                      .http = "POST /v1/member",
                      .cli = "init",
                      .may = api::May::anyone,
                      .fails = {"alliance.exists", "alliance.name", "alliance.origin", "alliance.root_keys"},
                      .doc = "Create this node's member: keys, log and store.",
                      .example = "hezong init --name \"Acme Robotics\" --origin hezong.example/acme",
                      .more = "The folder is --home, else HEZONG_HOME, else hezong under the XDG state folder. An "
                              "interrupted creation is finished by running the same command again.",
                      .local = true}),
      api::op<&rebuild>({.id = "views.rebuild",
                         .http = "POST /v1/views/rebuild",
                         .cli = "views rebuild",
                         .may = api::May::reader,
                         .doc = "Throw the views away and replay every statement; equal frontiers give equal digests.",
                         .example = "hezong views rebuild"}),
  };
  return table;
}

}  // namespace hz::node
