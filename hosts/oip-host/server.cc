#include "server.h"

#include <fmt/format.h>
#include <httplib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <thread>

#include "base/json.h"
#include "models.h"
#include "reasons.h"

#ifndef HZ_VERSION
#define HZ_VERSION "0"
#endif

namespace hz::host {
namespace {

constexpr auto json_type = "application/json";
constexpr std::size_t drain_bytes_max = std::size_t{1} << 30;

// The protocol knows no error classes: the status says who must act, the slug which class it is.
int http_code(const Error& error) {
  switch (error.reason->code) {
    case Code::invalid:
    case Code::usage:
      return 400;
    default:
      return http_status(error.reason->code);
  }
}

void refuse(httplib::Response& response, const Error& error) {
  json::Value body;
  body.set("error", valid_utf8(error.detail) ? error.detail : "(not UTF-8)");
  body.set("hz_reason", std::string(error.reason->slug));
  response.status = http_code(error);
  response.set_content(json::dump(body), json_type);
}

json::Value tally_json(const Tally& tally) {
  json::Value out;
  out.set("count", static_cast<std::int64_t>(tally.count)).set("ns", static_cast<std::int64_t>(tally.ns));
  return out;
}

json::Value stats_json(const ServedModel& model) {
  const ModelStats s = model.stats();
  json::Value times;
  times.set("success", tally_json(s.success)).set("fail", tally_json(s.failure)).set("queue", tally_json(s.queue));
  times.set("compute_input", tally_json(s.compute_input)).set("compute_infer", tally_json(s.compute_infer));
  times.set("compute_output", tally_json(s.compute_output));
  const auto count = static_cast<std::int64_t>(s.success.count);
  json::Value out;
  out.set("name", model.card().name).set("version", model.card().version).set("last_inference", s.last_inference_ms);
  out.set("inference_count", count).set("execution_count", count);
  out.set("inference_stats", std::move(times)).set("batch_stats", json::Array{});
  return out;
}

class Server {
 public:
  Server(Engine& engine, const Options& options) : models_(engine, options.model_repository), options_(options) {}

  Result<void> run(int out) {
    for (const std::string& name : models_.names_in_folder())
      if (auto loaded = models_.load(name, {}); !loaded) fmt::print(stderr, "oip-host: {}\n", loaded.error().text());
    http_.Get("/(.*)", [this](const auto& request, auto& response) { get(request.path, response); });
    http_.Post("/(.*)",
               [this](const auto& request, auto& response, const auto& reader) { post(request, response, reader); });
    http_.set_error_handler([](const auto&, auto& response) {
      if (response.body.empty()) response.set_content("{\"error\":\"the request was not understood\"}", json_type);
    });
    http_.set_tcp_nodelay(true);
    http_.set_keep_alive_max_count(1u << 20);
    http_.set_payload_max_length(options_.body_bytes_max);
    http_.new_task_queue = [] { return new httplib::ThreadPool(16); };
    const int port = options_.port == 0 ? http_.bind_to_any_port("127.0.0.1")
                                        : (http_.bind_to_port("127.0.0.1", options_.port) ? options_.port : -1);
    if (port < 0) return fail(why("host.resource"), "port {} of 127.0.0.1 cannot be bound", options_.port);
    announce(port, out);
    if (options_.exit_with_parent) std::thread(&end_with_parent).detach();
    if (!http_.listen_after_bind()) return fail(why("host.internal"), "the listening socket failed");
    return {};
  }

 private:
  void announce(int port, int out) const {
    json::Value line;
    line.set("port", port).set("engine", models_.facts().engine).set("version", models_.facts().version);
    line.set("pid", static_cast<std::int64_t>(::getpid()));
    const std::string text = json::dump(line) + "\n";
    (void)!::write(out, text.data(), text.size());
  }

  // Ends the process at end of file on stdin; whatever arrives there is dropped. At once: an orderly stop would wait
  // for idle connections, and nobody is left to read an answer.
  static void end_with_parent() {
    char drop[256];
    while (true) {
      const ssize_t n = ::read(STDIN_FILENO, drop, sizeof drop);
      if (n == 0 || (n < 0 && errno != EINTR)) ::_exit(0);
    }
  }

  // "/v2/models/m/versions/1/infer" -> {"models","m","versions","1","infer"}; empty when it is no path of ours.
  static std::optional<std::vector<std::string>> parts_of(const std::string& path) {
    std::vector<std::string> out;
    std::string_view rest = path;
    while (!rest.empty()) {
      if (rest.front() != '/') return std::nullopt;
      rest.remove_prefix(1);
      const std::string_view part = rest.substr(0, rest.find('/'));
      rest.remove_prefix(part.size());
      if (!part.empty() || !rest.empty()) out.emplace_back(part);
      if (out.size() > 8) return std::nullopt;
    }
    if (out.empty() || out[0] != "v2") return std::nullopt;
    out.erase(out.begin());
    return out;
  }

  // Splits {"models", M, ["versions", V,] verb...}: the model, and what follows.
  Result<std::shared_ptr<ServedModel>> model_of(std::vector<std::string>& parts) const {
    const std::string name = parts.size() > 1 ? parts[1] : "";
    std::string version;
    std::size_t used = 2;
    if (parts.size() > 3 && parts[2] == "versions") {
      version = parts[3];
      used = 4;
    }
    parts.erase(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(std::min(used, parts.size())));
    return models_.find(name, version);
  }

  static std::string joined(const std::vector<std::string>& parts) { return fmt::format("{}", fmt::join(parts, "/")); }

  void get(const std::string& path, httplib::Response& response) {
    auto parts = parts_of(path);
    auto answer = parts ? get_answer(std::move(*parts)) : fail(why("host.not_found"), "no such path: {}", path);
    if (!answer) return refuse(response, answer.error());
    response.set_content(*answer, json_type);
  }

  Result<std::string> get_answer(std::vector<std::string> parts) {
    const std::string route = joined(parts);
    if (route.empty()) return server_metadata();
    if (route == "health/live") return std::string("{\"live\":true}");
    if (route == "health/ready") return std::string("{\"ready\":true}");
    if (route == "models/stats") {
      json::Array stats;
      for (const auto& model : models_.all()) stats.push_back(stats_json(*model));
      return json::dump(json::Value().set("model_stats", std::move(stats)));
    }
    if (parts[0] != "models" || parts.size() < 2) return fail(why("host.not_found"), "no such path: /v2/{}", route);
    const auto model = HZ_TRY(model_of(parts));
    const std::string verb = joined(parts);
    if (verb.empty()) return oip::model_metadata(model->card(), model->signature());
    if (verb == "ready") return json::dump(json::Value().set("name", model->card().name).set("ready", true));
    if (verb == "stats") return json::dump(json::Value().set("model_stats", json::Array{stats_json(*model)}));
    return fail(why("host.not_found"), "no such path: /v2/{}", route);
  }

  std::string server_metadata() const {
    const Facts& facts = models_.facts();
    json::Value parameters;
    parameters.set("hz_engine", facts.engine).set("hz_engine_version", facts.version);
    parameters.set("hz_library_path", facts.library_path).set("hz_library_digest", facts.library_digest);
    json::Value out;
    out.set("name", "oip-host").set("version", HZ_VERSION);
    out.set("extensions", json::Array{"binary_tensor_data", "model_repository", "statistics"});
    out.set("parameters", std::move(parameters));
    return json::dump(out);
  }

  // Reads the body itself, so that the limit also holds for chunked and compressed bodies.
  Result<std::string> read_body(const httplib::Request& request, const httplib::ContentReader& reader) const {
    if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding")) return std::string();
    if (request.is_multipart_form_data()) return fail(why("host.invalid"), "a multipart body");
    // What is too large is read to its end and dropped, or the rest would be taken for the next request.
    std::string body;
    std::size_t total = 0;
    const bool complete = reader([&](const char* data, std::size_t size) {
      total += size;
      if (total <= options_.body_bytes_max) body.append(data, size);
      return total <= drain_bytes_max;
    });
    total = std::max(total, request.get_header_value<std::uint64_t>("Content-Length"));
    if (total > options_.body_bytes_max)
      return fail(why("host.too_large"), "{} bytes, at most {}", total, options_.body_bytes_max);
    if (!complete) return fail(why("host.invalid"), "the body did not arrive whole");
    return body;
  }

  void post(const httplib::Request& request, httplib::Response& response, const httplib::ContentReader& reader) {
    auto body = read_body(request, reader);
    if (!body) return refuse(response, body.error());
    // Browsers send Origin with every cross-site POST: any page could otherwise load models into a server on this
    // machine.
    if (request.has_header("Origin"))
      return refuse(response, Error{&why("host.denied"), "origin " + request.get_header_value("Origin")});
    auto parts = parts_of(request.path);
    if (!parts) return refuse(response, Error{&why("host.not_found"), "no such path: " + request.path});
    if (auto done = post_answer(std::move(*parts), request, *body, response); !done) refuse(response, done.error());
  }

  Result<void> post_answer(std::vector<std::string> parts, const httplib::Request& request, const std::string& body,
                           httplib::Response& response) {
    const std::string route = joined(parts);
    if (route == "repository/index") {
      response.set_content(index(), json_type);
      return {};
    }
    if (parts.size() == 4 && parts[0] == "repository" && parts[1] == "models") {
      if (parts[3] == "load") {
        HZ_TRY(models_.load(parts[2], HZ_TRY(oip::decode_load(body, options_.body_bytes_max))));
      } else if (parts[3] == "unload") {
        HZ_TRY(models_.unload(parts[2]));
      } else {
        return fail(why("host.not_found"), "no such path: /v2/{}", route);
      }
      response.set_content("{}", json_type);
      return {};
    }
    if (parts.empty() || parts[0] != "models") return fail(why("host.not_found"), "no such path: /v2/{}", route);
    const auto model = HZ_TRY(model_of(parts));
    if (joined(parts) != "infer") return fail(why("host.not_found"), "no such path: /v2/{}", route);
    const auto length = HZ_TRY(json_length(request));
    oip::Encoded encoded = HZ_TRY(model->infer(as_bytes(body), length, options_.body_bytes_max));
    if (encoded.json_length)
      response.set_header("Inference-Header-Content-Length", std::to_string(*encoded.json_length));
    response.set_content(std::move(encoded.body), encoded.json_length ? "application/octet-stream" : json_type);
    return {};
  }

  static Result<std::optional<std::size_t>> json_length(const httplib::Request& request) {
    if (!request.has_header("Inference-Header-Content-Length")) return std::optional<std::size_t>();
    const std::string text = request.get_header_value("Inference-Header-Content-Length");
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size())
      return fail(why("host.invalid"), "Inference-Header-Content-Length \"{}\" is no number", text);
    return std::optional<std::size_t>(value);
  }

  std::string index() const {
    json::Array out;
    std::vector<std::string> loaded;
    for (const auto& model : models_.all()) {
      loaded.push_back(model->card().name);
      out.push_back(
          json::Value().set("name", model->card().name).set("version", model->card().version).set("state", "READY"));
    }
    for (const std::string& name : models_.names_in_folder())
      if (std::find(loaded.begin(), loaded.end(), name) == loaded.end())
        out.push_back(json::Value().set("name", name).set("state", "UNAVAILABLE").set("reason", "unloaded"));
    return json::dump(json::Value(std::move(out)));
  }

  Models models_;
  const Options& options_;
  httplib::Server http_;
};

}  // namespace

Result<void> serve_http(Engine& engine, const Options& options, int out) {
  try {
    return Server(engine, options).run(out);
  } catch (const std::exception& e) {
    return fail(why("host.internal"), "{}", e.what());
  }
}

}  // namespace hz::host
