#include "supply/ops.h"

#include "supply/entity_file.h"
#include "supply/exposure_op.h"
#include "supply/reasons.h"
#include "supply/sql_text.h"

namespace hz::supply {
namespace {

struct ImportIn {
  std::string file;
  static constexpr auto fields() { return rows(row("file", &ImportIn::file, "entity list, TOML, at most 1 MiB")); }
};
struct ImportOut {
  std::string list, as_of, digest;
  std::int64_t entities = 0, owners = 0, attributions = 0;
  bool repeated = false;
  std::vector<alliance::Receipt> receipts;
  static constexpr auto fields() {
    return rows(row("list", &ImportOut::list, "list id"), row("as_of", &ImportOut::as_of, "date of the facts"),
                row("digest", &ImportOut::digest, "SHA-256 of the file, hex"),
                row("entities", &ImportOut::entities, "legal entities"),
                row("owners", &ImportOut::owners, "ownerships"),
                row("attributions", &ImportOut::attributions, "attributions"),
                row("repeated", &ImportOut::repeated, "this very list stands already"),
                row("receipts", &ImportOut::receipts, "where the parts stand"));
  }
};

Result<ImportOut> entities_import(api::Ctx& ctx, const ImportIn& in) {
  const EntityList list = HZ_TRY(read_entity_list(in.file));
  ListRecorded recorded = HZ_TRY(record(*HZ_TRY(ctx.member()), list));
  return ImportOut{list.list,
                   list.as_of,
                   list.digest,
                   static_cast<std::int64_t>(list.entities.size()),
                   static_cast<std::int64_t>(list.owners.size()),
                   static_cast<std::int64_t>(list.attributions.size()),
                   recorded.repeated,
                   std::move(recorded.receipts)};
}

std::string text(const ImportOut& out, const api::Style& style) {
  std::string s = fmt::format("{} {} as of {}: {} entities, {} ownerships, {} attributions\n", style.green("imported"),
                              out.list, out.as_of, out.entities, out.owners, out.attributions);
  if (out.repeated) return s + "this very list stood already; nothing was signed\n";
  for (const alliance::Receipt& receipt : out.receipts) s += fmt::format("  statement {}\n", receipt.id);
  return s;
}

struct Nothing {
  static constexpr auto fields() { return rows(); }
};

struct ProductRow {
  std::string product, name, area, summary, incumbent, model_sha256;
  std::int64_t quality_min_milli = 0, outage_max_s = 0, quality_drop_max_milli = 0;
  std::string statement, manifest;
  static constexpr auto fields() {
    return rows(
        row("product", &ProductRow::product, "component id"), row("name", &ProductRow::name, "name"),
        row("area", &ProductRow::area, "area"), row("summary", &ProductRow::summary, "one sentence"),
        row("incumbent", &ProductRow::incumbent, "backend serving it"),
        row("model_sha256", &ProductRow::model_sha256, "digest of the model"),
        row("quality_min_milli", &ProductRow::quality_min_milli, "least quality, thousandths"),
        row("outage_max_s", &ProductRow::outage_max_s, "longest tolerable outage"),
        row("quality_drop_max_milli", &ProductRow::quality_drop_max_milli, "largest tolerable drop, thousandths"),
        row("statement", &ProductRow::statement, "statement id"), row("manifest", &ProductRow::manifest, "file"));
  }
};
struct ProductList {
  std::vector<ProductRow> products;
  static constexpr auto fields() { return rows(row("products", &ProductList::products, "declared products")); }
};

Result<ProductList> product_list(api::Ctx& ctx, const Nothing&) {
  sql::Db* views = HZ_TRY(HZ_TRY(ctx.member())->views());
  ProductList out;
  HZ_TRY(views->query(sql_text::list_products, {}, [&](const sql::Row& r) {
    out.products.push_back({r.text(0), r.text(1), r.text(2), r.text(3), r.text(4), r.text(5), r.integer(6),
                            r.integer(7), r.integer(8), r.text(9), r.text(10)});
    return true;
  }));
  return out;
}

std::string text(const ProductList& out, const api::Style& style) {
  if (out.products.empty()) return "no product is declared; `hezong exposure scan DIR` reads manifests\n";
  std::vector<std::vector<std::string>> rows = {{"product", "area", "served by", "quality", "outage", "summary"}};
  for (const ProductRow& p : out.products)
    rows.push_back({p.product, p.area, p.incumbent.empty() ? "unknown" : p.incumbent,
                    fmt::format(">= {}.{} %", p.quality_min_milli / 10, p.quality_min_milli % 10),
                    fmt::format("<= {} s", p.outage_max_s), p.summary});
  return api::table(rows, style);
}

struct UnknownList {
  std::vector<UnknownLine> unknown;
  static constexpr auto fields() { return rows(row("unknown", &UnknownList::unknown, "what is not known")); }
};

Result<UnknownList> unknown_list(api::Ctx& ctx, const Nothing&) {
  return UnknownList{HZ_TRY(unknown_lines(*HZ_TRY(HZ_TRY(ctx.member())->views())))};
}

std::string text(const UnknownList& out, const api::Style& style) {
  if (out.unknown.empty()) return "nothing is unknown\n";
  std::vector<std::vector<std::string>> rows = {{"component", "not known", "why", "evidence"}};
  for (const UnknownLine& line : out.unknown) rows.push_back({line.node, line.what, line.why, line.evidence});
  return api::table(rows, style);
}

}  // namespace

std::span<const api::Op> show_ops();  // show_op.cc

std::span<const api::Op> ops() {
  static const api::Op table[] = {
      api::op<&scan>(
          {.id = "exposure.scan",
           .http = "POST /v1/exposure/scan",
           .cli = "exposure scan [dir]",
           .may = api::May::author,
           .emits = {"supply.observation", "supply.product", "supply.gone", "supply.entity_list"},
           .fails = {"supply.nothing", "supply.refused", "supply.toml", "supply.field", "supply.limit", "base.read"},
           .doc = "Find out what the products in a folder are made of, and whose it is.",
           .example = "hezong exposure scan ./deploy --entities entities.toml",
           .more =
               "Reads product manifests, ONNX models, the libraries backends load and the Debian packages that ship "
               "them, npm lock files and packages, CycloneDX BOMs, and services named in configuration. Nothing is "
               "sent anywhere, and of configuration values only host names are kept. Without a member the answer is "
               "printed and nothing is kept. A file that cannot be read refuses the whole scan; --keep-going records "
               "the rest and ends with exit code 3."}),
      api::op<&entities_import>(
          {.id = "supply.entities_import",
           .http = "POST /v1/supply/entities",
           .cli = "supply entities import <file>",
           .may = api::May::author,
           .emits = {"supply.entity_list"},
           .fails = {"supply.toml", "supply.field", "supply.limit", "base.read", "base.too_large", "base.utf8"},
           .doc = "Sign a list of legal entities, their owners and what they control.",
           .example = "hezong supply entities import examples/alliance/entities.toml",
           .more = "The list is this member's own: it is used for its own answers and shown to nobody. A list with the "
                   "same "
                   "id replaces the earlier one."}),
      api::op<&product_list>({.id = "supply.product_list",
                              .http = "GET /v1/supply/products",
                              .cli = "supply product list",
                              .doc = "The declared products with their tolerances.",
                              .example = "hezong supply product list"}),
      show_ops().front(),
      api::op<&unknown_list>(
          {.id = "supply.unknown_list",
           .http = "GET /v1/supply/unknown",
           .cli = "supply unknown list",
           .doc = "What nobody has told us: components without an entity, without evidence, or with open parts.",
           .example = "hezong supply unknown list"}),
  };
  return table;
}

}  // namespace hz::supply
