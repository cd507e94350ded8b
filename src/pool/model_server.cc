#include "pool/model_server.h"

#include "crypto/hash.h"
#include "pool/reasons.h"
#include "statement/ids.h"

namespace hz::pool {
namespace {

constexpr std::size_t answer_bytes_max = 1 << 20;

std::string shortened(std::string_view text) {
  std::string out(text.substr(0, 300));
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return out;
}

}  // namespace

Result<std::string> read_digest_echo(int status, std::string_view body, const ServerJob& job) {
  if (status != 200) return fail(why("pool.job_load"), "{}: HTTP {}: {}", job.product, status, shortened(body));
  const auto document = json::parse(body, {.size_bytes_max = answer_bytes_max, .depth_max = 16});
  if (!document) return fail(why("pool.job_load"), "{}: metadata: {}", job.product, document.error().detail);
  const json::Value* parameters = document->find("parameters");
  std::string_view echo = parameters ? parameters->text("hz_digest") : std::string_view();
  if (echo.starts_with("sha256:")) echo.remove_prefix(7);
  if (!statement::is_sha256(echo))
    return fail(why("pool.job_digest"), "{}: the server does not say which bytes it serves", job.product);
  if (echo != job.model_sha256)
    return fail(why("pool.job_digest"), "{}: asked for {}, serves {}", job.product, job.model_sha256, echo);
  return std::string(echo);
}

Result<std::string> served_digest(const http::Exchange& ask, const ServerJob& job) {
  const http::Response answer = HZ_TRY(ask({.path = "/v2/models/" + model_name(job.product)}));
  return read_digest_echo(answer.status, answer.body, job);
}

Result<std::string> load_model(const http::Exchange& ask, const ServerJob& job, ByteView model) {
  if (const std::string have = hex(crypto::sha256(model)); have != job.model_sha256)
    return fail(why("pool.model_digest"), "{} has {}, asked for {}", job.model_path, have, job.model_sha256);
  json::Value parameters, document;
  parameters.set("config", "{}").set("file:1/model.onnx", base64(model));
  document.set("parameters", std::move(parameters));
  const http::Response answer =
      HZ_TRY(ask({.method = "POST",
                  .path = fmt::format("/v2/repository/models/{}/load", model_name(job.product)),
                  .headers = {{"content-type", "application/json"}},
                  .body = json::dump(document)}));
  if (answer.status != 200)
    return fail(why("pool.job_load"), "{}: HTTP {}: {}", job.product, answer.status, shortened(answer.body));
  return served_digest(ask, job);
}

}  // namespace hz::pool
