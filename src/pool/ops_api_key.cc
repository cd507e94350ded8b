// Operations on API keys: who may call which product through the gateway.
#include <fcntl.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "pool/api_key.h"
#include "pool/gate_table.h"
#include "pool/kinds.h"
#include "pool/ops.h"
#include "pool/reasons.h"
#include "pool/rules.h"

namespace hz::pool {
namespace {

struct KeyAdd {
  std::string name;
  std::vector<std::string> product;
  std::int64_t requests_per_minute = 0, units_per_minute = 0, expires_days = 0;
  std::optional<std::string> out;
  std::string member;
  static constexpr auto fields() {
    return rows(
        row("name", &KeyAdd::name, "name shown to people; whoever mirrors the log reads it"),
        row("product", &KeyAdd::product, "product:<id> the key may call"),
        row("requests_per_minute", &KeyAdd::requests_per_minute, "0: no limit", or_default),
        row("units_per_minute", &KeyAdd::units_per_minute, "tokens of text products, inferences of others; 0: no limit",
            or_default),
        row("expires_days", &KeyAdd::expires_days, "days the key is good for; 0: without end", or_default),
        row("out", &KeyAdd::out, "write the secret to this new file, mode 0600, instead of printing it"),
        row("member", &KeyAdd::member, "member that is billed for what it uses: `hezong meter bill`", or_default));
  }
};
struct KeyAdded {
  ApiKey key;
  std::optional<std::string> secret, file;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("key", &KeyAdded::key, "what was signed"),
                row("secret", &KeyAdded::secret, "what the caller sends; it is kept nowhere and never shown again"),
                row("file", &KeyAdded::file, "where the secret was written"),
                row("receipt", &KeyAdded::receipt, "where it stands"));
  }
};

// A file nobody else could have prepared: it must not exist.
Result<void> write_secret(const fs::path& path, std::string_view secret) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return fail(why("pool.key_file"), "{}: {}", path.string(), std::strerror(errno));
  const std::string line = std::string(secret) + "\n";
  if (::write(fd.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()) && ::fsync(fd.get()) == 0)
    return {};
  const int saved = errno;
  ::unlink(path.c_str());
  return fail(why("pool.key_file"), "{}: {}", path.string(), std::strerror(saved));
}

Result<KeyAdded> key_add(api::Ctx& ctx, const KeyAdd& in) {
  constexpr std::int64_t day_ms = 86'400'000, days_max = 36'500;
  if (in.expires_days < 0 || in.expires_days > days_max)
    return fail(why("pool.quota"), "{} days, 0 to {}", in.expires_days, days_max);
  alliance::Member& member = *HZ_TRY(ctx.member());
  const NewKey made = new_key(*ctx.seams.rng);
  ApiKey key{made.id,
             in.name,
             hex(secret_hash(made.secret)),
             in.product,
             in.requests_per_minute,
             in.units_per_minute,
             in.expires_days ? ctx.clock().now_ms() + in.expires_days * day_ms : 0,
             in.member};
  HZ_TRY(check(key));
  // The secret first: a key whose secret got lost would be of no use, and a file without its key does no harm.
  if (in.out && !ctx.dry_run) HZ_TRY(write_secret(*in.out, made.secret));
  auto receipt = member.append(alliance::draft(key));
  if (!receipt) {
    if (in.out && !ctx.dry_run) ::unlink(in.out->c_str());
    return std::unexpected(std::move(receipt).error());
  }
  KeyAdded out{std::move(key), {}, in.out, *std::move(receipt)};
  if (!in.out) out.secret = made.secret;
  return out;
}

std::string text(const KeyAdded& out, const api::Style& style) {
  std::string where = out.file ? fmt::format("secret in {}", *out.file)
                               : fmt::format("secret {}\n  shown this once; send it as `Authorization: Bearer SECRET`",
                                             out.secret.value_or(""));
  return fmt::format("{} key {} ({}) for {}\n{}\nstatement {}\n", style.green("added"), out.key.key, out.key.name,
                     fmt::join(out.key.products, ", "), where, out.receipt.id);
}

struct KeyList {
  static constexpr auto fields() { return rows(); }
};
struct KeyRow {
  ApiKey key;
  bool revoked = false;
  std::string statement;
  static constexpr auto fields() {
    return rows(row("key", &KeyRow::key, "what was signed"), row("revoked", &KeyRow::revoked, "it is good for nothing"),
                row("statement", &KeyRow::statement, "statement id, hex"));
  }
};
struct KeysOut {
  std::vector<KeyRow> keys;
  std::int64_t now_ms = 0;
  alliance::Frontier frontier;
  static constexpr auto fields() {
    return rows(row("keys", &KeysOut::keys, "by id"), row("now_ms", &KeysOut::now_ms, "time of this list"),
                row("frontier", &KeysOut::frontier, "as of"));
  }
};

Result<KeysOut> key_list(api::Ctx& ctx, const KeyList&) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const GateTable now = HZ_TRY(read_gate_table(*HZ_TRY(member.views()), member.id()));
  KeysOut out{{}, ctx.clock().now_ms(), member.frontier()};
  for (const auto& [id, known] : now.keys) out.keys.push_back({known.key, known.revoked, known.statement});
  return out;
}

std::string text(const KeysOut& out, const api::Style& style) {
  if (out.keys.empty()) return "there is no API key\nas of frontier " + out.frontier.digest + "\n";
  std::vector<std::vector<std::string>> cells{{"key", "name", "products", "requests/min", "units/min", "state"}};
  const auto limit = [](std::int64_t n) { return n ? std::to_string(n) : std::string("no limit"); };
  for (const KeyRow& one : out.keys) {
    const ApiKey& k = one.key;
    const bool expired = k.expires_ms && k.expires_ms <= out.now_ms;
    cells.push_back({k.key, k.name, fmt::format("{}", fmt::join(k.products, " ")), limit(k.requests_per_minute),
                     limit(k.units_per_minute),
                     one.revoked    ? "revoked"
                     : expired      ? "expired"
                     : k.expires_ms ? "until " + utc_text(k.expires_ms)
                                    : "good"});
  }
  return fmt::format("{}as of frontier {}\n", api::table(cells, style), out.frontier.digest);
}

struct KeyRevoke {
  std::string key;
  static constexpr auto fields() { return rows(row("key", &KeyRevoke::key, "id of the key")); }
};
struct KeyRevokedOut {
  std::string key;
  alliance::Receipt receipt;
  static constexpr auto fields() {
    return rows(row("key", &KeyRevokedOut::key, "id of the key"),
                row("receipt", &KeyRevokedOut::receipt, "where it stands"));
  }
};

Result<KeyRevokedOut> key_revoke(api::Ctx& ctx, const KeyRevoke& in) {
  alliance::Member& member = *HZ_TRY(ctx.member());
  const GateTable now = HZ_TRY(read_gate_table(*HZ_TRY(member.views()), member.id()));
  if (!now.keys.contains(in.key)) return fail(why("pool.no_key"), "\"{}\"", in.key);
  const ApiKeyRevoked revoked{in.key};
  return KeyRevokedOut{in.key, HZ_TRY(member.append(alliance::draft(revoked)))};
}

std::string text(const KeyRevokedOut& out, const api::Style& style) {
  return fmt::format("{} key {}: a running node refuses it within a second\nstatement {}\n", style.green("revoked"),
                     out.key, out.receipt.id);
}

}  // namespace

std::span<const api::Op> api_key_ops() {
  static const api::Op table[] = {
      api::op<&key_add>({.id = "pool.key_add",
                         .http = "POST /v1/pool/keys",
                         .cli = "pool key add <name>",
                         .may = api::May::author,
                         .emits = {"pool.api_key"},
                         .fails = {"pool.key_name", "pool.product_id", "pool.quota", "pool.key_file"},
                         .doc = "Make an API key that may call products through this member's gateway.",
                         .example = "hezong pool key add shop --product product:glyph --requests-per-minute 600 --out "
                                    "shop.key",
                         .more =
                             "The secret is made here, shown or written once, and kept nowhere: the statement holds "
                             "its SHA-256. The name stands in the log, which other members mirror; use one that "
                             "tells them nothing.",
                         .local = true}),
      api::op<&key_list>({.id = "pool.key_list",
                          .http = "GET /v1/pool/keys",
                          .cli = "pool key list",
                          .may = api::May::reader,
                          .doc = "Show the API keys, without secrets.",
                          .example = "hezong pool key list"}),
      api::op<&key_revoke>({.id = "pool.key_revoke",
                            .http = "POST /v1/pool/keys/revoke",
                            .cli = "pool key revoke <key>",
                            .may = api::May::author,
                            .emits = {"pool.api_key_revoked"},
                            .fails = {"pool.no_key"},
                            .doc = "End an API key, for ever.",
                            .example = "hezong pool key revoke 0123456789abcdef"}),
  };
  return table;
}

}  // namespace hz::pool
