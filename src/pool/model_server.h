// The conversation with a model server over Open Inference Protocol v2: give it the model, and never believe it
// blindly.
#pragma once
#include "base/bytes.h"
#include "base/http.h"
#include "pool/job.h"

namespace hz::pool {

// Loads `model` under its name and looks at what the server then says it serves. The bytes are compared with the digest
// before they are sent. `ask` holds the deadline. Errors: pool.model_digest (the bytes), pool.job_load (the server
// refuses), pool.job_digest (it serves something else, or does not say what), and those of the exchange.
Result<std::string> load_model(const http::Exchange& ask, const ServerJob& job, ByteView model);

// What the server says it serves now, checked in the same way. Errors: pool.job_digest, pool.job_load, and those of the
// exchange.
Result<std::string> served_digest(const http::Exchange& ask, const ServerJob& job);

// The pure part: the answer to GET /v2/models/NAME. Safe on any bytes. Errors: pool.job_load, pool.job_digest.
Result<std::string> read_digest_echo(int status, std::string_view body, const ServerJob& job);

}  // namespace hz::pool
