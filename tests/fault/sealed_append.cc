// Sealed statements: a body is durable before the statement that commits to it, whatever goes wrong in between. A batch
// large enough that its blobs are synced together, one alone, and an erasure.
#include "alliance/kinds.h"
#include "blob/store.h"
#include "log/store.h"
#include "member_story.h"
#include "sql/db.h"
#include "statement/sign.h"

namespace hz::fault {
namespace {

constexpr int batch = 4;  // from four on, blobs are synced together

alliance::Draft sealed_site(int number) {
  alliance::Draft draft = site(number, "A");
  draft.idem = Digest{static_cast<std::uint8_t>(number + 1)};
  draft.audience = alliance::Audience{};
  return draft;
}
std::vector<alliance::Draft> sites() {
  std::vector<alliance::Draft> out;
  for (int i = 0; i < batch; ++i) out.push_back(sealed_site(i));
  return out;
}

}  // namespace

void prepare(const fs::path& folder) {
  fs::create_directories(folder);
  need(create(folder));
}

void run(const fs::path& folder) {
  auto member = open(folder);
  const auto receipts = need(member.append(sites()));
  acknowledge("batch " + receipts.back().id);
  const auto one = need(member.append(sealed_site(batch)));
  acknowledge("one " + one.id);
  need(member.erase(need(member.find(one.id)), "wrong"));
  acknowledge("erased");
}

void verify(const fs::path& folder, const std::string& acknowledged) {
  auto member = open(folder);
  need(member.views());
  const bool batch_told = acknowledged.contains("batch "), one_told = acknowledged.contains("one ");
  const std::uint64_t before = member.log().head().size;
  require(!batch_told || before > batch, "an acknowledged batch is there");
  require(!one_told || before > batch + 1, "an acknowledged statement is there");
  // Whatever stands in the log opens; only the one that was to be erased may be gone.
  for (std::uint64_t i = 1; i < before; ++i) {
    auto s = need(statement::read_leaf(need(member.leaf(i)), member.origin(), i));
    if (!s.seal) continue;
    const bool opened = member.open(s).has_value();
    require(opened || i == batch + 1, "a statement in the log has its body");
    if (i == batch + 1 && acknowledged.contains("erased")) require(!opened, "what was erased is gone");
  }
  const auto again = need(member.append(sites()));
  require(again.back().repeated == (before > batch), "the same work again is the same statement");
  require(need(need(member.views())->integer("SELECT count(*) FROM public_pool_site WHERE site <> 'site:s4'")) == batch,
          "the views show the batch once");
}

}  // namespace hz::fault
