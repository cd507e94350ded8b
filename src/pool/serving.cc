#include "pool/serving.h"

#include <arpa/inet.h>

#include <algorithm>

#include "base/json.h"
#include "pool/api_key.h"
#include "pool/claim_folder.h"
#include "pool/reasons.h"
#include "pool/rules.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

bool is_address(const std::string& text) {
  unsigned char scrap[16];
  return ::inet_pton(AF_INET, text.c_str(), scrap) == 1 || ::inet_pton(AF_INET6, text.c_str(), scrap) == 1;
}

bool is_model(std::string_view text) {
  return !text.empty() && text.size() <= 200 && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

Result<Serving> read_serving(std::string_view text) {
  const json::Value value = HZ_TRY(json::parse(text, {.size_bytes_max = serving_bytes_max, .depth_max = 8}));
  Serving out;
  const auto take = [&](std::string_view name) { return std::string(value.text(name)); };
  out.claim = take("claim");
  out.product = take("product");
  out.site = take("site");
  out.backend = take("backend");
  out.address = take("address");
  out.model = take("model");
  out.sha256 = take("sha256");
  out.evidence = take("evidence");
  out.lease = take("lease");
  out.secret = take("secret");
  out.pin = take("pin");
  const json::Value* port = value.find("port");
  const std::int64_t* number = port ? port->integer() : nullptr;
  const auto refuse = [&](std::string_view what) { return fail(why("pool.serving"), "{}: {}", out.claim, what); };
  if (!is_claim_id(out.claim)) return fail(why("pool.serving"), "claim");
  if (!statement::is_id_of("product", out.product)) return refuse("product");
  if (!statement::is_id_of("site", out.site)) return refuse("site");
  if (!statement::is_id_of("backend", out.backend)) return refuse("backend");
  // A NUL inside would hide what follows it from inet_pton.
  if (out.address.size() > 45 || out.address.find('\0') != std::string::npos || !is_address(out.address))
    return refuse("address");
  if (!number || *number < 1 || *number > 65535) return refuse("port");
  out.port = static_cast<std::uint16_t>(*number);
  if (!is_model(out.model)) return refuse("model");
  if (!out.sha256.empty() && !statement::is_sha256(out.sha256)) return refuse("sha256");
  if (!out.evidence.empty() && !statement::is_sha256(out.evidence)) return refuse("evidence");
  if (!out.lease.empty() && !is_claim_id(out.lease)) return refuse("lease");
  if (out.lease.empty() ? !out.secret.empty() : !key_id_of(out.secret)) return refuse("secret");
  if (!out.pin.empty() && !statement::is_sha256(out.pin)) return refuse("pin");
  return out;
}

Result<void> drop_serving_file(const fs::path& folder, const std::string& claim) {
  const fs::path path = folder / (claim + ".json");
  std::error_code error;
  fs::remove(path, error);
  if (error) return fail(hz::why("base.write"), "{}: {}", path.string(), error.message());
  return {};
}

Result<void> keep_leased_file(const fs::path& folder, const Serving& s) {
  json::Value value;
  value.set("claim", s.claim).set("product", s.product).set("site", s.site).set("backend", s.backend);
  value.set("address", s.address).set("port", static_cast<std::int64_t>(s.port)).set("model", s.model);
  value.set("sha256", s.sha256).set("evidence", s.evidence);
  value.set("lease", s.lease).set("secret", s.secret).set("pin", s.pin);
  const std::string text = json::pretty(value) + "\n";
  const fs::path path = folder / (s.claim + ".json");
  if (const auto there = read_text(path, serving_bytes_max); there && *there == text) return {};
  std::error_code error;
  fs::create_directories(folder, error);
  return write_file_durably(path, as_bytes(text), 0600);
}

Result<void> keep_serving_file(const fs::path& folder, const ServerJob& job, const Observed& observed) {
  const fs::path path = folder / (job.claim + ".json");
  std::error_code error;
  if (observed.state != JobState::ready) return drop_serving_file(folder, job.claim);
  json::Value value;
  value.set("claim", job.claim).set("product", job.product).set("site", job.site).set("backend", job.backend);
  value.set("address", observed.address).set("port", observed.port).set("model", observed.model);
  value.set("sha256", observed.sha256).set("evidence", job.evidence);
  const std::string text = json::pretty(value) + "\n";
  if (const auto there = read_text(path, serving_bytes_max); there && *there == text) return {};
  fs::create_directories(folder, error);
  return replace_file(path, text);
}

ServingFolder read_serving_folder(const fs::path& folder) {
  ServingFolder out;
  std::error_code error;
  std::vector<fs::path> files;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    if (it->path().extension() == ".json") files.push_back(it->path());
  std::ranges::sort(files);
  if (files.size() > servings_max) {
    out.faults.push_back(Error{&why("pool.serving"), fmt::format("{} files, at most {}", files.size(), servings_max)});
    files.resize(servings_max);
  }
  for (const fs::path& file : files) {
    const auto text = read_text(file, serving_bytes_max);
    if (!text) {
      // Gone since the folder was read: its server has ended.
      if (fs::exists(file, error)) out.faults.push_back(text.error());
      continue;
    }
    auto serving = read_serving(*text);
    if (serving && serving->claim != file.stem().string())
      serving = fail(why("pool.serving"), "{} names claim {}", file.filename().string(), serving->claim);
    if (serving)
      out.servers.push_back(*std::move(serving));
    else
      out.faults.push_back(std::move(serving).error());
  }
  return out;
}

}  // namespace hz::pool
