// What the gateway has to know of an OpenAI-style body: the model, and how many tokens it may cost.
//
// Parsing the whole body into a tree would read every prompt for the sake of one member. So only the top level is
// walked; what is nested is skipped by its brackets and quotes, and whether it is good JSON is the server's to say. Two
// members `model` are refused: two readers could take different ones.
#pragma once
#include <string>
#include <string_view>

#include "base/result.h"

namespace hz::node {

struct OpenAiBody {
  std::string model;
  std::size_t model_at = 0, model_bytes = 0;  // its text in the body, with the quotes
  bool stream = false;
  std::int64_t tokens_max = -1;  // max_completion_tokens or max_tokens; -1: not said
  std::int64_t choices = 1;      // n
};
// Safe on any bytes. Errors: node.gateway_body.
Result<OpenAiBody> read_openai_body(std::string_view text);
// The body with another model.
std::string with_model(std::string_view text, const OpenAiBody& body, std::string_view model);

// Tokens of a prompt before anybody has counted: four bytes each, rounded up. Meant to reserve, not to bill.
std::int64_t tokens_estimate(std::size_t body_bytes);

// Counts what an answer says about its own cost, from pieces that may be cut anywhere.
class TokenCount {
 public:
  void saw(std::string_view piece);
  // usage.total_tokens of the answer's end; -1 when it did not say.
  std::int64_t total() const;
  std::int64_t events() const { return events_; }  // of a stream: empty lines that end one

 private:
  std::string tail_;  // the last bytes: usage stands at the end, in a stream and in a document
  std::int64_t events_ = 0;
  char last_ = 0;
};

}  // namespace hz::node
