#include <doctest/doctest.h>

#include "cli/arguments.h"

using namespace hz;

namespace {

struct Lose {
  std::vector<std::string> lose;
  int control_bp = 5001;
  bool deep = false;
  std::string dir;
  static constexpr auto fields() {
    return rows(row("lose", &Lose::lose, "what is lost"), row("control_bp", &Lose::control_bp, "threshold", or_default),
                row("deep", &Lose::deep, "look deep", or_default), row("dir", &Lose::dir, "a folder"));
  }
};
struct Out {
  static constexpr auto fields() { return rows(); }
};
Result<Out> run_it(api::Ctx&, const Lose&) { return Out{}; }
std::string text(const Out&, const api::Style&) { return ""; }

std::vector<const api::Op*> table() {
  static const api::Op rows[] = {
      api::op<&run_it>(
          {.id = "drill.what_if", .http = "POST /x", .cli = "drill what-if <dir>", .doc = "d", .example = "e"}),
      api::op<&run_it>({.id = "drill.plan", .http = "POST /y", .cli = "drill plan <dir>", .doc = "d", .example = "e"})};
  return {&rows[0], &rows[1]};
}

Result<cli::Parsed> parse(std::vector<std::string> args) {
  static const auto ops = table();
  return cli::parse_arguments(args, ops);
}

std::string slug(std::vector<std::string> args) {
  const auto r = parse(std::move(args));
  return r ? "ok" : std::string(r.error().reason->slug);
}

}  // namespace

TEST_CASE("arguments: flags, positionals and lists become the operation's input") {
  const auto r =
      parse({"--json", "drill", "what-if", "here", "--lose", "a", "--lose=b", "--deep", "--control-bp", "9"});
  REQUIRE(r);
  CHECK(r->op->id == "drill.what_if");
  CHECK(r->globals.json);
  CHECK(json::dump(r->in) == R"({"control_bp":9,"deep":true,"dir":"here","lose":["a","b"]})");
}

TEST_CASE("arguments: a flag's value is never taken for a command word") {
  const auto r = parse({"--home", "drill", "drill", "plan", "x"});
  REQUIRE(r);
  CHECK(r->op->id == "drill.plan");
  CHECK(r->globals.home == "drill");
}

TEST_CASE("arguments: mistakes are named and guessed at, never run") {
  CHECK(slug({"drill", "what-fi", "x"}) == "api.unknown_command");
  CHECK(parse({"drill", "what-fi", "x"}).error().detail.find("did you mean `hezong drill what-if`") !=
        std::string::npos);
  CHECK(slug({"drill", "plan", "x", "--loose", "a"}) == "api.unknown_flag");
  CHECK(parse({"drill", "plan", "x", "--loose", "a"}).error().detail.find("did you mean --lose") != std::string::npos);
  CHECK(slug({"drill", "plan"}) == "api.missing");
  CHECK(slug({"drill", "plan", "x", "y"}) == "api.extra");
  CHECK(slug({"drill", "plan", "x", "--control-bp", "many"}) == "api.bad_value");
  CHECK(slug({"drill", "plan", "x", "--lose"}) == "api.missing");
  CHECK(slug({"drill", "plan", "--", "--x"}) == "ok");
}

TEST_CASE("arguments: a group of verbs alone asks for help") {
  const auto r = parse({"drill", "--help"});
  REQUIRE(r);
  CHECK(r->op == nullptr);
  CHECK(r->words == std::vector<std::string>{"drill"});
}
