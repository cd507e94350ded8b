// What an encrypted body holds is chosen by whoever encrypted it: any plaintext may follow the first byte, which says
// size class and commitment form. What opens is committed to, so nothing but the one body may open.
#include "statement/canonical.h"
#include "statement/sealed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace hz;
  using namespace hz::statement;
  if (size == 0) return 0;
  static SeededRng rng(1);
  static const auto identity = crypto::AgeIdentity::generate(rng);
  Bytes plain(data + 1, data + size);
  const int bucket = data[0] & 1;
  plain.resize(bucket_size(bucket));
  Seal seal{data[0] & 2 ? Commitment::fields : Commitment::body, std::string(64, '0'), bucket, {std::string(64, 'a')}};
  const Bytes blob = crypto::age_encrypt(std::vector{identity.recipient()}, plain, rng).value();
  HZ_ASSERT(!open_body(seal, blob, identity));
  // With the commitment that fits, when the text is a body at all.
  Salt salt;
  std::copy_n(plain.begin(), salt.size(), salt.begin());
  std::string_view text = as_text(ByteView(plain).subspan(salt.size()));
  text = text.substr(0, text.find('\0'));
  const auto body = parse_canonical(text);
  const auto commit = body ? commitment(seal.type, salt, *body) : Result<Digest>(Digest{});
  if (!body || !commit) return 0;
  seal.commit = hex(*commit);
  const auto opened = open_body(seal, blob, identity);
  if (opened) HZ_ASSERT(canonical(opened->body).value() == text);
  return 0;
}
