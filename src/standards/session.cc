#include "standards/session.h"

#include "base/json.h"
#include "standards/reasons.h"

namespace hz::standards {
namespace {

namespace wire = onnx::wire;
constexpr std::size_t frame_bytes_max = 512u << 20;

class PipeSession final : public Session {
 public:
  explicit PipeSession(sandbox::Process process) : process_(std::move(process)) {}

  // A failure shows when the answer is read, together with what the process complained.
  void greet() { (void)process_.write_frame(wire::encode(info_request()), sandbox::in_ms(1000)); }

  Result<EngineFacts> facts(sandbox::Deadline deadline) override {
    if (facts_) return *facts_;
    auto reply = read(deadline);
    if (!reply) {
      const std::string complaint = process_.complaint();
      return fail(why("standards.worker"), "{}{}{}", reply.error().text(), complaint.empty() ? "" : ": ", complaint);
    }
    if (reply->status != wire::Status::ok) return fail(why("standards.worker"), "{}", reply->message);
    const auto document = json::parse(reply->message, {.size_bytes_max = 1 << 16, .depth_max = 4});
    if (!document) return fail(why("standards.worker"), "its facts: {}", document.error().text());
    facts_ = EngineFacts{std::string(document->text("engine")), std::string(document->text("version")),
                         std::string(document->text("library_path")), std::string(document->text("library_digest"))};
    return *facts_;
  }

  Result<wire::Reply> ask(const wire::Request& request, sandbox::Deadline deadline) override {
    if (!facts_) HZ_TRY(facts(deadline));
    HZ_TRY(process_.write_frame(wire::encode(request), deadline));
    return read(deadline);
  }

 private:
  Result<wire::Reply> read(sandbox::Deadline deadline) {
    const Bytes frame = HZ_TRY(process_.read_frame(frame_bytes_max, deadline));
    return wire::decode_reply(frame);
  }

  sandbox::Process process_;
  std::optional<EngineFacts> facts_;
};

}  // namespace

wire::Request info_request() { return {}; }
wire::Request load_request(Bytes model) {
  wire::Request out;
  out.verb = wire::Verb::load;
  out.model = std::move(model);
  return out;
}
wire::Request run_request(std::vector<onnx::Value> inputs) {
  wire::Request out;
  out.verb = wire::Verb::run;
  out.inputs = std::move(inputs);
  return out;
}
wire::Request lift_request(Bytes model, std::int64_t opset) {
  wire::Request out = load_request(std::move(model));
  out.verb = wire::Verb::lift;
  out.opset = opset;
  return out;
}

Result<std::unique_ptr<Session>> open_pipe_session(const sandbox::Command& command) {
  auto session = std::make_unique<PipeSession>(HZ_TRY(sandbox::Process::start(command)));
  session->greet();
  return session;
}

}  // namespace hz::standards
