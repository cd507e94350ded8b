// Reads lines of "+" or "-" and a BOM, and holds our reader's verdict against each. The one thing our reader asks
// beyond the schema, that a bom-ref names one part only (the specification's text says so), is counted apart.
#include <cstdio>
#include <iostream>
#include <string>

#include "supply/cyclonedx.h"

int main() {
  long accepted = 0, refused = 0, twice = 0, wrong = 0;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.size() < 2) continue;
    const bool expected = line[0] == '+';
    const auto facts = hz::supply::parse_cyclonedx(std::string_view(line).substr(1));
    const std::string said = facts ? "" : facts.error().text();
    if (expected && said.find("bom-ref that appears twice") != std::string::npos) {
      ++twice;
      continue;
    }
    (expected ? accepted : refused) += 1;
    if (facts.has_value() == expected) continue;
    if (++wrong <= 10)
      std::printf("BROKEN: ajv %s, this reader %s: %.600s\n", expected ? "accepts" : "refuses",
                  facts ? "accepts" : said.c_str(), line.c_str() + 1);
  }
  std::printf("%ld accepted and %ld refused as ajv does, %ld with a bom-ref twice, %ld otherwise\n", accepted, refused,
              twice, wrong);
  return wrong == 0 && accepted > 100 && refused > 100 ? 0 : 1;
}
