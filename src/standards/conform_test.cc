#include "standards/conform.h"

#include <doctest/doctest.h>

#include <fstream>

#include "sql/db.h"
#include "standards/oip_session.h"
#include "statement/statement.h"

using namespace hz;
using namespace hz::standards;

namespace {

struct Views {
  sql::Db db = *sql::Db::open(":memory:", sql::Mode::scratch);
  std::uint8_t next = 0;

  Views() { REQUIRE(db.run(view_schema())); }
  statement::Statement statement() {
    statement::Statement s;
    s.id[0] = ++next;
    s.issued_ms = next;
    s.issuer = "test.example/log";
    return s;
  }
  std::string one(std::string_view query) { return db.text(query, {})->value_or("(none)"); }
};

OperatorRow row_of(std::string op, Verdict verdict) {
  OperatorRow out;
  out.op_type = std::move(op);
  out.dtype = "float32";
  out.opset = 13;
  out.verdict = verdict;
  out.cases = 2;
  out.passed = verdict == Verdict::strict ? 2 : 1;
  return out;
}

}  // namespace

TEST_CASE("replay: the newest run replaces every operator verdict of its backend, and of no other") {
  Views v;
  const auto results = [](std::string backend, std::string table, std::vector<OperatorRow> rows) {
    OperatorResults out;
    out.backend = std::move(backend);
    out.table_digest = std::move(table);
    out.results = std::move(rows);
    return out;
  };
  REQUIRE(
      replay_operators(v.db, v.statement(),
                       results("backend:a", "t1", {row_of("Abs", Verdict::failed), row_of("Gone", Verdict::strict)})));
  REQUIRE(replay_operators(v.db, v.statement(), results("backend:b", "t1", {row_of("Abs", Verdict::untested)})));
  REQUIRE(replay_operators(v.db, v.statement(), results("backend:a", "t2", {row_of("Abs", Verdict::strict)})));
  REQUIRE(replay_operators(v.db, v.statement(),
                           results("backend:a", "t2", {row_of("Relu", Verdict::basic_only)})));  // part 2
  CHECK(v.one("SELECT group_concat(op_type || ' ' || verdict, ', ') FROM (SELECT * FROM "
              "public_standards_operator_result WHERE backend = 'backend:a' ORDER BY op_type)") ==
        "Abs STRICT, Relu BASIC_ONLY");
  CHECK(v.one("SELECT verdict FROM public_standards_operator_result WHERE backend = 'backend:b'") == "UNTESTED");
}

TEST_CASE("products: others' are tested once they released the model beyond themselves, the strictest demand first") {
  Views v;
  REQUIRE(v.db.run(
      "CREATE TABLE public_alliance_self(member); INSERT INTO public_alliance_self VALUES ('me');"
      "CREATE TABLE public_supply_declared_product(member, product, name, model_sha256, golden_sha256, incumbent, "
      "quality_min_milli, statement);"
      "CREATE VIEW public_supply_product AS SELECT * FROM public_supply_declared_product WHERE member = 'me';"
      "CREATE TABLE public_share_release(member, model_sha256, name, licence, audience, statement);"
      "INSERT INTO public_supply_declared_product VALUES"
      " ('me', 'product:own', '', 'm1', 'g', '', 900, ''),"
      " ('other', 'product:own-too', '', 'm1', 'g', '', 950, ''),"   // this member's demand stands for m1
      " ('other', 'product:shared', '', 'm2', 'g', '', 900, ''),"    // released to the alliance
      " ('third', 'product:stricter', '', 'm2', 'g', '', 930, ''),"  // the same model, more asked of it
      " ('other', 'product:kept', '', 'm3', 'g', '', 900, ''),"      // released for its owner only
      " ('other', 'product:silent', '', 'm4', 'g', '', 900, ''),"    // not released
      " ('third', 'product:foreign', '', 'm5', 'g', '', 900, '');"   // released by somebody else only
      "INSERT INTO public_share_release VALUES ('other', 'm1', '', '', 'alliance', ''),"
      " ('other', 'm2', '', '', 'alliance', ''), ('third', 'm2', '', '', 'everyone', ''),"
      " ('other', 'm3', '', '', 'owner', ''), ('other', 'm5', '', '', 'alliance', '');"));
  CHECK(v.one("SELECT group_concat(member || ' ' || product, ', ') FROM (SELECT * FROM standards_tested_product "
              "ORDER BY own DESC, member, product)") == "me product:own, third product:stricter");
}

TEST_CASE("replay: the newest result of a model on a backend wins, with its blockers") {
  Views v;
  ModelResult r;
  r.model_sha256 = "m";
  r.backend = "backend:a";
  r.verdict = Verdict::untested;
  r.blocking = {"GRU", "Squeeze"};
  REQUIRE(replay_model(v.db, v.statement(), r));
  CHECK(v.one("SELECT group_concat(op_type) FROM public_standards_model_blocker") == "GRU,Squeeze");
  r.verdict = Verdict::strict;
  r.quality_milli = 943;
  r.blocking = {};
  REQUIRE(replay_model(v.db, v.statement(), r));
  CHECK(v.one("SELECT verdict || quality_milli || ' ' || count(*) FROM public_standards_model_result") ==
        "STRICT943 1");
  CHECK(v.one("SELECT op_type FROM public_standards_model_blocker") == "(none)");
  CHECK(v.one("SELECT statement FROM public_standards_model_result").starts_with("02"));
}

TEST_CASE("replay: backends and run counts are replaced, not added up") {
  Views v;
  BackendFact b{"backend:a", "A", "a", "1", "liba.so", "d", sandbox::Isolation::s0};
  REQUIRE(replay_backend(v.db, v.statement(), b));
  b.version = "2";
  REQUIRE(replay_backend(v.db, v.statement(), b));
  CHECK(v.one("SELECT version || library_path || isolation FROM public_standards_backend") == "2liba.soS0");
  RunFact run;
  run.backend = "backend:a";
  run.counts = {{Status::pass, 5}, {Status::crash, 1}};
  REQUIRE(replay_run(v.db, v.statement(), run));
  run.counts = {{Status::pass, 6}};
  REQUIRE(replay_run(v.db, v.statement(), run));
  CHECK(v.one("SELECT group_concat(status || cases) FROM standards_run_count") == "pass6");
}

TEST_CASE("statements: every payload survives its JSON, and parts stay below their size") {
  std::vector<OperatorRow> rows;
  for (int i = 0; i < 600; ++i) {
    rows.push_back(row_of(fmt::format("Op{}", i), Verdict::failed));
    rows.back().worst = std::string(200, 'w');
  }
  const auto parts = cut(rows);
  CHECK(parts.size() > 4);
  std::size_t total = 0;
  for (const auto& part : parts) {
    OperatorResults payload;
    payload.results = part;
    const std::string text = json::dump(to_json(payload));
    CHECK(text.size() <= 30 * 1024);
    CHECK(from_json<OperatorResults>(*json::parse(text))->results.size() == part.size());
    total += part.size();
  }
  CHECK(total == 600);
  CHECK(cut({}).size() == 1);
}

TEST_CASE("case table: the same outcome gives the same bytes, whatever the times") {
  Suite suite;
  suite.cases.resize(2);
  suite.cases[0].name = "node/a";
  suite.cases[1].name = "node/b";
  Run run;
  run.results.resize(2);
  run.results[0].status = Status::repaired;
  run.results[0].repair = "lift to 8";
  run.results[1].status = Status::wrong;
  run.results[1].detail = "output 0: ...";
  const std::string table = case_table(suite, run, "backend:a", "pipe");
  run.results[0].us = 99;
  run.wall_us = 5;
  CHECK(case_table(suite, run, "backend:a", "pipe") == table);
  CHECK(table.find(R"({"case":"node/a","match":"equal","repair":"lift to 8","status":"repaired"})") !=
        std::string::npos);
}

TEST_CASE("products: files are found by their digest, other kinds and unreadable folders are not") {
  const TempDir temp;
  fs::create_directories(temp.path() / "a/b");
  std::ofstream(temp.path() / "a/b/m.onnx") << "bytes";
  std::ofstream(temp.path() / "a/readme.md") << "bytes";
  const auto files = index_files(temp.path()).value();
  REQUIRE(files.size() == 1);
  CHECK(files.begin()->second.filename() == "m.onnx");
  CHECK(files.begin()->first.size() == 64);
  CHECK(index_files(temp.path() / "none").error().reason->slug == "base.read");
}

TEST_CASE("backends: a name nobody knows and a missing oip-host are refused by name") {
  CHECK(find_backend("tpu").error().reason->slug == "standards.unknown_backend");
  CHECK((*find_backend("backend:opencv"))->id == "opencv");
  CHECK(worker_command({{}, ""}, "ort").error().reason->slug == "standards.no_backend");
}

TEST_CASE("suite: a case that does not decode is refused with its file") {
  const TempDir temp;
  fs::create_directories(temp.path() / "node/test_bad");
  std::ofstream(temp.path() / "node/test_bad/model.onnx") << "\xff\xff\xff";
  const auto r = read_suite(temp.path(), {}, builtin_errata());
  REQUIRE_FALSE(r);
  CHECK(r.error().reason->slug == "standards.suite");
  CHECK(r.error().detail.starts_with("node/test_bad/model.onnx: onnx."));
}

TEST_CASE("oip: requests carry raw bytes, answers with any lie are refused") {
  onnx::Value v;
  v.type = onnx::Value::Type::tensor;
  v.name = "x";
  v.tensor.dtype = onnx::Dtype::string;
  v.tensor.shape = {2};
  v.tensor.strings = {"a", "bc"};
  const oip::Message m = oip::encode_infer({v});
  CHECK(m.head.find(R"("binary_data_size":11)") != std::string::npos);
  CHECK(m.body.size() == m.head.size() + 11);
  const auto answer = [](std::string output, std::string_view tail) {
    const std::string head = R"({"model_name":"case","outputs":[)" + output + "]}";
    const std::string body = head + std::string(tail);
    return oip::decode_infer(as_bytes(body), head.size());
  };
  const auto good =
      answer(R"({"name":"y","datatype":"INT8","shape":[2],"parameters":{"binary_data_size":2}})", "\x01\x02");
  REQUIRE(good);
  CHECK(good->outputs[0].tensor.data == Bytes{1, 2});
  for (const char* bad :
       {R"({"name":"y","datatype":"INT8","shape":[3],"parameters":{"binary_data_size":2}})",
        R"({"name":"y","datatype":"INT8","shape":[2]})",
        R"({"name":"y","datatype":"BF16","shape":[1],"parameters":{"binary_data_size":2}})",
        R"({"name":"y","datatype":"INT8","shape":[-2],"parameters":{"binary_data_size":2}})",
        R"({"name":"y","datatype":"INT8","shape":[9999999999,9999999999],"parameters":{"binary_data_size":2}})",
        R"({"name":"y","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":2}})",
        R"({"name":"y","datatype":"INT8","shape":[1],"parameters":{"binary_data_size":1}})", ""})
    CHECK(answer(bad, "\x01\x02").error().reason->slug == "standards.oip");
  CHECK_FALSE(oip::decode_infer(as_bytes("{}"), 99));
}
