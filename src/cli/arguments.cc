#include "cli/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <numeric>

#include "api/pattern.h"
#include "api/reasons.h"
#include "base/text_match.h"

namespace hz::cli {
namespace {

std::string field_of_flag(std::string_view flag) {
  std::string out(flag.substr(2));
  std::replace(out.begin(), out.end(), '-', '_');
  return out;
}

// One text from the command line as the JSON value its field wants. Enums and ids are texts, checked by from_json.
Result<json::Value> value_of(const api::FieldDoc& field, const json::Value& schema, const std::string& text) {
  std::string_view type = schema.text("type");
  const json::Value* element = &schema;
  if (type == "array") {
    element = schema.find("items");
    type = element->text("type");
  }
  if (type == "integer") {
    std::int64_t n = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), n);
    if (error != std::errc{} || end != text.data() + text.size())
      return fail(api::why("api.bad_value"), "{} should be a whole number, not \"{}\"", field.name, text);
    return json::Value(n);
  }
  if (type == "boolean") {
    if (text == "true") return json::Value(true);
    if (text == "false") return json::Value(false);
    return fail(api::why("api.bad_value"), "{} should be true or false, not \"{}\"", field.name, text);
  }
  if (type == "object" || type == "array") {
    auto parsed = json::parse(text);
    if (!parsed) return within(field.name, std::move(parsed).error());
    return *std::move(parsed);
  }
  if (!valid_utf8(text)) return fail(api::why("api.bad_value"), "{} is not valid UTF-8", field.name);
  return json::Value(text);
}

void put(json::Value& in, const api::FieldDoc& field, json::Value value) {
  json::Object& members = *in.object();
  auto at = std::find_if(members.begin(), members.end(), [&](const json::Member& m) { return m.first == field.name; });
  if (field.type == "list") {
    if (at == members.end()) at = members.emplace(members.end(), std::string(field.name), json::Array{});
    at->second.array()->push_back(std::move(value));
  } else if (at == members.end()) {
    members.emplace_back(std::string(field.name), std::move(value));
  } else {
    at->second = std::move(value);
  }
}

const api::Op* find_op(std::span<const api::Op* const> ops, const std::vector<std::string>& words, std::size_t& used) {
  const api::Op* best = nullptr;
  used = 0;
  for (const api::Op* op : ops) {
    const auto wanted = api::words_of(api::command_words(op->cli));
    if (wanted.size() <= used || wanted.size() > words.size()) continue;
    if (std::equal(wanted.begin(), wanted.end(), words.begin())) {
      best = op;
      used = wanted.size();
    }
  }
  return best;
}

std::string nearest_command(std::span<const api::Op* const> ops, const std::vector<std::string>& words) {
  std::string typed;
  for (const auto& w : words) typed += (typed.empty() ? "" : " ") + w;
  std::string best;
  std::size_t distance = 4;
  for (const api::Op* op : ops) {
    const std::string candidate(api::command_words(op->cli));
    const auto d = edit_distance(typed.substr(0, candidate.size() + 1), candidate);
    if (d < distance) {
      distance = d;
      best = candidate;
    }
  }
  return best;
}

// The command has a flag of this name itself.
bool has_field(const api::Op* command, std::string_view name) {
  return command && std::ranges::find(command->fields, name, &api::FieldDoc::name) != command->fields.end();
}

}  // namespace

Result<Parsed> parse_arguments(std::span<const std::string> args, std::span<const api::Op* const> ops) {
  Parsed out;
  Globals& globals = out.globals;

  // First pass: the words before any flag select the command, because a flag's value looks like a word.
  std::vector<std::string> leading;
  for (std::size_t i = 0; i < args.size(); ++i) {
    if (args[i] == "--home" || args[i] == "--input" || args[i] == "--audience" || args[i] == "--progress") {
      ++i;
      continue;
    }
    if (args[i].starts_with("-")) {
      if (args[i] == "--json" || args[i] == "--dry-run" || args[i] == "--no-color" || args[i] == "--quiet" ||
          args[i].starts_with("--home=") || args[i].starts_with("--progress="))
        continue;
      break;
    }
    leading.push_back(args[i]);
  }
  std::size_t command_size = 0;
  out.op = find_op(ops, leading, command_size);
  const json::Value in_schema = out.op ? out.op->in_schema() : json::Value();
  const auto schema_of = [&](std::string_view field) { return *in_schema.find("properties")->find(field); };

  std::vector<std::string> words;
  bool only_words = false;
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    if (only_words || !arg.starts_with("-") || arg == "-") {
      words.push_back(arg);
      continue;
    }
    if (arg == "--") {
      only_words = true;
      continue;
    }
    const auto equals = arg.find('=');
    const std::string flag = arg.substr(0, equals);
    const auto value = [&]() -> Result<std::string> {
      if (equals != std::string::npos) return arg.substr(equals + 1);
      if (i + 1 >= args.size()) return fail(api::why("api.missing"), "{} needs a value", flag);
      return args[++i];
    };
    if (flag == "--help" || flag == "-h")
      globals.help = true;
    else if (flag == "--json")
      globals.json = true;
    else if (flag == "--dry-run")
      globals.dry_run = true;
    else if (flag == "--no-color")
      globals.no_color = true;
    else if (flag == "--quiet")
      globals.progress = ProgressStyle::off;
    else if (flag == "--home")
      globals.home = HZ_TRY(value());
    else if (flag == "--input")
      globals.input = HZ_TRY(value());
    else if (flag == "--audience" && !has_field(out.op, "audience"))
      globals.audience = HZ_TRY(value());
    else if (flag == "--progress") {
      const std::string style = HZ_TRY(value());
      if (style == "plain")
        globals.progress = ProgressStyle::plain;
      else if (style == "json")
        globals.progress = ProgressStyle::json;
      else if (style == "off")
        globals.progress = ProgressStyle::off;
      else if (style != "auto")
        return fail(api::why("api.bad_value"), "--progress is auto, plain, json or off, not {}", style);
    } else {
      if (!out.op) {
        if (globals.help) continue;
        std::string hint = nearest_command(ops, leading);
        if (!leading.empty())
          return fail(api::why("api.unknown_command"), "hezong {}{}", fmt::join(leading, " "),
                      hint.empty() ? "" : fmt::format("; did you mean `hezong {}`?", hint));
        return fail(api::why("api.unknown_flag"), "{}", flag);
      }
      const std::string name = field_of_flag(flag.starts_with("--") ? flag : "--" + flag);
      const auto& fields = out.op->fields;
      const auto field = std::find_if(fields.begin(), fields.end(), [&](const auto& f) { return f.name == name; });
      if (field == fields.end() || !flag.starts_with("--")) {
        std::string hint;
        for (const auto& f : fields)
          if (edit_distance(f.name, name) < 3) hint = fmt::format("; did you mean --{}?", f.name);
        std::replace(hint.begin(), hint.end(), '_', '-');
        return fail(api::why("api.unknown_flag"), "{} of `hezong {}`{}", flag, api::command_words(out.op->cli), hint);
      }
      if (field->type == "flag" && equals == std::string::npos)
        put(out.in, *field, json::Value(true));
      else
        put(out.in, *field, HZ_TRY(value_of(*field, schema_of(name), HZ_TRY(value()))));
    }
  }

  if (!out.op) {
    out.words = words;
    const auto prefix_of = [&](const api::Op* op) {
      const auto wanted = api::words_of(api::command_words(op->cli));
      return words.size() <= wanted.size() && std::equal(words.begin(), words.end(), wanted.begin());
    };
    if (std::none_of(ops.begin(), ops.end(), prefix_of)) {
      const std::string hint = nearest_command(ops, words);
      return fail(api::why("api.unknown_command"), "hezong {}{}", fmt::join(words, " "),
                  hint.empty() ? "" : fmt::format("; did you mean `hezong {}`?", hint));
    }
    return out;
  }

  words.erase(words.begin(), words.begin() + static_cast<std::ptrdiff_t>(command_size));
  std::size_t next = 0;
  for (const api::Positional& p : api::positionals(out.op->cli)) {
    const auto field =
        std::find_if(out.op->fields.begin(), out.op->fields.end(), [&](const auto& f) { return f.name == p.name; });
    HZ_ASSERT(field != out.op->fields.end());
    do {
      if (next >= words.size()) break;
      put(out.in, *field, HZ_TRY(value_of(*field, schema_of(p.name), words[next])));
      ++next;
    } while (p.rest);
  }
  if (next < words.size()) return fail(api::why("api.extra"), "\"{}\"", words[next]);
  if (!globals.help && !globals.input)
    for (const auto& f : out.op->fields)
      if (f.required && !out.in.find(f.name))
        return fail(api::why("api.missing"), "`hezong {}` needs {}: {}", api::command_words(out.op->cli), f.name,
                    f.doc);
  return out;
}

}  // namespace hz::cli
