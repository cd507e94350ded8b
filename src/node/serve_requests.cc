// Requests of a served node: who may sign when, operations, cards, blobs.
#include <algorithm>
#include <cstring>

#include "alliance/incoming.h"
#include "node/dial.h"
#include "node/metrics.h"
#include "node/reasons.h"
#include "node/receive_card.h"
#include "node/serve_blobs.h"
#include "node/serve_state.h"

namespace hz::node {
namespace {

constexpr std::chrono::seconds writer_patience{20};

http::Response plain(int status, std::string_view text) {
  return {.status = status,
          .headers = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}},
          .body = std::string(text)};
}

}  // namespace

Result<std::unique_lock<std::timed_mutex>> Served::State::take_turn(std::string_view who) {
  std::unique_lock<std::timed_mutex> turn(writing, std::defer_lock);
  if (turn.try_lock_for(writer_patience)) return turn;
  return fail(why("node.writer_busy"), "{} waited {} s", who, writer_patience.count());
}

Result<void> Served::State::sign_aside(const std::function<Result<void>(alliance::Member&)>& act) {
  const auto turn = HZ_TRY(take_turn("leases"));
  return sign(act);
}

AppendQueue::Receipts Served::State::append(const api::Op& op, std::vector<Bytes> leaves) {
  std::shared_ptr<const alliance::Authority> keys;
  {
    const std::scoped_lock hold(keys_turn);
    keys = own_keys;
  }
  auto batch = alliance::check_incoming(*keys, mounted, leaves);
  if (!batch) {
    alliance::Member member = HZ_TRY(members->borrow());
    keep_keys(member);
    batch = alliance::check_incoming(member.authority(), mounted, std::move(leaves));
    members->give_back(std::move(member));
  }
  return appends.append(
      HZ_TRY(std::move(batch)), [&] { return take_turn(op.id); },
      [&](std::span<alliance::Incoming> all) -> AppendQueue::Receipts {
        // Looked through here: in the log each would be read and proven again.
        const bool tells =
            std::ranges::any_of(all, [](const alliance::Incoming& one) { return tells_of_others(one.leaf); });
        alliance::Member member = HZ_TRY(members->borrow_to_append());
        auto receipts = member.append_incoming(all);
        const bool known = receipts && tells;
        return signed_by(std::move(member), std::move(receipts), known);
      });
}

void Served::State::keep_keys(alliance::Member& member) {
  auto keys = std::make_shared<const alliance::Authority>(member.authority());
  const std::scoped_lock hold(keys_turn);
  own_keys = std::move(keys);
}

Result<api::Answer> Served::State::call(const api::Op& op, const json::Value& in) {
  api::Ctx ctx = this->ctx();
  if (op.may == api::May::author && !op.own_turn) {
    const auto turn = HZ_TRY(take_turn(op.id));
    return sign([&](alliance::Member& member) {
      ctx.opened = std::move(member);
      auto answer = op.call(ctx, in, {});
      member = *std::exchange(ctx.opened, std::nullopt);
      return answer;
    });
  }
  ctx.append_leaves = [&](std::vector<Bytes> leaves) { return append(op, std::move(leaves)); };
  if (!op.own_turn && op.may != api::May::anyone)
    if (auto member = members->borrow()) ctx.opened = *std::move(member);  // else the operation says what is wrong
  auto answer = op.call(ctx, in, {});
  if (!ctx.opened) return answer;
  // Whom the node answers may have changed: by a card, or by what a round mirrored.
  if (answer && op.may != api::May::author && op.http.starts_with("POST")) {
    ctx.opened->hold_views(false);
    (void)desk->know(*ctx.opened);
  }
  if (answer || !of_the_machine(answer.error())) members->give_back(*std::exchange(ctx.opened, std::nullopt));
  return answer;
}

bool Served::State::tells_of_others(ByteView leaf) {
  static constexpr std::string_view shared = "https://hezong.example/share/", sealed = "\"priv\":{";
  return alliance::may_be_act(leaf) || ::memmem(leaf.data(), leaf.size(), shared.data(), shared.size()) ||
         ::memmem(leaf.data(), leaf.size(), sealed.data(), sealed.size());
}

bool Served::State::tells_of_others(alliance::Member& member, std::uint64_t before) {
  bool found = false;
  const auto read = member.log().visit(before, member.log().head().size, [&](auto, ByteView leaf) -> Result<void> {
    found |= tells_of_others(leaf);
    return {};
  });
  return found || !read;
}

bool Served::State::of_the_machine(const Error& error) {
  return error.reason->code == Code::corrupt || error.reason->slug.starts_with("sql.") ||
         error.reason->slug == "base.write";
}

http::Response Served::State::take_card(const http::Request& request) {
  if (!receive_card(home, request)) return nothing();
  if (auto member = members->borrow()) {
    (void)desk->know(*member);
    members->give_back(*std::move(member));
  }
  return {.status = 202, .headers = {}, .body = {}};
}

http::Response Served::State::handle(const http::Request& request) {
  if (PeerDesk::is_for(request)) return desk->answer(request);
  if (request.path == cards_path) return take_card(request);
  if (request.path.starts_with("/v1/"))
    return routes.answer(gate, request, [this](const api::Op& op, const json::Value& in) { return call(op, in); });
  if (auto refused = api::foreign(gate, request)) return *std::move(refused);
  if (api::has_token(gate, request)) {
    if (request.path == "/metrics") {
      listening.wait();
      return plain(200, metrics_text(server->counters()) + metrics_text(gateway->counts()) +
                            metrics_text(kept_scrub(home).value_or(ScrubReport{})));
    }
    if (request.path.starts_with(blobs_prefix)) {
      if (request.method != "PUT") return get_blob(*blobs, request);
      // An empty body never reaches a sink of its own.
      const auto sink = put_blob(*blobs, request);
      return sink ? (*sink)->finish() : sink.error();
    }
  }
  return nothing();
}

bool Served::State::is_upload(const http::Request& head) {
  return head.method == "PUT" && head.path.starts_with(blobs_prefix);
}

std::expected<std::unique_ptr<http::Sink>, http::Response> Served::State::upload(const http::Request& head) {
  if (!is_upload(head)) return nullptr;
  if (auto refused = api::foreign(gate, head)) return std::unexpected(*std::move(refused));
  if (!api::has_token(gate, head)) return std::unexpected(nothing());
  return put_blob(*blobs, head);
}

net::Site Served::State::gateway_site() {
  return {.handle = [](const http::Request&) { return nothing(); },
          .body_bytes_max = [this](const http::Request& head) -> std::size_t {
            return Gateway::is_for(head) ? gateway->body_bytes_max(head) : 0;
          },
          .passage = [this](const http::Request& head) { return gateway->passage(head); },
          .settle_passages = [this] { journal->write_lines(); }};
}

http::Response Served::State::nothing() {
  return plain(404, "There is nothing here. Operations are under /v1/: see /v1/documents/openapi.\n");
}

}  // namespace hz::node
