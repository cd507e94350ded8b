// Witnesses that are no node of the alliance: the policy file names them, rounds ask them.
#include <algorithm>

#include "log/witness.h"
#include "node/reasons.h"
#include "node/test_three.h"

using namespace hz;
using namespace hz::node;

namespace {

struct World : test::Three {
  TempDir folder;
  log::Witness witness =
      log::Witness::open(folder.path() / "w.db", "public.example/witness", crypto::SigningKey::generate(rng), clock)
          .value();
  bool away = false;
  std::vector<std::string> asked;

  World() {
    const std::string policy = fmt::format("witness public {} https://public.example/submit\nquorum public\n",
                                           log::format_vkey(witness.key()));
    REQUIRE(write_file_durably(member(0).home() / "policy", as_bytes(policy)));
    witness.watch({member(0).log().key()});
    reach = [this](const std::string& url) -> Result<http::Exchange> {
      asked.push_back(url);
      if (away) return fail(node::why("node.no_address"), "{}", url);
      return [this](const http::Request& request) -> Result<http::Response> { return witness.answer(request, ""); };
    };
  }
  const PeerRow& public_row(const SyncRound& round) {
    for (const PeerRow& one : round.peers)
      if (one.state == "witness") return one;
    FAIL("no row");
    std::abort();
  }
};

}  // namespace

TEST_CASE("a witness of the policy file that is no node is asked, and makes the quorum") {
  World w;
  w.say(0, 1);
  const SyncRound round = w.sync(0);
  CHECK(round.quorum);
  CHECK(w.asked == std::vector<std::string>{"https://public.example/submit"});
  const PeerRow& row = w.public_row(round);
  CHECK(row.origin == "public.example/witness");
  CHECK(row.name == "public");
  CHECK(row.cosigned_s == w.clock.now_ms() / 1000);
  CHECK(row.fault.empty());
  const log::Note note = log::parse_note(w.member(0).log().published().value().note).value();
  const std::vector<log::NoteKey> keys{w.witness.key()};
  CHECK(log::verify_note(note, keys).value().size() == 1);
  // `hezong status` names it, too.
  const auto op =
      std::ranges::find(ops(), std::string_view("member.status"), [](const api::Op* one) { return one->id; });
  const auto status = (*op)->call(w.at(0).ctx, json::parse("{}").value(), {}).value();
  const json::Array& cosigners = *status.json.find("heads")->array()->at(0).find("cosigners")->array();
  CHECK(
      std::ranges::any_of(cosigners, [](const json::Value& one) { return *one.string() == "public.example/witness"; }));
  // The other two nodes cosign as before.
  CHECK(round.witnesses == 3);
  CHECK(round.cosigned == 3);
}

TEST_CASE("a witness of the policy file that is away, or knows a longer log, is a row with its reason") {
  World w;
  w.away = true;
  w.say(0, 1);
  SyncRound round = w.sync(0);
  CHECK_FALSE(round.quorum);
  CHECK(w.public_row(round).fault.starts_with("node.no_address"));
  CHECK(w.public_row(round).cosigned_s == -1);
  w.away = false;
  CHECK(w.sync(0).quorum);

  // A node that nobody lets reach out asks its peers only.
  w.reach = {};
  w.say(0, 2);
  round = w.sync(0);
  CHECK_FALSE(round.quorum);
  CHECK(round.witnesses == 2);
}

TEST_CASE("a witness of the policy file that is a node of the alliance is asked once, as a node") {
  World w;
  const log::NoteKey key = witness_key(w.member(1).authority()).value();
  const std::string policy =
      fmt::format("witness b {} https://node1.example/witness\nquorum b\n", log::format_vkey(key));
  REQUIRE(write_file_durably(w.member(0).home() / "policy", as_bytes(policy)));
  w.say(0, 1);
  const SyncRound round = w.sync(0);
  CHECK(round.quorum);
  CHECK(w.asked.empty());
  CHECK(round.witnesses == 2);
}

TEST_CASE("a witness that is no member runs where this member says, and status names who said so") {
  World w;
  const auto op =
      std::ranges::find(ops(), std::string_view("member.status"), [](const api::Op* one) { return one->id; });
  const auto status = [&] { return (*op)->call(w.at(0).ctx, json::parse("{}").value(), {}).value(); };
  CHECK(status().text.find("run by no member, say where in witnesses.json: public") != std::string::npos);
  const auto say = [&](std::string_view text) {
    REQUIRE(write_file_durably(w.member(0).home() / "witnesses.json", as_bytes(text)));
    return status();
  };
  const api::Answer said = say(R"({"witnesses":[{"witness":"public","jurisdiction":"SE"}]})");
  INFO(said.text);
  CHECK(said.text.find("said by you (witnesses.json): public SE") != std::string::npos);
  const json::Value& line = said.json.find("witnesses")->array()->at(0);
  CHECK(line.text("jurisdiction") == "SE");
  CHECK(line.text("said_by") == "you");
  const json::Value& loss = said.json.find("losses")->array()->at(0);
  CHECK(loss.text("jurisdiction") == "SE");
  CHECK(loss.text("quorum") == "fails");
  CHECK_FALSE(said.is_no);
  // What is not in form is a fault, and says nothing.
  for (const std::string_view wrong :
       {R"({"witnesses":[{"witness":"another","jurisdiction":"SE"}]})",
        R"({"witnesses":[{"witness":"public","jurisdiction":"Sweden"}]})",
        R"({"witnesses":[{"witness":"public","jurisdiction":"SE"},{"witness":"public","jurisdiction":"NO"}]})"}) {
    const api::Answer refused = say(wrong);
    CHECK(refused.is_no);
    CHECK(refused.text.find("node.witness_places") != std::string::npos);
    CHECK(refused.json.find("witnesses")->array()->at(0).text("said_by") == "nobody");
  }
  // A member speaks for itself.
  const log::NoteKey key = witness_key(w.member(1).authority()).value();
  const std::string policy =
      fmt::format("witness b {} https://node1.example/witness\nquorum b\n", log::format_vkey(key));
  REQUIRE(write_file_durably(w.member(0).home() / "policy", as_bytes(policy)));
  CHECK(say(R"({"witnesses":[{"witness":"b","jurisdiction":"SE"}]})").text.find("said by you") == std::string::npos);
}
