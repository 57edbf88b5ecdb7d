// The page docs/become-an-intermediate.md: an administrator copies its blocks one after the other, and they work. Only
// what a test may not do stands in for itself: the state is a folder of the test, the passphrase comes from a file,
// systemctl starts the server on free ports of loopback, and curl goes there for its name.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/fakes/ca_process.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// The blocks of shell of the sections whose titles are given, as one script.
std::string script_of(std::vector<std::string> const& sections) {
  std::istringstream page(fakes::CaProcess::read(std::string(LENSCAP_SOURCE_DIR) + "/docs/become-an-intermediate.md"));
  std::string script = "set -e\n";
  bool wanted = false;
  bool inside = false;
  for (std::string line; std::getline(page, line);) {
    if (!inside && line.starts_with("## ")) {
      auto const title = line.substr(3);
      wanted = std::find(sections.begin(), sections.end(), title) != sections.end();
    } else if (line.starts_with("```")) {
      inside = line == "```sh";
    } else if (inside && wanted) {
      script += line + "\n";
    }
  }
  return script;
}

class BecomeAnIntermediate : public ::testing::Test {
 protected:
  void SetUp() override {
    corporation_.shell("cp root.pem corporate-root.pem && cp root.key corporate-root.key && mkdir bin");
    corporation_.write("ca-words", "the issuing key's words\n");
    corporation_.write("words", "words of another house\n");
    corporation_.shell("chmod 600 ca-words words");
    tool("lenscap-ca", "[ \"$1\" != init ] || set -- \"$@\" --passphrase-file '" + corporation_.path("ca-words") +
                           "' --listen 127.0.0.1:0 --http 127.0.0.1:0\n"
                           "exec '" LENSCAP_BIN_DIR "/lenscap-ca' --state '" +
                           corporation_.path("state") + "' \"$@\"\n");
    tool("systemctl",
         "lenscap-ca serve --port-file ports >serve.log 2>&1 &\n"
         "echo $! >server.pid\n"
         "while [ ! -e ports ]; do kill -0 $! || { cat serve.log; exit 1; }; done\n");
    tool("curl",
         "exec /usr/bin/curl --silent --show-error --connect-to "
         "\"::127.0.0.1:$(awk '$1 == \"acme\" { print $3 }' ports)\" \"$@\"\n");
  }
  void TearDown() override { corporation_.shell("[ ! -e server.pid ] || kill $(cat server.pid)"); }
  e2e::Ran run(std::string const& script) {
    return programs_.run({"env", "-C", corporation_.path(""),
                          "PATH=" + corporation_.path("bin") + ":" + ::getenv("PATH"), "sh", "-c", script});
  }

  fakes::Corporation corporation_;

 private:
  void tool(std::string const& name, std::string const& script) {
    corporation_.write("bin/" + name, "#!/bin/sh\n" + script);
    fs::permissions(corporation_.path("bin/" + name), fs::perms::owner_all);
  }
  e2e::Programs programs_;
};

TEST_F(BecomeAnIntermediate, ByARequestThatTheCorporationSigns) {
  auto const script = script_of({"Have a request signed", "Ask what it would issue"});
  ASSERT_THAT(script, HasSubstr("issuer install"));
  auto const ran = run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.out, HasSubstr("newOrder"));  // the directory, by TLS that the corporate root vouches for
  EXPECT_THAT(ran.out, HasSubstr("www.bank.example would not be issued"));
  EXPECT_EQ(ran.err.find("warning"), std::string::npos) << ran.err;
}

TEST_F(BecomeAnIntermediate, ByAKeyThatTheCorporationMade) {
  auto const script = script_of({"Work with a key that the corporation made"});
  ASSERT_THAT(script, HasSubstr("issuer import"));
  corporation_.issue_with_key();
  corporation_.shell("openssl pkcs12 -export -inkey issuing.key -in issuing.pem -passout file:words -out issuing.pfx");
  auto const ran = run(script);
  ASSERT_EQ(ran.code, 0) << ran.all();
  EXPECT_THAT(ran.err, HasSubstr("no certificate of the chain has name constraints"));
}

}  // namespace
}  // namespace lenscap
