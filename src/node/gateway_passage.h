// One request on its way through the gateway.
#pragma once
#include "node/gateway.h"
#include "node/openai_body.h"
#include "node/shadow.h"

namespace hz::node {

class GatewayPassage final : public net::Passage {
 public:
  struct Start {
    std::shared_ptr<Gateway::Live> live;
    const GatewayTable::Key* key;
    Gateway::LiveRoute* route = nullptr;  // absent: the body names the product
    Call call;
    std::string query;
    std::string versions = {};
    std::size_t body_bytes = 0;    // held for it
    std::int64_t deadline_ms = 0;  // 0: the route's
    pool::QuotaBook::Claim claim = {};
    bool claimed = false;
  };
  GatewayPassage(Gateway& gateway, Start start);
  ~GatewayPassage() override;

  void arrived(const http::Request& request) override;
  std::optional<net::Upstream> next() override;
  bool takes(int status) override;
  void ended(const net::Tried& tried) override;
  http::Response refusal() override;
  void saw(std::string_view piece) override;

 private:
  bool text_product() const { return call().wish == Wish::chat || call().wish == Wish::embeddings; }
  const Call& call() const { return start_.call; }
  void refuse_with(No no, std::string more = {}, std::int64_t retry_after_s = 0);
  bool may_try(std::size_t target, std::int64_t now_ms) const;
  bool failed(int status) const;
  void release_quota();
  void finish(pool::Fate fate, int status, const net::Tried& tried);
  std::int64_t units_used(int status) const;
  void copy_answer(pool::Fate fate, int status);

  Gateway& gateway_;
  Start start_;
  std::int64_t deadline_at_ms_ = 0;
  std::int64_t left_ms_ = 0;  // when the try under way began
  bool hurried_ = false;      // the client gave less time than the route
  std::int64_t prompt_tokens_ = 0;
  const http::Request* request_ = nullptr;
  OpenAiBody text_;
  TokenCount tokens_;
  std::string body_, body_model_;  // the body for a server of this model name
  pool::MeterJournal::Ticket ticket_;
  bool begun_ = false, over_ = false;
  std::uint64_t tried_ = 0;  // targets, one bit each
  std::size_t target_ = 0;   // of the try under way
  int tries_ = 0, kept_tries_ = 0;
  std::optional<Refusal> refusal_;
  std::unique_ptr<ShadowCopy> copy_;  // drawn to be executed again, for a drill
};

}  // namespace hz::node
