// The table of who may include whom (docs/architecture.md), kept by reading every #include.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

struct Layer {
  std::set<std::string> layers;        // project layers it may include, besides itself
  std::vector<std::string> libraries;  // prefixes of foreign headers that only some may include
};

std::map<std::string, Layer> const kLayers = {
    {"base", {{}, {"openssl/", "rapidjson/", "toml++/", "spdlog/", "fmt/", "seccomp.h"}}},
    {"base/x509", {{"base"}, {"openssl/", "fmt/", "idn2.h"}}},
    {"base/net", {{"base", "base/x509"}, {"openssl/", "fmt/", "boost/", "curl/"}}},
    {"store", {{"base"}, {"lmdb.h", "fmt/"}}},
    {"ca", {{"base", "base/x509", "store"}, {"openssl/", "fmt/", "libgfshare.h"}}},
    {"acme/wire", {{"base", "base/x509"}, {"openssl/", "fmt/"}}},
    {"acme/flow", {{"base", "base/x509", "acme/wire"}, {"fmt/"}}},
    {"acme/server",
     {{"base", "base/x509", "base/net", "store", "ca", "acme/wire", "acme/flow"},
      {"openssl/", "fmt/", "boost/", "unbound.h", "prometheus/", "CLI/"}}},
    {"agent",
     {{"base", "base/x509", "base/net", "store", "acme/wire"}, {"openssl/", "fmt/", "boost/", "pugixml.hpp", "CLI/"}}},
    // The judge of ACME servers shares nothing with the server's rules.
    {"tests/conformance", {{"base", "base/x509", "base/net", "acme/wire"}, {"openssl/", "fmt/", "CLI/"}}},
};

// The longest layer name that `path` starts with.
std::string layer_of(std::string const& path) {
  std::string found;
  for (auto const& [name, layer] : kLayers) {
    if (path.starts_with(name + "/") && name.size() > found.size()) found = name;
  }
  return found;
}

// What is wrong with this include in this file; empty when nothing is.
std::string judge(std::string const& file, std::string const& include) {
  std::string const from = layer_of(file);
  Layer const& layer = kLayers.at(from);
  std::string const to = layer_of(include);
  if (!to.empty()) return to == from || layer.layers.contains(to) ? "" : from + " may not include " + to;
  if (include.starts_with("tests/")) return "the product may not include tests";
  static std::vector<std::string> const kForeign = {
      "openssl/", "rapidjson/", "toml++/",     "spdlog/",     "fmt/", "boost/", "curl/",     "lmdb.h",
      "libpq",    "unbound.h",  "prometheus/", "pugixml.hpp", "CLI/", "idn2.h", "seccomp.h", "libgfshare.h"};
  for (auto const& foreign : kForeign) {
    if (!include.starts_with(foreign)) continue;
    for (auto const& allowed : layer.libraries) {
      if (allowed == foreign) return "";
    }
    return from + " may not include <" + include + ">";
  }
  return "";
}

// Headers stay free of these, so that a rules file compiles in a second.
bool is_heavy(std::string const& include) {
  for (char const* heavy :
       {"boost/beast", "lmdb.h", "libpq", "curl/", "rapidjson/", "toml++/", "pugixml.hpp", "spdlog/", "CLI/"}) {
    if (include.starts_with(heavy)) return true;
  }
  return false;
}

// Shared by a few .cc of one folder and by no other header, so that nobody compiles the heavy ones by accident.
constexpr std::string_view kInnerHeaders[] = {"base/net/transfer.h", "base/net/transfer_pool.h"};
bool is_inner(std::string_view file) { return std::ranges::find(kInnerHeaders, file) != std::end(kInnerHeaders); }

TEST(Layers, EveryIncludePointsDown) {
  std::regex const pattern(R"(^\s*#\s*include\s*["<]([^">]+)[">])");
  int includes = 0;
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent", "tests/conformance"}, {".h", ".cc"})) {
    std::istringstream lines(file.text);
    std::string line;
    for (int number = 1; std::getline(lines, line); ++number) {
      std::smatch match;
      if (!std::regex_search(line, match, pattern)) continue;
      ++includes;
      std::string const why = judge(file.path, match[1]);
      EXPECT_EQ(why, "") << file.path << ":" << number;
      if (file.path.ends_with(".h") && !is_inner(file.path)) {
        EXPECT_FALSE(is_heavy(match[1])) << file.path << ":" << number << ": <" << match[1] << "> belongs into a .cc";
        EXPECT_FALSE(is_inner(match[1].str())) << file.path << ":" << number << ": " << match[1] << " is for .cc alone";
      }
    }
  }
  EXPECT_GT(includes, 50);
}

TEST(Layers, TheJudgeKnowsForbiddenArrows) {
  EXPECT_NE(judge("ca/issuer.cc", "acme/wire/jws.h"), "");
  EXPECT_NE(judge("base/bytes.cc", "base/x509/key.h"), "");
  EXPECT_NE(judge("acme/flow/policy.cc", "store/store.h"), "");
  EXPECT_NE(judge("agent/runner.cc", "acme/flow/policy.h"), "");
  EXPECT_NE(judge("agent/runner.cc", "ca/issuer.h"), "");
  EXPECT_NE(judge("store/store.h", "boost/asio.hpp"), "");
  EXPECT_NE(judge("ca/issuer.cc", "tests/fakes/fake_clock.h"), "");
  EXPECT_NE(judge("tests/conformance/probe.cc", "acme/flow/policy.h"), "");
  EXPECT_NE(judge("tests/conformance/probe.cc", "acme/server/app.h"), "");
  EXPECT_NE(judge("tests/conformance/probe.cc", "tests/fakes/dns_server.h"), "");
  EXPECT_EQ(judge("tests/conformance/probe.cc", "acme/wire/jwk.h"), "");
  EXPECT_EQ(judge("ca/issuer.cc", "store/store.h"), "");
  EXPECT_EQ(judge("acme/server/app.cc", "acme/flow/policy.h"), "");
  EXPECT_EQ(judge("base/bytes.cc", "vector"), "");
}

}  // namespace
}  // namespace lenscap::tidy
