// Bodies of text requests. What is accepted has its model where it is said to be, and another one can be put there.
#include "node/openai_body.h"

#include "base/bytes.h"
#include "base/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  node::TokenCount count;
  count.saw(text.substr(0, size / 2));
  count.saw(text.substr(size / 2));
  HZ_ASSERT(count.total() >= -1 && count.events() >= 0);
  const auto body = node::read_openai_body(text);
  // Good JSON with one text `model` at its top is never refused, whatever else stands there.
  if (const auto value = json::parse(text); value && value->object() && value->find("model")) {
    const std::string* model = value->find("model")->string();
    HZ_ASSERT(!model || model->size() > 600 || text.size() > 2000 || (body && body->model == *model));
  }
  if (!body) return 0;
  HZ_ASSERT(body->model_at + body->model_bytes <= size && body->choices >= 1 && body->tokens_max >= -1);
  const auto again = node::read_openai_body(node::with_model(text, *body, "other \"name\""));
  HZ_ASSERT(again && again->model == "other \"name\"" && again->model_at == body->model_at);
  return 0;
}
