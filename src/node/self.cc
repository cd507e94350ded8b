#include "node/self.h"

#include "node/mount.h"
#include "node/reasons.h"

namespace hz::node {
namespace {

struct Version {
  static constexpr auto fields() { return rows(); }
};
struct VersionOut {
  std::string version = HZ_VERSION;
  std::string compiler = __VERSION__;
  static constexpr auto fields() {
    return rows(row("version", &VersionOut::version, "version of this program"),
                row("compiler", &VersionOut::compiler, "compiler it was built with"));
  }
};
Result<VersionOut> version(api::Ctx&, const Version&) { return VersionOut{}; }
std::string text(const VersionOut& out, const api::Style&) { return fmt::format("hezong {}\n", out.version); }

struct Explain {
  std::optional<std::string> slug;
  static constexpr auto fields() { return rows(row("slug", &Explain::slug, "a reason slug; absent lists all")); }
};
struct Explained {
  std::string slug, code, what, next;
  int exit_code = 0;
  static constexpr auto fields() {
    return rows(row("slug", &Explained::slug, "reason slug"), row("code", &Explained::code, "class of the error"),
                row("what", &Explained::what, "what happened"), row("next", &Explained::next, "what to do next"),
                row("exit_code", &Explained::exit_code, "exit code of the command line"));
  }
};
struct ExplainOut {
  std::vector<Explained> reasons;
  static constexpr auto fields() { return rows(row("reasons", &ExplainOut::reasons, "registered reasons")); }
};
Result<ExplainOut> explain(api::Ctx&, const Explain& in) {
  ExplainOut out;
  for (const Reason* r : reasons())
    if (!in.slug || *in.slug == r->slug)
      out.reasons.push_back({std::string(r->slug), std::string(name(r->code)), std::string(r->what),
                             std::string(r->next), exit_code(r->code)});
  if (out.reasons.empty()) return fail(why("node.unknown_reason"), "{}", *in.slug);
  return out;
}
std::string text(const ExplainOut& out, const api::Style& style) {
  if (out.reasons.size() != 1) {
    std::vector<std::vector<std::string>> cells{{"reason", "class", "what"}};
    for (const auto& r : out.reasons) cells.push_back({r.slug, r.code, r.what});
    return api::table(cells, style);
  }
  const auto& r = out.reasons.front();
  return fmt::format("{}\n  {}\n  try: {}\n  class {}, exit code {}\n", style.bold(r.slug), r.what, r.next, r.code,
                     r.exit_code);
}

struct Document {
  std::string name;
  static constexpr auto fields() { return rows(row("name", &Document::name, "cli, reasons, kinds, openapi or man")); }
};
struct DocumentOut {
  std::string text;
  static constexpr auto fields() { return rows(row("text", &DocumentOut::text, "the document")); }
};
std::string text(const DocumentOut& out, const api::Style&) { return out.text; }
Result<DocumentOut> document(api::Ctx&, const Document& in) {
  if (in.name == "cli") return DocumentOut{cli_reference()};
  if (in.name == "reasons") return DocumentOut{reason_reference()};
  if (in.name == "kinds") return DocumentOut{kinds_json()};
  if (in.name == "openapi") return DocumentOut{openapi_json()};
  if (in.name == "man") return DocumentOut{man_page()};
  return fail(why("node.unknown_document"), "{}", in.name);
}

struct Completion {
  std::string shell;
  static constexpr auto fields() { return rows(row("shell", &Completion::shell, "bash, zsh or fish")); }
};
Result<DocumentOut> print_completion(api::Ctx&, const Completion& in) {
  if (in.shell != "bash" && in.shell != "zsh" && in.shell != "fish")
    return fail(why("node.unknown_shell"), "{}", in.shell);
  return DocumentOut{completion(in.shell)};
}

}  // namespace

std::span<const api::Op> self_ops() {
  static const api::Op table[] = {
      api::op<&version>({.id = "node.version",
                         .http = "GET /v1/version",
                         .cli = "version",
                         .may = api::May::anyone,
                         .doc = "Version of this program.",
                         .example = "hezong version"}),
      api::op<&explain>({.id = "node.explain",
                         .http = "GET /v1/reasons",
                         .cli = "explain [slug]",
                         .may = api::May::anyone,
                         .fails = {"node.unknown_reason"},
                         .doc = "What a reason slug means and what to do next; without a slug, all of them.",
                         .example = "hezong explain base.too_large"}),
      api::op<&document>({.id = "node.document",
                          .http = "GET /v1/documents/{name}",
                          .cli = "document <name>",
                          .may = api::May::anyone,
                          .fails = {"node.unknown_document"},
                          .doc = "Print a document projected from the tables: CLI reference, reasons, kinds, OpenAPI, "
                                 "man page.",
                          .example = "hezong document reasons"}),
      api::op<&print_completion>({.id = "node.completion",
                                  .http = "GET /v1/completion/{shell}",
                                  .cli = "completion <shell>",
                                  .may = api::May::anyone,
                                  .fails = {"node.unknown_shell"},
                                  .doc = "Print a shell completion script.",
                                  .example = "hezong completion bash",
                                  .more = "Load it with `eval \"$(hezong completion bash)\"`."}),
  };
  return table;
}

}  // namespace hz::node
