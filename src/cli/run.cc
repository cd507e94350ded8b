#include "cli/run.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>

#include "api/pattern.h"
#include "cli/arguments.h"
#include "cli/progress.h"
#include "node/mount.h"

namespace hz::cli {
namespace {

fs::path home_folder(const Globals& globals) {
  const auto environment = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  if (globals.home) return *globals.home;
  if (auto home = environment("HEZONG_HOME"); !home.empty()) return home;
  if (auto state = environment("XDG_STATE_HOME"); !state.empty()) return fs::path(state) / "hezong";
  return fs::path(environment("HOME")) / ".local" / "state" / "hezong";
}

bool wants_colour(std::FILE* out, const Globals& globals) {
  const char* no_color = std::getenv("NO_COLOR");
  const char* force = std::getenv("CLICOLOR_FORCE");
  if (globals.no_color || (no_color && *no_color)) return false;
  return (force && *force) || ::isatty(::fileno(out));
}

int terminal_width(std::FILE* out) {
  winsize size{};
  if (::ioctl(::fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

std::string overview(const std::vector<std::string>& words, const api::Style& style) {
  std::string prefix;
  for (const auto& w : words) prefix += w + " ";
  std::string out;
  if (words.empty())
    out +=
        "Hezong: if a supplier is gone tomorrow, which products stop, what proven thing replaces each part,\n"
        "and what stays undone?\n\nFirst steps:\n"
        "  hezong exposure scan DIR        what your products depend on; needs no account and no set-up\n"
        "  hezong init --name NAME         create a member: keys, log, store\n"
        "  hezong drill what-if --lose X   which products stop\n\n";
  out += style.bold(words.empty() ? "Commands"
                                  : fmt::format("Commands under `hezong {}`", prefix.substr(0, prefix.size() - 1)));
  out += "\n";
  std::vector<std::vector<std::string>> rows{{"", ""}};
  for (const api::Op* op : node::ops()) {
    const std::string pattern(op->cli);
    if (pattern.starts_with(prefix) || pattern + " " == prefix) rows.push_back({"  " + pattern, std::string(op->doc)});
  }
  const std::string listing = api::table(rows, style);
  out += listing.substr(listing.find('\n') + 1);
  out +=
      "\nEvery command takes --json, --home DIR, --dry-run and --help. Errors carry a reason: hezong explain REASON.\n";
  return out;
}

std::string help(const api::Op& op, const api::Style& style) {
  std::string out = fmt::format("{}\n\n{}\n  {}\n\n{}\n  hezong {}", op.doc, style.bold("Example"), op.example,
                                style.bold("Usage"), op.cli);
  std::vector<std::vector<std::string>> rows{{"", ""}};
  for (const auto& f : op.fields) {
    const bool positional = api::is_positional(op, f.name);
    std::string shown = positional ? std::string(f.name) : api::flag_name(f.name);
    if (!positional) {
      if (f.type == "integer") shown += " N";
      if (f.type == "text") shown += " TEXT";
      if (f.type == "list") shown += " TEXT (repeatable)";
    }
    rows.push_back({"  " + shown, std::string(f.doc) + (f.required ? " (required)" : "")});
  }
  if (!op.fields.empty()) {
    const std::string listing = api::table(rows, style);
    out += fmt::format(" [flags]\n\n{}\n{}", style.bold("Arguments"), listing.substr(listing.find('\n') + 1));
  } else {
    out += "\n";
  }
  if (!op.more.empty()) out += fmt::format("\n{}\n", op.more);
  if (!op.emits.empty()) {
    out += "\nSigns: ";
    for (std::size_t i = 0; i < op.emits.size(); ++i) out += fmt::format("{}{}", i ? ", " : "", op.emits[i]);
    out += " (try --dry-run first)\n";
  }
  return out;
}

int report(const World& world, const Error& error, bool as_json, const api::Style& style) {
  const Reason& r = *error.reason;
  if (as_json) {
    json::Value body, root;
    body.set("reason", r.slug).set("what", r.what).set("detail", error.detail).set("next", r.next);
    root.set("error", std::move(body));
    fmt::print(world.err, "{}\n", json::dump(root));
  } else {
    fmt::print(world.err, "{} {}\n{} {}\n{} {}\n{}\n", style.red("error:"), r.what, style.bold("because:"),
               error.detail, style.bold("try:"), r.next,
               style.dim(fmt::format("reason: {} (hezong explain {})", r.slug, r.slug)));
  }
  return exit_code(r.code);
}

Result<json::Value> whole_input(const std::string& name) {
  const std::string text = HZ_TRY(read_text(name == "-" ? "/dev/stdin" : name, 64u << 20));
  return json::parse(text);
}

// The clock stands still at SOURCE_DATE_EPOCH (seconds) when that is set: the same input then gives the same bytes.
Clock& process_clock() {
  static const char* epoch = std::getenv("SOURCE_DATE_EPOCH");
  if (!epoch || !*epoch) return system_clock();
  static ManualClock held(std::strtoll(epoch, nullptr, 10) * 1000);
  return held;
}

ProgressForm progress_form(ProgressStyle style, std::FILE* err) {
  if (style == ProgressStyle::json) return ProgressForm::json;
  if (style == ProgressStyle::plain || !::isatty(::fileno(err))) return ProgressForm::plain;
  return ProgressForm::terminal;
}

}  // namespace

int run(const World& world) {
  const bool json_asked = std::find(world.args.begin(), world.args.end(), "--json") != world.args.end();
  const api::Style plain_err{.colour = wants_colour(world.err, {}), .width = terminal_width(world.err)};
  auto parsed = parse_arguments(world.args, node::ops());
  if (!parsed) return report(world, parsed.error(), json_asked, plain_err);
  const Globals& globals = parsed->globals;
  const api::Style style{.colour = wants_colour(world.out, globals), .width = terminal_width(world.out)};
  const api::Style err_style{.colour = wants_colour(world.err, globals), .width = terminal_width(world.err)};

  if (!parsed->op) {
    fmt::print(globals.help || parsed->words.empty() ? world.out : world.err, "{}", overview(parsed->words, style));
    return globals.help || world.args.empty() ? 0 : 2;
  }
  const api::Op& op = *parsed->op;
  if (globals.help) {
    fmt::print(world.out, "{}", help(op, style));
    return 0;
  }
  if (globals.input) {
    auto in = whole_input(*globals.input);
    if (!in) return report(world, in.error(), globals.json, err_style);
    parsed->in = *std::move(in);
  }

  std::optional<alliance::Audience> audience;
  if (globals.audience) {
    auto read = alliance::Audience::parse(*globals.audience);
    if (!read) return report(world, read.error(), globals.json, err_style);
    audience = *std::move(read);
  }

  const char* progress_wish = std::getenv("HEZONG_PROGRESS");
  const bool silent =
      globals.progress == ProgressStyle::off ||
      (globals.progress == ProgressStyle::automatic && progress_wish && progress_wish == std::string_view("off"));
  StreamProgress progress(world.err, progress_form(globals.progress, world.err));
  api::Ctx ctx{
      .home = home_folder(globals),
      .mounted = node::mounted(),
      .seams = {&process_clock(), &system_rng(), silent ? &silent_progress() : static_cast<Progress*>(&progress)},
      .dry_run = globals.dry_run,
      .audience = std::move(audience),
      .tool_dirs = world.tool_dirs};
  auto answer = op.call(ctx, parsed->in, style);
  progress.finish();
  if (!answer) return report(world, answer.error(), globals.json, err_style);
  if (globals.dry_run && ctx.opened)
    for (const std::string& payload : ctx.opened->dry_run_payloads()) fmt::print(world.out, "{}\n", payload);
  fmt::print(world.out, "{}", globals.json ? json::dump(answer->json) + "\n" : answer->text);
  return answer->is_no ? 3 : 0;
}

}  // namespace hz::cli
