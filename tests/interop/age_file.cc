// Our side of interop.age: encrypts, decrypts and makes keys, for age_program.sh to hold against the age program.
//
//   age_file key FILE                       a new identity into FILE; its recipient on standard output
//   age_file encrypt IN OUT RECIPIENT...
//   age_file decrypt IN OUT IDENTITY_FILE   exit 1 when it is refused
//   age_file refuse IN IDENTITY_FILE        exit 0 when every file with one byte of IN changed is refused
#include <cstdio>
#include <cstdlib>

#include "base/fs.h"
#include "crypto/age.h"

using namespace hz;

namespace {

constexpr std::size_t size_max = 1 << 20;

crypto::AgeIdentity identity_of(const std::string& path) {
  std::string text = read_text(path, 4096).value();
  // The age-keygen program writes comment lines first.
  text = text.substr(text.find("AGE-SECRET-KEY-"));
  text.resize(text.find('\n'));
  return crypto::AgeIdentity::parse(text).value();
}

int usage() {
  std::fputs("usage: age_file key|encrypt|decrypt|refuse ...\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  if (args.size() < 2) return usage();
  if (args[0] == "key") {
    const auto identity = crypto::AgeIdentity::generate(system_rng());
    if (!write_file_durably(args[1], as_bytes(identity.text() + "\n"), 0600)) return 1;
    std::puts(identity.recipient().text().c_str());
    return 0;
  }
  const Bytes in = read_file(args[1], size_max).value();
  if (args[0] == "encrypt" && args.size() > 3) {
    std::vector<crypto::AgeRecipient> recipients;
    for (std::size_t i = 3; i < args.size(); ++i) recipients.push_back(crypto::AgeRecipient::parse(args[i]).value());
    return write_file_durably(args[2], crypto::age_encrypt(recipients, in, system_rng()).value()) ? 0 : 1;
  }
  if (args[0] == "decrypt" && args.size() == 4) {
    const auto plain = crypto::age_decrypt(identity_of(args[3]), in, size_max);
    if (!plain) {
      std::fprintf(stderr, "%s\n", plain.error().text().c_str());
      return 1;
    }
    return write_file_durably(args[2], *plain) ? 0 : 1;
  }
  if (args[0] == "refuse" && args.size() == 3) {
    const auto identity = identity_of(args[2]);
    if (!crypto::age_decrypt(identity, in, size_max)) return 1;
    for (std::size_t i = 0; i < in.size(); ++i)
      for (int bit = 0; bit < 8; ++bit) {
        Bytes bad = in;
        bad[i] ^= static_cast<std::uint8_t>(1 << bit);
        if (crypto::age_decrypt(identity, bad, size_max)) {
          std::fprintf(stderr, "accepted with bit %d of byte %zu changed\n", bit, i);
          return 1;
        }
      }
    std::printf("%zu files with one bit changed, all refused\n", in.size() * 8);
    return 0;
  }
  return usage();
}
