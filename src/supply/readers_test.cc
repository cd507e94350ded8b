// The small readers: ELF, dpkg, npm, configuration, host, backends, package URLs.
#include <doctest/doctest.h>

#include "base/text_match.h"
#include "supply/backends_file.h"
#include "supply/config_text.h"
#include "supply/dpkg.h"
#include "supply/folder.h"
#include "supply/host_facts.h"
#include "supply/npm.h"
#include "supply/purl.h"
#include "supply/service_host.h"
#include "supply/tree_for_tests.h"

using namespace hz;
using namespace hz::supply;

TEST_CASE("elf: needs, soname and search folders are read") {
  const auto r = parse_elf(made_up::elf("libx.so.1", {"liba.so", "libb.so"}, "$ORIGIN/x:/opt/y"));
  REQUIRE(r);
  CHECK(r->soname == "libx.so.1");
  CHECK(r->needed == std::vector<std::string>{"liba.so", "libb.so"});
  CHECK(r->search == std::vector<std::string>{"$ORIGIN/x", "/opt/y"});
}

TEST_CASE("elf: every truncation of a library is refused or says less, and none reads outside") {
  const Bytes whole = made_up::elf("libx.so.1", {"liba.so", "libb.so"});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const auto r = parse_elf(ByteView(whole).first(size));
    CHECK_FALSE(r);
    CHECK(r.error().reason->slug == "supply.elf");
  }
  Bytes bits32 = whole;
  bits32[4] = 1;
  CHECK(parse_elf(bits32).error().detail == "byte 4: not a 64-bit file");
  CHECK(parse_elf(as_bytes("INPUT(libc.so.6)")).error().reason->slug == "supply.elf");
}

TEST_CASE("dpkg: installed packages are read with the version of their source") {
  const TempDir dir;
  made_up::computer(dir.path());
  const auto database = DpkgDatabase::open(dir.path() / "var/lib/dpkg");
  REQUIRE(database);
  CHECK(database->find("removed:amd64") == nullptr);
  const DebPackage* engine = database->find("libengine4:amd64");
  REQUIRE(engine);
  CHECK(deb_node(*engine) == "deb:engine-src@4.0-1");
  CHECK(engine->homepage == "https://engine.example");
  // libc.so.6 is recorded below /lib, and found below /usr/lib.
  const auto owners = database->owners({"/usr/lib/libengine.so.4.0", "/usr/lib/libc.so.6", "/usr/lib/none.so"});
  CHECK(owners == std::map<std::string, std::string>{{"/usr/lib/libengine.so.4.0", "libengine4:amd64"},
                                                     {"/usr/lib/libc.so.6", "libc6:amd64"}});
}

TEST_CASE("dpkg: a stanza that is none is refused with its line") {
  const auto r = parse_dpkg_status("Package: a\nStatus: install ok installed\nVersion: 1\n\nno field here\n");
  REQUIRE_FALSE(r);
  CHECK(r.error().text() == "supply.dpkg: line 5: no field name");
  CHECK_FALSE(parse_dpkg_status("Status: install ok installed\n"));
  CHECK(DpkgDatabase::open("/nonexistent"));
}

TEST_CASE("npm: needs go to the nearest installed version") {
  const auto lock = parse_npm_lock(R"({"lockfileVersion":3,"packages":{
    "":{"name":"own","dependencies":{"a":"1"}},
    "node_modules/a":{"version":"1.0.0","license":"MIT","dependencies":{"b":"^1","missing":"1"},"optionalDependencies":{"extra":"1"}},
    "node_modules/a/node_modules/b":{"version":"1.5.0"},
    "node_modules/b":{"version":"2.0.0","dev":true},
    "node_modules/@s/c":{"version":"3.0.0","dependencies":{"b":"2"}},
    "packages/w":{"version":"1.0.0"},"node_modules/w":{"resolved":"packages/w","link":true}}})");
  REQUIRE(lock);
  const Facts facts = npm_facts(*lock, *lock);
  CHECK(facts.nodes.size() == 4);
  CHECK(facts.edges == std::vector<EdgeFact>{{"npm:a@1.0.0", "npm:b@1.5.0", "dependencies.b"},
                                             {"npm:@s/c@3.0.0", "npm:b@2.0.0", "dependencies.b"}});
  REQUIRE(facts.unknowns.size() == 1);
  CHECK(facts.unknowns[0].why == "needs npm:missing, which is not installed");
}

TEST_CASE("npm: wrong files are refused with their JSON path") {
  const auto refused = [](std::string_view text) {
    const auto r = parse_npm_lock(text);
    return r ? "accepted" : r.error().text();
  };
  CHECK(refused(R"({"packages":{}})") == "supply.npm: $.lockfileVersion is missing");
  CHECK(refused(R"({"lockfileVersion":1})") == "supply.npm: $.lockfileVersion is 1, only 2 and 3 are read");
  CHECK(refused(R"({"lockfileVersion":3,"packages":{"node_modules/a":{}}})") ==
        "supply.npm: $.packages[\"node_modules/a\"].version is missing or no version");
  CHECK(refused(R"({"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1","dependencies":[]}}})") ==
        "supply.npm: $.packages[\"node_modules/a\"].dependencies should be an object");
  CHECK(refused("{").starts_with("base.json_syntax"));
  CHECK_FALSE(parse_npm_package(R"({"name":"a b","version":"1"})", "node_modules/a"));
}

TEST_CASE("folder: the package a file is installed with is found, also for scoped and nested ones") {
  CHECK(npm_package_of("node_modules/a/bin/x.so") == "node_modules/a");
  CHECK(npm_package_of("w/node_modules/a/node_modules/@s/b/x.so") == "w/node_modules/a/node_modules/@s/b");
  CHECK(npm_package_of("node_modules/x.so").empty());
  CHECK(npm_package_of("lib/x.so").empty());
}

namespace {
std::string services(const Result<Facts>& facts) {
  if (!facts) return facts.error().text();
  std::string out;
  for (const NodeFact& node : facts->nodes) out += node.name + "=" + node.notes.front().value + "; ";
  return out;
}
}  // namespace

TEST_CASE("config: hosts are found with key and line, whatever the format") {
  CHECK(services(parse_config_text("export HF_ENDPOINT='https://hub.example/v1'\n")) ==
        "hub.example=HF_ENDPOINT (line 1); ");
  CHECK(services(parse_config_text("[server]\nurl = \"grpc://user:pw@api.example:443/x\" # c\n")) ==
        "api.example=url (line 2); ");
  CHECK(services(parse_config_text("a:\n  - base: https://one.example\n")) == "one.example=base (line 2); ");
  CHECK(services(parse_config_text("LM_LICENSE_FILE=27000@lic1:27001@lic2.example:/opt/x.lic\n")) ==
        "lic1=LM_LICENSE_FILE (line 1); lic2.example=LM_LICENSE_FILE (line 1); ");
  CHECK(services(parse_config_text("OPENAI_BASE_URL=api.example.com:8443\nDB_HOST=postgres\n")) ==
        "api.example.com=OPENAI_BASE_URL (line 1); ");
  CHECK(services(parse_config_json(R"({"$schema":"https://s.example","a":[{"url":"https://b.example/x"}]})")) ==
        "b.example=$.a[0].url; ");
  CHECK(services(parse_config_json("{ // comment\n \"url\": \"https://c.example\",\n}")) == "c.example=url (line 2); ");
}

TEST_CASE("config: comments, descriptions and this machine are no services") {
  CHECK(services(parse_config_text(
            "# https://a.example\n; x=https://b.example\nhomepage = https://c.example\n"
            "url=http://localhost:80\nurl=http://127.0.0.1/\nurl=http://[::1]/\nfile=file:///x\n")) == "");
  CHECK(parse_config_text(std::string_view("a\0b", 3)).error().reason->slug == "supply.config");
  CHECK(parse_config_text(std::string((1u << 20) + 1, 'x')).error().reason->slug == "supply.limit");
}

TEST_CASE("config: no secret survives the reading") {
  const auto facts =
      parse_config_text("API=https://key-S3CRET@h.example/S3CRET?token=S3CRET\nTOKEN_URL=https://h2.example/#S3CRET\n");
  REQUIRE(facts);
  CHECK(facts->nodes.size() == 2);
  CHECK(json::dump(to_json(facts->nodes)).find("S3CRET") == std::string::npos);
}

TEST_CASE("service host: only names that can be hosts") {
  CHECK(service_host("HTTPS://Hub.Example./x") == "hub.example");
  CHECK(service_host("27000@licence.example") == "licence.example");
  for (const char* bad : {"", "https://", "a..b", "https://{{host}}/", "1.2.3", "https://a b/", "-._/"})
    CHECK_MESSAGE(!service_host(bad).has_value(), std::string(bad));
}

TEST_CASE("host: processor and drivers become components with typed ids") {
  CHECK(cpu_facts("model name\t: Intel(R) Xeon(R) Processor\n").nodes.at(0).node == "chip:Intel-R-Xeon-R-Processor");
  CHECK(cpu_facts("nothing\n").empty());
  CHECK(nvidia_facts("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.129.03  Thu\n").nodes.at(0).node ==
        "driver:nvidia@535.129.03");
  CHECK(
      nvidia_facts("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release\n").nodes.at(0).node ==
      "driver:nvidia@580.65.06");
  CHECK(kernel_facts("6.1.0-18-amd64\n").nodes.at(0).node == "driver:linux@6.1.0-18-amd64");
}

TEST_CASE("backends: a list is read, wrong entries are refused with their line") {
  CHECK(parse_backends(known_backends())->size() == 10);
  CHECK(parse_backends("[[backend]]\nname = \"a\"\ntitle = \"A\"\n").error().text() ==
        "supply.field: line 1: [[backend]] needs library = [...] or program = [...]");
  CHECK(parse_backends("[[backend]]\nname = \"a\"\ntitle = \"A\"\nlibrary = [\"/x/y\"]\n")
            .error()
            .detail.starts_with("line 4"));
  CHECK(glob("lib*.so*", "libx.so.1"));
  CHECK_FALSE(glob("lib*.so", "libx.so.1"));
  CHECK_FALSE(glob("a*a*a*a*a*a*a*b", std::string(2000, 'a')));
}

TEST_CASE("purl: package URLs become ids") {
  const auto id = [](std::string_view text) {
    const auto purl = parse_purl(text);
    return purl ? node_of(*purl) : std::string("none");
  };
  CHECK(id("pkg:npm/%40scope/name@1.0?x=y#z") == "npm:@scope/name@1.0");
  CHECK(id("pkg:npm/left-pad@1.3.0") == "npm:left-pad@1.3.0");
  CHECK(id("pkg:PyPI/numpy@1.26") == "pkg:pypi/numpy@1.26");
  CHECK(id("pkg:deb/debian/curl@7.50?arch=amd64") == "pkg:deb/debian/curl@7.50");
  for (const char* bad :
       {"", "npm/x", "pkg:", "pkg:npm", "pkg:npm/", "pkg:n pm/x", "pkg:npm/%4", "pkg:npm/%zz", "pkg:npm/a%00"})
    CHECK_MESSAGE(id(bad) == "none", std::string(bad));
}

TEST_CASE("ids: scope and version are told apart") {
  CHECK(bare_id("npm:@scope/name@1.2") == "npm:@scope/name");
  CHECK(bare_id("npm:@scope/name") == "npm:@scope/name");
  CHECK(bare_id("deb:zlib@1:1.2") == "deb:zlib");
  CHECK(bare_id("service:a@b") == "service:a@b");
  CHECK(id_version("pkg:pypi/x@3") == "3");
  CHECK(id_text("a b(c)") == "a%20b%28c%29");
}
