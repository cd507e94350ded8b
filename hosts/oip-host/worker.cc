#include "worker.h"

#include <unistd.h>

#include <chrono>
#include <new>
#include <thread>

#include "base/json.h"
#include "base/seams.h"
#include "reasons.h"

namespace hz::host {

namespace wire = onnx::wire;

wire::Status status_of(const Error& error) {
  switch (error.reason->code) {
    case Code::unsupported:
    case Code::unavailable:
      return wire::Status::unsupported;
    case Code::exhausted:
      return wire::Status::resource;
    case Code::invalid:
    case Code::usage:
    case Code::not_found:
      return wire::Status::invalid;
    default:
      return wire::Status::internal;
  }
}

std::string facts_json(const Facts& facts) {
  json::Value out;
  out.set("engine", facts.engine).set("version", facts.version);
  out.set("library_path", facts.library_path).set("library_digest", facts.library_digest);
  return json::dump(out);
}

Result<wire::Reply> Worker::attempt(const wire::Request& request) {
  wire::Reply reply;
  switch (request.verb) {
    case wire::Verb::info:
      reply.message = facts_json(engine_.facts());
      break;
    case wire::Verb::load:
      model_.reset();
      model_ = HZ_TRY(engine_.load(request.model));
      break;
    case wire::Verb::run: {
      if (!model_) return fail(why("host.invalid"), "run without a loaded model");
      Outcome outcome = HZ_TRY(model_->run(request.inputs));
      reply.outputs = std::move(outcome.outputs);
      reply.message = std::move(outcome.note);
      break;
    }
    case wire::Verb::unload:
      model_.reset();
      break;
    case wire::Verb::lift:
      reply.model = HZ_TRY(engine_.lift(request.model, request.opset));
      break;
  }
  return reply;
}

wire::Reply Worker::answer(const wire::Request& request) {
  wire::Reply declined;
  try {
    auto reply = attempt(request);
    if (reply) return std::move(*reply);
    declined.status = status_of(reply.error());
    declined.message = reply.error().detail;
  } catch (const std::bad_alloc&) {
    declined.status = wire::Status::resource;
    declined.message = "out of memory";
  } catch (const std::exception& e) {
    declined.status = wire::Status::internal;
    declined.message = e.what();
  }
  if (!valid_utf8(declined.message)) declined.message = "(the engine's message is not UTF-8)";
  return declined;
}

namespace {

bool send_all(int out, ByteView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(out, bytes.data(), bytes.size());
    if (n <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// Sends what a broken engine process might send instead of `payload`. False when the line is to end.
bool send_faulty(int out, Bytes payload, const LineOptions& options) {
  Bytes frame;
  put_be(frame, static_cast<std::uint32_t>(payload.size()));
  switch (options.fault) {
    case LineFault::garbage: {
      SeededRng rng(payload.size());
      rng.fill(payload);
      payload[0] = 0xff;
      put(frame, payload);
      return send_all(out, frame);
    }
    case LineFault::half_reply:
      put(frame, ByteView(payload).first(payload.size() / 2));
      send_all(out, frame);
      return false;
    case LineFault::drip:
      put(frame, payload);
      for (const std::uint8_t& byte : frame) {
        if (!send_all(out, {&byte, 1})) return false;
        std::this_thread::sleep_for(std::chrono::milliseconds(options.slow_ms));
      }
      return true;
    case LineFault::none:
      break;
  }
  return true;
}

}  // namespace

int serve_line(Engine& engine, int in, int out, const LineOptions& options) {
  Worker worker(engine);
  int runs = 0;
  while (true) {
    auto frame = wire::read_frame(in);
    if (!frame) {
      fmt::print(stderr, "oip-host: {}\n", frame.error().text());
      return 1;
    }
    if (!*frame) return 0;
    wire::Reply reply;
    bool is_run = false;
    if (auto request = wire::decode_request(**frame)) {
      is_run = request->verb == wire::Verb::run;
      frame->reset();
      reply = worker.answer(*request);
    } else {
      reply.status = wire::Status::invalid;
      reply.message = request.error().detail;
    }
    Bytes payload = wire::encode(reply);
    if (options.fault != LineFault::none && is_run && ++runs % options.every == 0) {
      if (!send_faulty(out, std::move(payload), options)) return 1;
    } else if (auto sent = wire::write_frame(out, payload); !sent) {
      fmt::print(stderr, "oip-host: {}\n", sent.error().text());
      return 1;
    }
  }
}

int decline_line(const Error& error, int in, int out) {
  auto frame = wire::read_frame(in);
  if (frame && *frame) {
    wire::Reply reply;
    reply.status = wire::Status::unsupported;
    reply.message = error.text();
    (void)wire::write_frame(out, wire::encode(reply));
  }
  return exit_code(error.reason->code);
}

}  // namespace hz::host
