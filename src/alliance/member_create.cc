// A member begins: folders, keys, an empty log, the genesis statement.
#include <algorithm>

#include "alliance/box_key.h"
#include "alliance/keys.h"
#include "alliance/member_state.h"
#include "alliance/reasons.h"
#include "base/folders.h"
#include "crypto/hash.h"

namespace hz::alliance {
namespace {

Result<void> check_options(const CreateOptions& options) {
  if (!log::valid_origin(options.origin) || options.origin.find("://") != std::string::npos)
    return fail(why("alliance.origin"), "\"{}\"", options.origin);
  const bool control = std::any_of(options.name.begin(), options.name.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (options.name.empty() || options.name.size() > 200 || control || !valid_utf8(options.name))
    return fail(why("alliance.name"), "{} bytes", options.name.size());
  if (options.root_keys < 1 || options.root_keys > static_cast<std::int64_t>(root_keys_max) ||
      options.root_threshold < 1 ||
      options.root_threshold > std::min<std::int64_t>(options.root_keys, statement::signatures_max))
    return fail(why("alliance.root_keys"), "{} of {}", options.root_threshold, options.root_keys);
  return {};
}

// Puts the genesis statement at index 0.
Result<void> begin_log(log::Log& log, const fs::path& keys, const CreateOptions& options, const Seams& seams) {
  std::vector<statement::NamedSigner> roots;
  std::vector<std::string> root_texts;
  for (std::int64_t i = 1; i <= options.root_keys; ++i) {
    const fs::path path = root_key_path(keys, static_cast<std::size_t>(i));
    roots.push_back(HZ_TRY(load_or_create_key_file(path, options.origin, Role::root, *seams.rng)));
    root_texts.push_back(verifier_text(roots.back().named_key(), Role::root));
  }
  const auto author = HZ_TRY(load_or_create_key(keys, options.origin, Role::author, *seams.rng));
  const auto witness = HZ_TRY(load_or_create_key(keys, options.origin, Role::witness, *seams.rng));
  const auto box = HZ_TRY(load_or_create_box(box_path(keys), *seams.rng));
  const Genesis genesis{.member = options.origin,
                        .name = options.name,
                        .roots = std::move(root_texts),
                        .root_threshold = options.root_threshold,
                        .log_key = log::format_vkey(log.key()),
                        .author_key = verifier_text(author.named_key(), Role::author),
                        .witness_key = verifier_text(witness.named_key(), Role::witness),
                        .box_key = box.recipient().text()};
  const json::Value body = to_json(genesis);
  const statement::Idem idem = idem_of(crypto::sha256(as_bytes("hezong/genesis")));
  const std::string payload = HZ_TRY(statement::build_payload({.kind = Genesis::kind,
                                                               .issuer = options.origin,
                                                               .log = options.origin,
                                                               .role = "root",
                                                               .issued_ms = seams.clock->now_ms(),
                                                               .idem = idem,
                                                               .body = &body}));
  std::vector<const statement::NamedSigner*> signers;
  for (std::int64_t i = 0; i < options.root_threshold; ++i) signers.push_back(&roots[static_cast<std::size_t>(i)]);
  auto made = HZ_TRY(statement::sign(payload, signers));
  HZ_TRY(read_genesis(made.leaf, options.origin));
  const log::Entry entry{std::move(made.leaf), made.id, idem};
  HZ_TRY(log.append({&entry, 1}));
  return {};
}

}  // namespace

Result<Member> Member::create(const fs::path& home, const CreateOptions& options, const Mounted& mounted,
                              const Seams& seams) {
  HZ_TRY(check_options(options));
  const Places places(home);
  {
    const auto there = log::Log::open_reader(places.log);
    if (there && there->head().size > 0)
      return fail(why("alliance.exists"), "{} is in {} with {} statements", there->origin(), home.string(),
                  there->head().size);
    // A database that only its writer can recover is judged below, where the writer opens it.
    if (!there && there.error().reason->slug != "log.missing" && there.error().reason->slug != "sql.open")
      return std::unexpected(there.error());
  }
  HZ_TRY(create_folder_durably(home, 0700));
  HZ_TRY(create_folder_durably(places.keys, 0700));
  HZ_TRY(create_folder_durably(places.mark, 0700));
  HZ_TRY(create_folder_durably(places.blobs, 0700));
  const auto log_signer = HZ_TRY(load_or_create_key(places.keys, options.origin, Role::log, *seams.rng));
  {
    auto log = log::Log::create(places.log, places.mark, options.origin, log_signer.key.duplicate());
    if (!log && log.error().reason->slug == "log.exists")
      log = log::Log::open(places.log, places.mark, log_signer.key.duplicate());
    if (!log) return std::unexpected(std::move(log).error());
    if (log->head().size > 0)
      return fail(why("alliance.exists"), "{} is in {} with {} statements", log->origin(), home.string(),
                  log->head().size);
    HZ_TRY(begin_log(*log, places.keys, options, seams));
  }
  return open(home, mounted, seams);
}

}  // namespace hz::alliance
