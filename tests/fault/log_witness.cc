// A witness that cosigned a log at 10 is brought its heads at 13 and 20. What it must never do afterwards is cosign
// another history from 10 on.
#include "log/cosignature.h"
#include "log/witness.h"
#include "log_story.h"

namespace hz::fault {
namespace {

log::Witness open_witness(const fs::path& folder) {
  SeededRng rng(78);
  auto witness = need(log::Witness::open(folder / "witness.sqlite", "fault.example/witness",
                                         crypto::SigningKey::generate(rng), system_clock()));
  witness.watch({{std::string(log_name), log::KeyType::ed25519, log_key().verifying_key()}});
  return witness;
}
// Requests are made beforehand, so that faults hit the witness and not the log.
std::string body_of(log::Log& log, std::uint64_t old_size) {
  return log::format_add_checkpoint(
      {old_size, old_size ? need(log.consistency_proof(old_size, log.head().size)) : std::vector<Digest>(),
       log.checkpoint()});
}
int ask(log::Witness& witness, const fs::path& body) {
  return witness
      .answer({.method = "POST",
               .path = "/add-checkpoint",
               .query = {},
               .headers = {},
               .body = need(read_text(body, 1 << 17))},
              "")
      .status;
}
std::uint64_t remembered(log::Witness& witness) {
  const auto note = need(witness.newest(log_name));
  require(note.has_value(), "the witness remembers the log");
  return need(log::parse_checkpoint(need(log::parse_note(*note)).text)).size;
}

}  // namespace

void prepare(const fs::path& folder) {
  auto log = need(log::Log::create(folder / "log", folder / "mark", log_name, log_key()));
  auto fork = need(log::Log::create(folder / "fork", folder / "fork mark", log_name, log_key()));
  need(log.append(log_entries(0, 10)));
  need(fork.append(log_entries(0, 10)));
  need(write_file_durably(folder / "10", as_bytes(body_of(log, 0))));
  need(log.append(log_entries(10, 13)));
  need(write_file_durably(folder / "13", as_bytes(body_of(log, 10))));
  need(log.append(log_entries(13, 20)));
  need(write_file_durably(folder / "20", as_bytes(body_of(log, 13))));
  need(write_file_durably(folder / "20 from 10", as_bytes(body_of(log, 10))));
  need(fork.append(log_entries(50, 53)));
  need(write_file_durably(folder / "fork 13", as_bytes(body_of(fork, 10))));
  auto witness = open_witness(folder);
  require(ask(witness, folder / "10") == 200, "the first head is cosigned");
}

void run(const fs::path& folder) {
  auto witness = open_witness(folder);
  for (const char* size : {"13", "20"}) {
    if (ask(witness, folder / size) != 200) std::exit(4);  // refused in words
    acknowledge(size);
  }
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  std::uint64_t acked = 10;
  if (acknowledged.find("13\n") != std::string::npos) acked = 13;
  if (acknowledged.find("20\n") != std::string::npos) acked = 20;
  auto witness = open_witness(folder);
  const std::uint64_t now = remembered(witness);
  require(now >= acked, "no cosigned head is forgotten");
  require(now == 10 || now == 13 || now == 20, "what it remembers is a head that it was brought");
  if (now > 10) require(ask(witness, folder / "fork 13") != 200, "no second history is cosigned");
  require(remembered(witness) == now, "and none is remembered");
  require(ask(witness, folder / (now == 10 ? "20 from 10" : "20")) == (now == 20 ? 409 : 200), "the work goes on");
  require(remembered(witness) == 20, "up to the newest head");
}

}  // namespace hz::fault
