#include "standards/golden.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

using namespace hz;
using namespace hz::standards;

namespace {

template <class T>
void put_little(Bytes& out, T value) {
  const auto* p = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), p, p + sizeof(T));
}

std::string header_text(std::string_view storage = R"({"dtype":"int8","scale_log2":-1,"zero":1})", int cases = 4) {
  return fmt::format(
      R"({{"product":"toy","cases":{},"input":{{"name":"x","dtype":"float32","shape":[2]}},"storage":{},)"
      R"("labels":"class","classes":["a","b"],"quality_metric":"top1"}})",
      cases, storage);
}

Bytes file(const std::string& header, const Bytes& inputs, const std::vector<std::uint16_t>& labels,
           const std::vector<float>& reference) {
  Bytes out;
  put(out, as_bytes("HZG1"));
  put_little(out, static_cast<std::uint32_t>(header.size()));
  put(out, as_bytes(header));
  put(out, inputs);
  for (const auto label : labels) put_little(out, label);
  for (const float v : reference) put_little(out, v);
  return out;
}

Bytes toy() { return file(header_text(), {1, 2, 3, 4, 5, 6, 0xff, 0}, {0, 1, 0, 1}, {2, 1, 1, 2, 3, 1, 0, 1}); }

// `cases` cases with two classes, the reference preferring class i % 2 by a clear margin, labels the same.
Golden wide(std::size_t cases) {
  Golden g;
  g.product = "wide";
  g.cases = cases;
  g.shape = {2};
  g.classes = {"a", "b"};
  for (std::size_t i = 0; i < cases; ++i) {
    put_little(g.inputs, static_cast<float>(i));
    put_little(g.inputs, 0.5f);
    g.labels.push_back(static_cast<std::uint16_t>(i % 2));
    const float base = 1.0f + static_cast<float>(i % 7);
    g.reference.push_back(base + (i % 2 == 0 ? 2.0f : 0.0f));
    g.reference.push_back(base + (i % 2 == 1 ? 2.0f : 0.0f));
  }
  return g;
}

}  // namespace

TEST_CASE("golden: values are (stored - zero) * 2^scale, exactly, and batches keep their order") {
  const Golden g = decode_golden(toy()).value();
  CHECK(g.cases == 4);
  const onnx::Tensor t = g.batch(1, 3);
  CHECK(t.shape == std::vector<std::int64_t>{3, 2});
  float values[6];
  std::memcpy(values, t.data.data(), sizeof values);
  CHECK(values[0] == 1.0f);
  CHECK(values[1] == 1.5f);
  CHECK(values[4] == -1.0f);
  CHECK(values[5] == -0.5f);
  CHECK(g.labels == std::vector<std::uint16_t>{0, 1, 0, 1});
}

TEST_CASE("golden: integer inputs stay integers") {
  const std::string header =
      R"({"product":"t","cases":1,"input":{"name":"x","dtype":"int64","shape":[2]},)"
      R"("storage":{"dtype":"int16"},"labels":"class","classes":["a","b"],"quality_metric":"top1"})";
  const Golden g = decode_golden(file(header, {1, 0, 0xfe, 0xff}, {0}, {1, 0})).value();
  std::int64_t values[2];
  std::memcpy(values, g.inputs.data(), sizeof values);
  CHECK(values[0] == 1);
  CHECK(values[1] == -2);
}

TEST_CASE("golden: every cut and every lie of the file is refused") {
  const Bytes whole = toy();
  for (std::size_t n = 0; n < whole.size(); ++n) CHECK_FALSE(decode_golden(ByteView(whole).first(n)));
  Bytes longer = whole;
  longer.push_back(0);
  CHECK_FALSE(decode_golden(longer));
  const Bytes in{1, 2, 3, 4, 5, 6, 7, 8};
  const std::vector<float> ref{2, 1, 1, 2, 3, 1, 0, 1};
  CHECK(decode_golden(file(header_text(), in, {0, 1, 2, 1}, ref)).error().detail ==
        "toy: case 2: label 2 of 2 classes");
  std::vector<float> nan = ref;
  nan[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK(decode_golden(file(header_text(), in, {0, 1, 0, 1}, nan)).error().detail ==
        "toy: case 2: the reference is not finite");
  for (const char* storage :
       {R"({"dtype":"float64"})", R"({"dtype":"int8","scale_log2":4000000})", R"({"dtype":"int8","zero":99999999999})"})
    CHECK_FALSE(decode_golden(file(header_text(storage), in, {0, 1, 0, 1}, ref)));
  for (const int cases : {0, -1, 2'000'000'000})
    CHECK_FALSE(decode_golden(file(header_text(R"({"dtype":"int8"})", cases), in, {0, 1, 0, 1}, ref)));
}

TEST_CASE("golden: the reference itself is STRICT; equal answers leave no witness") {
  const Golden g = wide(1000);
  const Judgement j = judge_golden(g, g.reference, 900, false);
  CHECK(j.verdict == Verdict::strict);
  CHECK(j.quality_milli == 1000);
  CHECK(j.agreement_milli == 1000);
  CHECK(j.logits == Match::equal);
  CHECK(j.worst.empty());
  CHECK(judge_golden(g, g.reference, 900, true).verdict == Verdict::basic_only);  // repaired: never STRICT
}

TEST_CASE("golden: right classes with logits beyond tolerance are BASIC_ONLY, with the worst witness") {
  const Golden g = wide(1000);
  std::vector<float> off = g.reference;
  off[17] += 0.5f;
  const Judgement j = judge_golden(g, off, 900, false);
  CHECK(j.verdict == Verdict::basic_only);
  CHECK(j.worst.starts_with("case 8, class b: logit"));
  std::vector<float> close = g.reference;
  for (float& v : close) v *= 1.0005f;
  CHECK(judge_golden(g, close, 900, false).verdict == Verdict::strict);
  CHECK(judge_golden(g, close, 900, false).logits == Match::within);
}

TEST_CASE("golden: agreement decides at 999 and 990, quality at its minimum") {
  const Golden g = wide(1000);
  const auto swapped = [&](std::size_t n) {
    std::vector<float> out = g.reference;
    for (std::size_t i = 0; i < n; ++i) std::swap(out[2 * i], out[2 * i + 1]);
    return out;
  };
  CHECK(judge_golden(g, swapped(10), 900, false).verdict == Verdict::basic_only);
  CHECK(judge_golden(g, swapped(11), 900, false).verdict == Verdict::failed);
  CHECK(judge_golden(g, swapped(11), 900, false).worst.find("case 0 is answered b where the reference says a") !=
        std::string::npos);
  CHECK(judge_golden(g, swapped(5), 995, false).verdict == Verdict::basic_only);
  CHECK(judge_golden(g, swapped(5), 996, false).verdict == Verdict::failed);
  CHECK(judge_golden(g, swapped(5), 996, false).worst.starts_with("quality 99.5 % is below the 99.6 % asked for; "));
}

TEST_CASE("golden: ties of the reference are left out of the agreement") {
  Golden g = wide(1000);
  g.reference[0] = g.reference[1] = 1.0f;
  std::vector<float> other = g.reference;
  other[1] = 1.0001f;
  const Judgement j = judge_golden(g, other, 0, false);
  CHECK(j.ties == 1);
  CHECK(j.agreement_milli == 1000);
  CHECK(j.verdict == Verdict::strict);
}

TEST_CASE("golden: constants, echoes and not-a-number answers fail whatever their score") {
  Golden g = wide(1000);
  for (auto& label : g.labels) label = 0;
  std::vector<float> constant;
  for (std::size_t i = 0; i < g.cases; ++i) constant.insert(constant.end(), {1.0f, 0.0f});
  const Judgement c = judge_golden(g, constant, 0, false);
  CHECK(c.verdict == Verdict::failed);
  CHECK(c.worst.find("does not depend on the input") != std::string::npos);
  // A product whose reference really is constant cannot be told from a cheater either.
  std::vector<float> echo;
  for (std::size_t i = 0; i < g.cases; ++i) echo.insert(echo.end(), {static_cast<float>(i), 0.5f});
  const Judgement e = judge_golden(g, echo, 0, false);
  CHECK(e.verdict == Verdict::failed);
  CHECK(e.worst == "the answer repeats the input");
  std::vector<float> nan = g.reference;
  for (std::size_t i = 0; i < 40; ++i) nan[i] = std::numeric_limits<float>::quiet_NaN();
  CHECK(judge_golden(g, nan, 0, false).verdict == Verdict::failed);
}
