// `oip-host serve` end to end over real sockets: `http_test OIP_HOST ENGINE`. Ends with 77 when the engine is not here.
#define DOCTEST_CONFIG_IMPLEMENT
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/socket.h>

#include <csignal>
#include <cstring>
#include <thread>

#include "official_case.h"
#include "served.h"

using namespace hz;
using namespace hz::host;

namespace {

std::string program, engine;

std::vector<std::string> command(std::vector<std::string> more = {}) {
  std::vector<std::string> out{program, "serve", "--engine", engine, "--exit-with-parent"};
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

OfficialCase official(const char* name) { return read_official_case(fs::path(suite_folder) / "node" / name).value(); }

std::string load_body(const Bytes& model, std::string_view version = "1", std::string_view more = "") {
  return fmt::format(R"({{"parameters":{{"config":"{{}}","file:{}/model.onnx":"{}"{}}}}})", version, base64(model),
                     more);
}

// The two inputs of test_add: 60 floats each.
std::string add_json(std::string_view tail = "") {
  std::string data;
  for (int i = 0; i < 60; ++i) data += fmt::format("{}{}", i > 0 ? "," : "", i);
  const auto input = [&](const char* name) {
    return fmt::format(R"({{"name":"{}","datatype":"FP32","shape":[3,4,5],"data":[{}]}})", name, data);
  };
  return fmt::format(R"({{"id":"q-1","inputs":[{},{}]{}}})", input("x"), input("y"), tail);
}

// The same as JSON header and raw data.
std::pair<std::string, std::size_t> add_binary(std::string_view tail = "") {
  const auto input = [](const char* name) {
    return fmt::format(R"({{"name":"{}","datatype":"FP32","shape":[3,4,5],"parameters":{{"binary_data_size":240}}}})",
                       name);
  };
  std::string body = fmt::format(R"({{"inputs":[{},{}]{}}})", input("x"), input("y"), tail);
  const std::size_t length = body.size();
  for (int k = 0; k < 2; ++k)
    for (int i = 0; i < 60; ++i) {
      const auto value = static_cast<float>(i);
      body.append(reinterpret_cast<const char*>(&value), 4);
    }
  return {body, length};
}

const json::Value& first_output(const Served::Answer& answer) {
  static const json::Value nothing;
  const json::Value* outputs = answer.document.find("outputs");
  return outputs != nullptr && outputs->array() != nullptr && !outputs->array()->empty() ? outputs->array()->front()
                                                                                         : nothing;
}

// A server with test_add loaded as "add".
struct Fixture {
  Fixture() : server(command()) {
    REQUIRE(server.port > 0);
    const auto loaded = server.post("/v2/repository/models/add/load", load_body(official("test_add").model));
    REQUIRE_MESSAGE(loaded.status == 200, loaded.body);
  }
  Served server;
};

// Sends bytes as they are and returns everything that comes back until the server closes or 2 s pass.
std::string raw_exchange(int port, std::string_view bytes) {
  Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  const timeval limit{2, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  REQUIRE(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(bytes.size()));
  ::shutdown(fd.get(), SHUT_WR);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = ::recv(fd.get(), buffer, sizeof buffer, 0)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  return out;
}

}  // namespace

TEST_CASE("health and metadata of the server") {
  Served server(command());
  CHECK(server.get("/v2/health/live").status == 200);
  CHECK(server.get("/v2/health/ready").status == 200);
  for (const char* path : {"/v2", "/v2/"}) {
    const auto about = server.get(path);
    CHECK(about.status == 200);
    CHECK(about.document.text("name") == "oip-host");
    const json::Value* extensions = about.document.find("extensions");
    REQUIRE(extensions != nullptr);
    for (const char* extension : {"binary_tensor_data", "model_repository", "statistics"})
      CHECK(std::find(extensions->array()->begin(), extensions->array()->end(), json::Value(extension)) !=
            extensions->array()->end());
    CHECK(about.document.find("parameters")->text("hz_engine") == engine);
  }
  CHECK(server.post("/v2/repository/index", "").body == "[]");
  CHECK(server.finish() == 0);
}

TEST_CASE("a model is loaded inline, described, and unloaded") {
  Fixture f;
  const Bytes model = official("test_add").model;
  for (const char* path : {"/v2/models/add", "/v2/models/add/versions/1"}) {
    const auto about = f.server.get(path);
    CHECK(about.status == 200);
    CHECK(about.document.text("name") == "add");
    CHECK(*about.document.find("versions") == json::Value(json::Array{"1"}));
    CHECK(about.document.text("platform") == engine + "_onnx");
    const json::Value& input = about.document.find("inputs")->array()->front();
    CHECK(input.text("name") == "x");
    CHECK(input.text("datatype") == "FP32");
    CHECK(*input.find("shape") == json::Value(json::Array{3, 4, 5}));
    CHECK(about.document.find("inputs")->array()->size() == 2);
    CHECK(about.document.find("outputs")->array()->front().text("name") == "sum");
    CHECK(about.document.find("parameters")->text("hz_digest").size() == 64);
  }
  const std::string digest(f.server.get("/v2/models/add").document.find("parameters")->text("hz_digest"));
  CHECK(f.server.get("/v2/models/add/ready").status == 200);
  CHECK(f.server.get("/v2/models/add/versions/1/ready").status == 200);
  const auto index = f.server.post("/v2/repository/index", "{}");
  CHECK(index.document.array()->front().text("state") == "READY");
  const std::string by_digest = fmt::format(R"(,"hz_digest":"{}")", digest);
  CHECK(f.server.post("/v2/repository/models/twin/load", load_body(model, "7", by_digest)).status == 200);
  CHECK(f.server.get("/v2/models/twin/versions/7").status == 200);
  CHECK(f.server.post("/v2/repository/models/add/unload", "").status == 200);
  CHECK(f.server.get("/v2/models/add/ready").status == 404);
  CHECK(f.server.post("/v2/repository/models/add/unload", "").status == 404);
  CHECK(f.server.get("/v2/models/twin/ready").status == 200);
}

TEST_CASE("inference in JSON") {
  Fixture f;
  for (const char* path : {"/v2/models/add/infer", "/v2/models/add/versions/1/infer"}) {
    const auto answer = f.server.post(path, add_json());
    REQUIRE_MESSAGE(answer.status == 200, answer.body);
    CHECK(answer.document.text("model_name") == "add");
    CHECK(answer.document.text("model_version") == "1");
    CHECK(answer.document.text("id") == "q-1");
    const json::Value& output = first_output(answer);
    CHECK(output.text("name") == "sum");
    CHECK(output.text("datatype") == "FP32");
    CHECK(*output.find("shape") == json::Value(json::Array{3, 4, 5}));
    REQUIRE(output.find("data")->array()->size() == 60);
    CHECK((*output.find("data")->array())[59] == json::Value(118));
  }
  CHECK(f.server.post("/v2/models/add/infer", add_json(R"(,"outputs":[{"name":"sum"}])")).status == 200);
}

TEST_CASE("inference with binary tensors, in and out") {
  Fixture f;
  const auto [body, length] = add_binary(R"(,"parameters":{"binary_data_output":true})");
  const auto answer = f.server.post("/v2/models/add/infer", body, length);
  REQUIRE_MESSAGE(answer.status == 200, answer.body);
  CHECK(*first_output(answer).find("parameters")->find("binary_data_size") == json::Value(240));
  REQUIRE(answer.raw.size() == 240);
  float last = 0;
  std::memcpy(&last, answer.raw.data() + 236, 4);
  CHECK(last == 118);

  const auto [plain, plain_length] = add_binary();
  const auto json_out = f.server.post("/v2/models/add/infer", plain, plain_length);
  CHECK(json_out.status == 200);
  CHECK(json_out.raw.empty());
  CHECK(first_output(json_out).find("data")->array()->size() == 60);

  const auto named = f.server.post("/v2/models/add/infer",
                                   add_json(R"(,"outputs":[{"name":"sum","parameters":{"binary_data":true}}])"));
  CHECK(named.raw == answer.raw);
}

TEST_CASE("statistics count what happened") {
  Fixture f;
  for (int i = 0; i < 3; ++i) REQUIRE(f.server.post("/v2/models/add/infer", add_json()).status == 200);
  CHECK(f.server.post("/v2/models/add/infer", "{}").status == 400);
  for (const char* path : {"/v2/models/add/stats", "/v2/models/stats", "/v2/models/add/versions/1/stats"}) {
    const auto answer = f.server.get(path);
    REQUIRE(answer.status == 200);
    const json::Value& stats = answer.document.find("model_stats")->array()->front();
    CHECK(stats.text("name") == "add");
    CHECK(*stats.find("inference_count") == json::Value(3));
    const json::Value* times = stats.find("inference_stats");
    CHECK(*times->find("success")->find("count") == json::Value(3));
    CHECK(*times->find("fail")->find("count") == json::Value(1));
    const auto ns = [&](const char* part) { return *times->find(part)->find("ns")->integer(); };
    CHECK(ns("compute_infer") > 0);
    CHECK(ns("success") >= ns("queue") + ns("compute_input") + ns("compute_infer") + ns("compute_output"));
  }
}

TEST_CASE("wrong requests get 400, an error text and a reason, and the server goes on") {
  Fixture f;
  const auto [binary, length] = add_binary();
  const std::string path = "/v2/models/add/infer";
  const auto refused = [&](const Served::Answer& answer) {
    CAPTURE(answer.body);
    CHECK(answer.status == 400);
    CHECK_FALSE(answer.document.text("error").empty());
    CHECK(answer.document.text("hz_reason") == "host.invalid");
  };
  for (const std::string& body :
       {std::string(), std::string("{"), std::string("[]"), std::string("{}"), std::string(R"({"inputs":[]})"),
        std::string(R"({"inputs":[{"name":"x","datatype":"FP32","shape":[3,4,5],"data":[1]}]})"),
        std::string(R"({"inputs":[{"name":"x","datatype":"FP31","shape":[1],"data":[1]}]})"),
        add_json(R"(,"outputs":[{"name":"nosuch"}])"), add_json(R"(,"outputs":7)"), std::string(100, '['),
        std::string("\xff\xfe")})
    refused(f.server.post(path, body));
  refused(f.server.post(path, binary, length - 1));
  refused(f.server.post(path, binary, binary.size() + 1));
  refused(f.server.post(path, binary + "more", length));
  refused(f.server.post(path, binary.substr(0, binary.size() - 4), length));
  refused(f.server.post(path, binary));
  httplib::Headers odd{{"Inference-Header-Content-Length", "-5"}};
  CHECK(f.server.client->Post(path, odd, binary, "application/octet-stream")->status == 400);
  refused(f.server.post("/v2/repository/models/x/load", load_body({1, 2, 3}, "0")));
  refused(f.server.post("/v2/repository/models/x/load", R"({"parameters":{"config":"{}","file:1/model.onnx":"*"}})"));
  refused(f.server.post("/v2/repository/models/.hidden/load", load_body(official("test_add").model)));
  refused(f.server.post("/v2/repository/models/x/load",
                        load_body(official("test_add").model, "1", R"(,"hz_digest":"00")")));
  CHECK(f.server.post(path, add_json()).status == 200);
}

TEST_CASE("unknown models, versions and paths are 404") {
  Fixture f;
  for (const char* path :
       {"/", "/v1", "/v2/nothing", "/v2/models", "/v2/models/none", "/v2/models/none/ready",
        "/v2/models/add/versions/2", "/v2/models/add/dance", "/v2/models/none/stats", "/v2/a/b/c/d/e/f/g/h/i/j/k"}) {
    CAPTURE(path);
    const auto answer = f.server.get(path);
    CHECK(answer.status == 404);
    CHECK_FALSE(answer.document.text("error").empty());
  }
  CHECK(f.server.post("/v2/models/none/infer", add_json()).status == 404);
  CHECK(f.server.post("/v2/models/add/versions/2/infer", add_json()).status == 404);
  CHECK(f.server.post("/v2/repository/models/none/load", "").status == 404);
}

TEST_CASE("a model the engine or the protocol cannot carry is refused at load") {
  Served server(command());
  const auto garbage = server.post("/v2/repository/models/g/load", load_body({1, 2, 3, 4}));
  CHECK((garbage.status == 400 || garbage.status == 501));
  const auto sequence =
      server.post("/v2/repository/models/s/load", load_body(official("test_identity_sequence").model));
  CHECK(sequence.status == 501);
  CHECK(sequence.document.text("hz_reason") == "host.unsupported");
  CHECK(server.post("/v2/repository/index", "").body == "[]");
}

TEST_CASE("a body beyond the limit is refused, announced or not") {
  Served server(command({"--body-bytes-max", "10000"}));
  const std::string large(20000, ' ');
  CHECK(server.post("/v2/models/add/infer", large).status == 413);
  httplib::Client chunked("127.0.0.1", server.port);
  const auto answer = chunked.Post(
      "/v2/models/add/infer",
      [&](std::size_t, httplib::DataSink& sink) {
        sink.write(large.data(), large.size());
        sink.done();
        return true;
      },
      "application/json");
  REQUIRE(answer);
  CHECK(answer->status == 413);
  CHECK(server.get("/v2/health/live").status == 200);
}

TEST_CASE("bytes that are no HTTP harm nobody") {
  Served server(command());
  for (const char* bytes : {"\r\n\r\n", "GET\r\n\r\n", "POST /v2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                            "POST /v2/repository/index HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                            "GET /v2/%zz%00 HTTP/1.1\r\n\r\n", "\x16\x03\x01\x02\x00"})
    CHECK(raw_exchange(server.port, bytes).find("200 OK") == std::string::npos);
  CHECK(server.get("/v2/health/live").status == 200);
}

TEST_CASE("a web page may not load models") {
  Served server(command());
  const auto answer = server.client->Post("/v2/repository/models/add/load", {{"Origin", "http://example.org"}},
                                          load_body(official("test_add").model), "text/plain");
  REQUIRE(answer);
  CHECK(answer->status == 403);
  CHECK(server.get("/v2/models/add").status == 404);
}

TEST_CASE("many clients at once get their own answers") {
  Fixture f;
  std::atomic<int> right = 0;
  std::vector<std::thread> clients;
  for (int t = 0; t < 4; ++t)
    clients.emplace_back([&] {
      httplib::Client client("127.0.0.1", f.server.port);
      for (int i = 0; i < 25; ++i) {
        const auto answer = client.Post("/v2/models/add/infer", add_json(), "application/json");
        if (answer && answer->status == 200 && answer->body.find(",118]") != std::string::npos) ++right;
      }
    });
  for (std::thread& client : clients) client.join();
  CHECK(right == 100);
}

TEST_CASE("a folder is a model repository, and its newest version is served") {
  const TempDir dir;
  for (const char* version : {"2", "10"}) {
    fs::create_directories(dir.path() / "add" / version);
    fs::copy_file(fs::path(suite_folder) / "node/test_add/model.onnx", dir.path() / "add" / version / "model.onnx");
  }
  fs::create_directories(dir.path() / "empty");
  Served server(command({"--model-repository", dir.path().string()}));
  CHECK(server.get("/v2/models/add/versions/10").status == 200);
  CHECK(server.post("/v2/repository/models/add/unload", "").status == 200);
  CHECK(server.post("/v2/repository/index", "").body.find("UNAVAILABLE") != std::string::npos);
  CHECK(server.post("/v2/repository/models/add/load", "").status == 200);
  CHECK(server.post("/v2/models/add/infer", add_json()).status == 200);
  CHECK(server.post("/v2/repository/models/empty/load", "").status == 404);
}

TEST_CASE("strings travel as BYTES, in JSON and in binary") {
  if (engine != "ort") return;  // the only engine here with string operators
  Served server(command());
  REQUIRE(server.post("/v2/repository/models/to/load", load_body(official("test_cast_FLOAT_to_STRING").model)).status ==
          200);
  REQUIRE(
      server.post("/v2/repository/models/from/load", load_body(official("test_cast_STRING_to_FLOAT").model)).status ==
      200);
  const std::string numbers = "[0.5,-2,3,4,5,6,7,8,9,10,11,12.25]";
  const std::string request = R"({"inputs":[{"name":"input","datatype":"FP32","shape":[3,4],"data":)" + numbers + "}]";
  const auto text = server.post("/v2/models/to/infer", request + "}");
  REQUIRE_MESSAGE(text.status == 200, text.body);
  CHECK(first_output(text).text("datatype") == "BYTES");
  const json::Value* strings = first_output(text).find("data");
  REQUIRE(strings != nullptr);
  CHECK(strings->array()->size() == 12);
  const auto back =
      server.post("/v2/models/from/infer", R"({"inputs":[{"name":"input","datatype":"BYTES","shape":[3,4],"data":)" +
                                               json::dump(*strings) + "}]}");
  REQUIRE_MESSAGE(back.status == 200, back.body);
  CHECK(json::dump(*first_output(back).find("data")) == numbers);

  const auto raw = server.post("/v2/models/to/infer", request + R"(,"parameters":{"binary_data_output":true}})");
  std::string header = fmt::format(
      R"({{"inputs":[{{"name":"input","datatype":"BYTES","shape":[3,4],"parameters":{{"binary_data_size":{}}}}}]}})",
      raw.raw.size());
  const std::size_t length = header.size();
  const auto again = server.post("/v2/models/from/infer", header + raw.raw, length);
  CHECK(json::dump(*first_output(again).find("data")) == numbers);
}

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "http_test OIP_HOST ENGINE\n");
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);
  program = argv[1];
  engine = argv[2];
  if (!fs::exists(suite_folder) || Served(command()).port == 0) {
    fmt::print("SKIPPED: engine {} or libonnx-testdata is not here\n", engine);
    return 77;
  }
  return doctest::Context(argc, argv).run();
}
