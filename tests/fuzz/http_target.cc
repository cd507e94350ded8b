// Any request is answered: the target decoder, the query decoder, the matcher and the input reader take every text, and
// what the decoder accepts goes round. The first line is method, path and query; the rest is the body.
#include <cstdlib>

#include "api/route.h"
#include "api/target.h"
#include "base/bytes.h"
#include "crypto/hash.h"
#include "net/range.h"
#include "net/url.h"

using namespace hz;

namespace {

struct In {
  std::string id;
  std::optional<std::int64_t> limit;
  bool deep = false;
  std::vector<std::string> lose;
  static constexpr auto fields() {
    return rows(row("id", &In::id, "id", or_default), row("limit", &In::limit, "limit"),
                row("deep", &In::deep, "deep", or_default), row("lose", &In::lose, "lost"));
  }
};
Result<In> echo(api::Ctx&, const In& in) { return in; }
std::string text(const In& out, const api::Style&) { return out.id; }

const api::Op table[] = {
    api::op<&echo>({.id = "a.item", .http = "GET /v1/items/{id}", .cli = "i", .doc = "d.", .example = "e"}),
    api::op<&echo>({.id = "a.special", .http = "GET /v1/items/special", .cli = "s", .doc = "d.", .example = "e"}),
    api::op<&echo>({.id = "a.put", .http = "POST /v1/items/{id}", .cli = "p", .doc = "d.", .example = "e"}),
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<const api::Op*> ops{&table[0], &table[1], &table[2]};
  static const api::Routes routes(ops);
  static const api::Gate gate{crypto::sha256(as_bytes("t")), {"node.example"}};
  const std::string_view all = as_text(ByteView(data, size));
  const auto line = std::min(all.find('\n'), all.size());
  const std::string_view first = all.substr(0, line);
  const auto space = std::min(first.find(' '), first.size());
  const std::string_view target = space < first.size() ? first.substr(space + 1) : std::string_view{};
  const auto mark = std::min(target.find('?'), target.size());

  http::Request request{std::string(first.substr(0, space)), std::string(target.substr(0, mark)),
                        std::string(mark < target.size() ? target.substr(mark + 1) : std::string_view{})};
  request.headers = {{"host", "node.example"}, {"authorization", "Bearer t"}, {"content-type", "application/json"}};
  if (line < all.size()) request.body = all.substr(line + 1);
  const auto call = [](const api::Op& op, const json::Value& in) -> Result<api::Answer> {
    if (!in.object()) std::abort();
    api::Ctx ctx{.home = {}, .mounted = {}, .seams = {&system_clock(), &system_rng(), &silent_progress()}};
    return op.call(ctx, in, {});
  };
  const auto answer = routes.answer(gate, request, call);
  if (answer.status < 200 || answer.status >= 500) std::abort();
  if (answer.status >= 400 && !json::parse(answer.body)) std::abort();
  // Without the token everything here is the same 401, whatever was asked.
  request.headers[1].value = "Bearer no";
  if (routes.answer(gate, request, call).status != 401) std::abort();
  request.headers[0].value = std::string(target);
  routes.answer(gate, request, call);

  if (const auto segments = api::path_segments(request.path)) {
    std::string again;
    for (const std::string& s : *segments) again += "/" + api::percent_encoded(s);
    const auto twice = api::path_segments(again);
    if (again.size() <= api::target_size_max && (!twice || *twice != *segments)) std::abort();
  }
  if (const auto url = net::parse_url(target)) {
    const auto again = net::parse_url(url->text());
    if (!again || again->text() != url->text()) std::abort();
  }
  const net::Range range = net::parse_range(target, size);
  if (range.offset + range.length > size) std::abort();
  return 0;
}
