// The statements of this pillar. One statement per evidence source (docs/decisions/0030): a file, or one entry of a
// package database.
#pragma once
#include <span>

#include "statement/kind.h"
#include "supply/facts.h"

namespace hz::supply {

// Where facts come from. `scope` is the name of the scan (the folder's name, or `host`), `path` is relative to its
// root; a system file keeps its absolute path.
struct Source {
  std::string scope;
  std::string path;
  std::string kind;    // model elf dpkg npm_lock npm_package cyclonedx config backends host manifest
  std::string digest;  // SHA-256 of the bytes read, hex
  static constexpr auto fields() {
    return rows(row("scope", &Source::scope, "name of the scan"),
                row("path", &Source::path, "file, relative to the scan"), row("kind", &Source::kind, "how it was read"),
                row("digest", &Source::digest, "SHA-256 of the bytes, hex"));
  }
};

// The facts of one source, cut into parts of at most 30 KiB. Part 1 replaces whatever the same (scope, kind, path)
// said.
struct Observation {
  Source source;
  std::int64_t observed_ms = 0;
  std::string facts;  // SHA-256 over the facts of all parts, hex: a rescan that finds the same says nothing new
  std::int64_t part = 1;
  std::int64_t parts = 1;
  std::vector<NodeFact> nodes;
  std::vector<EdgeFact> edges;
  std::vector<ModelOp> model_ops;
  std::vector<UnknownFact> unknowns;
  static constexpr std::string_view kind = "supply.observation";
  static constexpr auto fields() {
    return rows(row("source", &Observation::source, "the evidence"),
                row("observed_ms", &Observation::observed_ms, "when it was read"),
                row("facts", &Observation::facts, "digest of the facts of all parts"),
                row("part", &Observation::part, "1 to parts"),
                row("parts", &Observation::parts, "how many parts there are"),
                row("nodes", &Observation::nodes, "components"), row("edges", &Observation::edges, "needs"),
                row("model_ops", &Observation::model_ops, "operators of the model"),
                row("unknowns", &Observation::unknowns, "what the source leaves open"));
  }
};

// A service the product talks to, with the place that configures it.
struct ServiceUse {
  std::string host;
  std::string role;
  std::optional<std::string> config;  // file that names the host, relative to the manifest
  std::optional<std::string> key;     // the key in it
  static constexpr auto fields() {
    return rows(row("host", &ServiceUse::host, "host name"), row("role", &ServiceUse::role, "what it is used for"),
                row("config", &ServiceUse::config, "file that names it"),
                row("key", &ServiceUse::key, "key in that file"));
  }
};

// One AI product as its manifest declares it; the requirement is lowered to nodes and edges.
struct Product {
  Source source;
  std::int64_t observed_ms = 0;
  std::string facts;
  std::string id;
  std::string name;
  std::string area;
  std::string summary;
  std::string incumbent;  // backend id that serves it today
  std::string model_file;
  std::string model_sha256;
  std::string licence;
  std::string golden_file;
  std::string golden_sha256;
  std::int64_t quality_min_milli = 0;
  std::int64_t outage_max_s = 0;
  std::int64_t quality_drop_max_milli = 0;
  std::vector<ServiceUse> services;
  std::vector<NodeFact> nodes;
  std::vector<EdgeFact> edges;
  static constexpr std::string_view kind = "supply.product";
  static constexpr auto fields() {
    return rows(
        row("source", &Product::source, "the manifest"), row("observed_ms", &Product::observed_ms, "when it was read"),
        row("facts", &Product::facts, "digest of everything below"), row("id", &Product::id, "product id"),
        row("name", &Product::name, "name shown to people"),
        row("area", &Product::area, "vision, speech, language ..."), row("summary", &Product::summary, "one sentence"),
        row("incumbent", &Product::incumbent, "backend that serves it today"),
        row("model_file", &Product::model_file, "model, relative to the scan"),
        row("model_sha256", &Product::model_sha256, "digest of the model"),
        row("licence", &Product::licence, "SPDX expression of the model's licence"),
        row("golden_file", &Product::golden_file, "golden set, relative to the scan"),
        row("golden_sha256", &Product::golden_sha256, "digest of the golden set"),
        row("quality_min_milli", &Product::quality_min_milli, "least quality on the golden set, thousandths"),
        row("outage_max_s", &Product::outage_max_s, "longest tolerable outage"),
        row("quality_drop_max_milli", &Product::quality_drop_max_milli, "largest tolerable quality drop, thousandths"),
        row("services", &Product::services, "services it talks to"),
        row("nodes", &Product::nodes, "requirement: nodes"), row("edges", &Product::edges, "requirement: needs"));
  }
};

struct Entity {
  std::string id;
  std::string name;
  std::string jurisdiction;        // ISO 3166-1 alpha-2, or unknown
  std::optional<std::string> lei;  // ISO 17442
  std::string source;              // where the fact can be checked
  static constexpr auto fields() {
    return rows(row("id", &Entity::id, "short id"), row("name", &Entity::name, "legal name"),
                row("jurisdiction", &Entity::jurisdiction, "ISO 3166-1 alpha-2, or unknown"),
                row("lei", &Entity::lei, "legal entity identifier"), row("source", &Entity::source, "where to check"));
  }
};
struct Owner {
  std::string entity;
  std::string owner;
  std::int64_t share_bp = 0;  // ten-thousandths
  std::string source;
  static constexpr auto fields() {
    return rows(row("entity", &Owner::entity, "owned"), row("owner", &Owner::owner, "owning"),
                row("share_bp", &Owner::share_bp, "share in ten-thousandths"),
                row("source", &Owner::source, "where to check"));
  }
};
struct Attribution {
  std::string match;  // component id without version; `*` stands for any text
  std::string entity;
  std::string source;
  static constexpr auto fields() {
    return rows(row("match", &Attribution::match, "component id without version, * for any text"),
                row("entity", &Attribution::entity, "who controls it"),
                row("source", &Attribution::source, "where to check"));
  }
};

// A member-local list: legal entities, who owns them, and which components they control. A newer list with the same id
// replaces it.
struct EntityList {
  std::string list;
  std::string as_of;  // date, YYYY-MM-DD
  std::string note;
  std::string digest;  // SHA-256 of the file, hex
  std::int64_t part = 1;
  std::int64_t parts = 1;
  std::vector<Entity> entities;
  std::vector<Owner> owners;
  std::vector<Attribution> attributions;
  static constexpr std::string_view kind = "supply.entity_list";
  static constexpr auto fields() {
    return rows(row("list", &EntityList::list, "list id"), row("as_of", &EntityList::as_of, "date of the facts"),
                row("note", &EntityList::note, "what the list covers"),
                row("digest", &EntityList::digest, "SHA-256 of the file"), row("part", &EntityList::part, "1 to parts"),
                row("parts", &EntityList::parts, "how many parts there are"),
                row("entities", &EntityList::entities, "legal entities"),
                row("owners", &EntityList::owners, "who owns whom"),
                row("attributions", &EntityList::attributions, "who controls which component"));
  }
};

// A source that an earlier scan of the same scope read is not there any more: its facts no longer hold.
struct Gone {
  std::string scope;
  std::string path;
  std::string source_kind;
  std::int64_t observed_ms = 0;
  static constexpr std::string_view kind = "supply.gone";
  static constexpr auto fields() {
    return rows(row("scope", &Gone::scope, "name of the scan"), row("path", &Gone::path, "file"),
                row("source_kind", &Gone::source_kind, "how it had been read"),
                row("observed_ms", &Gone::observed_ms, "when it was found missing"));
  }
};

std::span<const statement::Kind> kinds();
// Tables and public views, for node/.
std::string_view view_schema();

}  // namespace hz::supply
