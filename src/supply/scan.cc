#include "supply/scan.h"

#include <algorithm>

#include "crypto/hash.h"
#include "supply/config_text.h"
#include "supply/cyclonedx.h"
#include "supply/entity_file.h"
#include "supply/host_facts.h"
#include "supply/library_scan.h"
#include "supply/model_file.h"
#include "supply/product_manifest.h"
#include "supply/reasons.h"

namespace hz::supply {

namespace {

constexpr std::size_t text_bytes_max = 1u << 20, json_bytes_max = 256u << 20, blob_bytes_max = 512u << 20;

std::string file_name(std::string_view path) { return std::string(path.substr(path.rfind('/') + 1)); }
std::string folder_of(std::string_view path) {
  const auto slash = path.rfind('/');
  return std::string(slash == std::string_view::npos ? "" : path.substr(0, slash + 1));
}
bool ends_with_any(std::string_view name, std::initializer_list<std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) { return name.ends_with(end); });
}
bool is_config(std::string_view name) {
  return name == ".env" || name.starts_with(".env.") ||
         ends_with_any(name, {".env", ".toml", ".yaml", ".yml", ".json", ".conf", ".ini"});
}

class FolderScan {
 public:
  FolderScan(const fs::path& root, const std::string& scope, const ScanOptions& options)
      : root_(root), scope_(scope), options_(options) {}

  Result<Collected> run() {
    folder_ = HZ_TRY(list_folder(root_));
    LibraryScan libraries(options_, scope_, &root_, &folder_);
    for (const std::string& path : folder_.unreadable)
      out_.refused.push_back(refusal(path, Error{&hz::why("base.read"), "the folder may not be listed"}));
    phase("reading files", folder_.files.size());
    for (std::size_t i = 0; i < folder_.files.size(); ++i) {
      const std::string& path = folder_.files[i];
      if (auto done = read(path, libraries); !done) out_.refused.push_back(refusal(path, done.error()));
      step(i + 1);
    }
    npm_packages(libraries);
    declare_products();
    phase("following libraries", 0);
    declare_backends(libraries);
    HZ_TRY(libraries.finish(out_));
    return std::move(out_);
  }

 private:
  void phase(std::string_view name, std::size_t total) {
    if (options_.progress) options_.progress->phase(name, static_cast<std::int64_t>(total));
  }
  void step(std::size_t done) {
    if (options_.progress) options_.progress->step(static_cast<std::int64_t>(done));
  }

  Result<Bytes> bytes_of(const std::string& path, std::size_t size_max) {
    ++out_.files_read;
    auto bytes = read_file(root_ / path, size_max);
    // Messages name the file relative to the scan, never where this machine keeps it.
    if (!bytes) {
      std::string& detail = bytes.error().detail;
      const std::string full = (root_ / path).string() + ": ";
      if (detail.starts_with(full)) detail.erase(0, full.size());
    }
    return bytes;
  }

  void add(const std::string& path, std::string kind, ByteView bytes, Facts facts) {
    out_.evidence.push_back({{scope_, path, std::move(kind), hex(crypto::sha256(bytes))}, std::move(facts)});
  }

  Result<void> read(const std::string& path, LibraryScan& libraries) {
    const std::string name = file_name(path);
    if (name.ends_with(".onnx")) return model(path);
    if (name == "package-lock.json" || name == "npm-shrinkwrap.json") return npm_lock(path);
    if (name.ends_with(".so") || name.find(".so.") != std::string::npos) return library(path, libraries);
    if (name.ends_with(".toml")) return toml(path);
    if (name.ends_with(".json")) return json_file(path);
    if (is_config(name)) return config(path, HZ_TRY(bytes_of(path, text_bytes_max)));
    return {};
  }

  Result<void> model(const std::string& path) {
    const Bytes bytes = HZ_TRY(bytes_of(path, blob_bytes_max));
    const onnx::Model decoded = HZ_TRY(onnx::decode_model(bytes));
    const std::string digest = hex(crypto::sha256(bytes));
    add(path, "model", bytes, model_facts(decoded, digest, file_name(path)));
    return {};
  }

  Result<void> library(const std::string& path, LibraryScan& libraries) {
    const Bytes start = HZ_TRY(bytes_of(path, blob_bytes_max));
    if (!looks_like_elf(start)) return {};  // a linker script or a text of that name
    return libraries.add_library(root_ / path);
  }

  Result<void> npm_lock(const std::string& path) {
    const Bytes bytes = HZ_TRY(bytes_of(path, json_bytes_max));
    const auto packages = HZ_TRY(parse_npm_lock(as_text(bytes)));
    add(path, "npm_lock", bytes, npm_facts(packages, packages));
    return {};
  }

  Result<void> toml(const std::string& path) {
    const Bytes bytes = HZ_TRY(bytes_of(path, text_bytes_max));
    const std::string_view text = as_text(bytes);
    if (looks_like_product_manifest(text) || folder_of(path).ends_with("products/")) return manifest(path, bytes);
    if (looks_like_entity_list(text)) {
      HZ_TRY(parse_entity_list(text));
      out_.remarks.push_back(fmt::format("{} is an entity list: `--entities {}` uses it", path, path));
      return {};
    }
    if (looks_like_backends(text)) {
      backends_ = HZ_TRY(parse_backends(text));
      backends_source_ = Source{scope_, path, "backends", hex(crypto::sha256(bytes))};
      return {};
    }
    return config(path, bytes);
  }

  Result<void> json_file(const std::string& path) {
    const std::string name = file_name(path);
    if (name == "package.json" || name == "tsconfig.json") return {};
    const Bytes bytes = HZ_TRY(bytes_of(path, json_bytes_max));
    if (looks_like_cyclonedx(name, as_text(bytes))) {
      add(path, "cyclonedx", bytes, HZ_TRY(parse_cyclonedx(as_text(bytes))));
      return {};
    }
    if (bytes.size() > text_bytes_max) {
      out_.remarks.push_back(
          fmt::format("{} is {} bytes: too large for a configuration file, left out", path, bytes.size()));
      return {};
    }
    Facts facts = HZ_TRY(parse_config_json(as_text(bytes)));
    if (!facts.empty()) add(path, "config", bytes, std::move(facts));
    return {};
  }

  Result<void> config(const std::string& path, const Bytes& bytes) {
    Facts facts = HZ_TRY(parse_config_text(as_text(bytes)));
    if (!facts.empty()) add(path, "config", bytes, std::move(facts));
    return {};
  }

  // The file a manifest names: inside the scanned folder, and there.
  Result<std::pair<std::string, std::string>> named_file(const std::string& manifest, const std::string& file) {
    const fs::path joined = (fs::path(folder_of(manifest)) / file).lexically_normal();
    if (fs::path(file).is_absolute() || joined.string().starts_with(".."))
      return fail(why("supply.outside"), "{} names {}", manifest, file);
    std::error_code gone;
    const fs::path real = fs::canonical(root_ / joined, gone);
    if (gone) return fail(why("supply.missing_file"), "{} names {}", manifest, file);
    const fs::path real_root = fs::canonical(root_, gone);
    if (real.lexically_relative(real_root).string().starts_with(".."))
      return fail(why("supply.outside"), "{} names {}, a link out of the folder", manifest, file);
    const Bytes bytes = HZ_TRY(bytes_of(joined.generic_string(), blob_bytes_max));
    return std::pair(joined.generic_string(), hex(crypto::sha256(bytes)));
  }

  Result<void> manifest(const std::string& path, const Bytes& bytes) {
    ProductManifest declared = HZ_TRY(parse_product_manifest(as_text(bytes)));
    for (const ProductManifest& other : manifests_)
      if (other.id == declared.id)
        return fail(why("supply.product_twice"), "{} is also declared by another manifest of this folder", declared.id);
    Product product;
    product.source = {scope_, path, "manifest", hex(crypto::sha256(bytes))};
    product.observed_ms = options_.observed_ms;
    product.id = declared.id;
    product.name = declared.name;
    product.area = declared.area;
    product.summary = declared.summary;
    product.incumbent = declared.incumbent;
    product.licence = declared.licence;
    std::tie(product.model_file, product.model_sha256) = HZ_TRY(named_file(path, declared.model_file));
    std::tie(product.golden_file, product.golden_sha256) = HZ_TRY(named_file(path, declared.golden_file));
    product.quality_min_milli = declared.quality_min_milli;
    product.outage_max_s = declared.outage_max_s;
    product.quality_drop_max_milli = declared.quality_drop_max_milli;
    product.services = declared.services;
    Facts facts = lower_requirement(declared.id, declared.requirement, "model:" + product.model_sha256);
    for (NodeFact& node : facts.nodes) {
      if (node.type == "product") node.name = declared.name;
      if (node.type == "model") node.name = file_name(product.model_file);
      for (const ServiceUse& use : declared.services)
        if (node.node == "service:" + use.host) node.notes.push_back({"role", use.role, {}});
    }
    // The need of a service is as good as the configuration that names it.
    for (EdgeFact& edge : facts.edges)
      for (const ServiceUse& use : declared.services)
        if (edge.input == "service:" + use.host && use.config)
          edge.field += fmt::format("; {}{}", *use.config, use.key ? " " + *use.key : "");
    product.nodes = std::move(facts.nodes);
    product.edges = std::move(facts.edges);
    manifests_.push_back(std::move(declared));
    products_.push_back(std::move(product));
    return {};
  }

  void declare_products() {
    const std::string cycle = find_product_cycle(manifests_);
    if (!cycle.empty())
      for (const Product& product : products_)
        if (cycle.find("product:" + product.id + " ->") != std::string::npos)
          out_.refused.push_back(refusal(product.source.path, Error{&why("supply.cycle"), cycle}));
    for (Product& product : products_) {
      if (cycle.find("product:" + product.id + " ->") != std::string::npos) continue;
      product.facts = facts_digest(product);
      out_.products.push_back(std::move(product));
    }
  }

  void npm_packages(LibraryScan& libraries) {
    phase("reading npm packages", folder_.npm_packages.size());
    std::map<std::string, std::vector<NpmPackage>> installed;  // by the folder that holds node_modules
    std::vector<std::tuple<std::string, NpmPackage, Bytes>> read;
    for (const std::string& path : folder_.npm_packages) {
      const std::string base = path.substr(0, path.find("node_modules/"));
      const auto bytes = bytes_of(path + "/package.json", text_bytes_max);
      auto package = bytes ? parse_npm_package(as_text(*bytes), path.substr(base.size()))
                           : Result<NpmPackage>(std::unexpected(bytes.error()));
      if (!package) {
        out_.refused.push_back(refusal(path + "/package.json", package.error()));
        continue;
      }
      libraries.add_npm(path, npm_node(*package));
      installed[base].push_back(*package);
      read.emplace_back(base, *std::move(package), *bytes);
      step(read.size());
    }
    for (const auto& [base, package, bytes] : read)
      add(base + package.path + "/package.json", "npm_package", bytes, npm_facts({package}, installed[base]));
  }

  void declare_backends(LibraryScan& libraries) {
    if (!backends_source_.path.empty()) {
      out_.evidence.push_back({backends_source_, libraries.backends(backends_, false)});
      return;
    }
    // Without a list of the user's own: what the products name, looked for by the names we know.
    auto known = parse_backends(known_backends());
    HZ_ASSERT(known.has_value());
    std::erase_if(*known, [&](const BackendDeclaration& backend) {
      const std::string id = "backend:" + backend.name;
      return std::none_of(out_.products.begin(), out_.products.end(), [&](const Product& product) {
        return std::any_of(product.nodes.begin(), product.nodes.end(), [&](const NodeFact& n) { return n.node == id; });
      });
    });
    if (known->empty()) return;
    const std::string digest = hex(crypto::sha256(as_bytes(known_backends())));
    out_.evidence.push_back({{scope_, "known backends", "backends", digest}, libraries.backends(*known, false)});
  }

  const fs::path& root_;
  const std::string& scope_;
  const ScanOptions& options_;
  Folder folder_;
  Collected out_;
  std::vector<ProductManifest> manifests_;
  std::vector<Product> products_;
  std::vector<BackendDeclaration> backends_;
  Source backends_source_;
};

}  // namespace

Result<Collected> scan_folder(const fs::path& root, const std::string& scope, const ScanOptions& options) {
  return FolderScan(root, scope, options).run();
}

Result<Collected> scan_host(const std::string& scope, const ScanOptions& options) {
  if (options.progress) options.progress->phase("looking at this computer", 0);
  Collected out;
  out.evidence = host_evidence(options.system_root, scope);
  LibraryScan libraries(options, scope, nullptr, nullptr);
  auto known = parse_backends(known_backends());
  HZ_ASSERT(known.has_value());
  Facts facts = libraries.backends(*known, true);
  const std::string digest = hex(crypto::sha256(as_bytes(known_backends())));
  if (!facts.empty()) out.evidence.push_back({{scope, "known backends", "backends", digest}, std::move(facts)});
  HZ_TRY(libraries.finish(out));
  return out;
}

}  // namespace hz::supply
