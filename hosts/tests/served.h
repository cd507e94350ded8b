// An `oip-host serve` started by a test, and a client for it.
#pragma once
#include <httplib.h>

#include "base/json.h"
#include "engine_process.h"

namespace hz::host {

class Served {
 public:
  // Starts the server; `port` stays 0 when it ends before it announces one.
  explicit Served(std::vector<std::string> command) : process_(std::move(command)) {
    std::string line;
    for (char c = 0; ::read(process_.from(), &c, 1) == 1 && c != '\n';) line += c;
    if (const auto announced = json::parse(line))
      if (const json::Value* n = announced->find("port")) port = static_cast<int>(*n->integer());
    if (port == 0) return;
    client = std::make_unique<httplib::Client>("127.0.0.1", port);
    client->set_keep_alive(true);
    client->set_tcp_nodelay(true);
    client->set_read_timeout(20);
  }

  struct Answer {
    int status = 0;
    std::string body;
    json::Value document;  // null when the body's JSON part is none
    std::string raw;       // what follows the JSON
  };
  Answer get(const std::string& path) { return answer(client->Get(path)); }
  Answer post(const std::string& path, const std::string& body, std::optional<std::size_t> json_length = {}) {
    httplib::Headers headers;
    if (json_length) headers.emplace("Inference-Header-Content-Length", std::to_string(*json_length));
    return answer(client->Post(path, headers, body, json_length ? "application/octet-stream" : "application/json"));
  }

  int finish() { return process_.finish(); }

  int port = 0;
  std::unique_ptr<httplib::Client> client;

 private:
  static Answer answer(const httplib::Result& result) {
    Answer out;
    if (!result) return out;
    out.status = result->status;
    out.body = result->body;
    std::size_t length = out.body.size();
    if (result->has_header("Inference-Header-Content-Length"))
      length = std::stoul(result->get_header_value("Inference-Header-Content-Length"));
    out.raw = out.body.substr(length);
    if (auto document = json::parse(std::string_view(out.body).substr(0, length))) out.document = std::move(*document);
    return out;
  }

  EngineProcess process_;
};

}  // namespace hz::host
