// Which settings a server that runs can take, and which of them wait for a restart.
#include "acme/server/reload_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lenscap::acme {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

Settings settings(std::string const& server, std::string const& tables) {
  auto reader = config::Reader::parse("[server]\nurl = \"https://ca.cams.example\"\n" + server + tables, "ca.toml");
  return read_settings(*std::move(reader), "/state").value();
}

TEST(FixedUntilRestart, WhatIsBoundToSocketsStoreAndSigner) {
  auto const now = settings("", "");
  struct Case {
    char const* server;
    char const* tables;
    char const* name;
  };
  for (auto const& c :
       {Case{"listen = [\"127.0.0.1:443\"]\n", "", "server.listen"},
        Case{"http = \"127.0.0.1:80\"\n", "", "server.http"},
        Case{"metrics = [\"127.0.0.1:9000\"]\n", "", "server.metrics"},
        Case{"connections = 77\n", "", "server.connections"},
        Case{"connections_per_address = 7\n", "", "server.connections_per_address"},
        Case{"idle = \"7s\"\n", "", "server.idle"}, Case{"", "[signer]\nprocess = false\n", "signer.process"},
        Case{"", "[signer]\nsocket = \"/run/signer.socket\"\n", "signer.socket"},
        Case{"", "[store]\nurl = \"lmdb:elsewhere\"\n", "store.url"},
        Case{"", "[store]\nsize_max = \"7GiB\"\n", "store.size_max"}})
    EXPECT_THAT(fixed_until_restart(now, settings(c.server, c.tables)), ElementsAre(c.name));
}

TEST(FixedUntilRestart, AllOfThemAreNamedInTheOrderOfTheFile) {
  EXPECT_THAT(fixed_until_restart(settings("", ""), settings("connections = 77\nlisten = [\"127.0.0.1:443\"]\n",
                                                             "[signer]\nprocess = false\n")),
              ElementsAre("server.listen", "server.connections", "signer.process"));
}

TEST(FixedUntilRestart, EverythingElseCanBeTaken) {
  auto const wanted =
      settings("",
               "[ca]\nprofiles = [\"camera-https\", \"server\"]\npassphrase = \"file:words\"\n"
               "[acme]\nterms_of_service = \"https://ca.cams.example/terms\"\nmay_reach = [\"10.0.0.0/8\"]\n"
               "[acme.limits]\nnew_orders = \"7/1h\"\n[crl]\nlifetime = \"2d\"\n[ocsp]\nserve = true\n"
               "[signer]\nper_minute = 7\n[store]\nfree_space_min = \"1MiB\"\n");
  EXPECT_THAT(fixed_until_restart(settings("", ""), wanted), IsEmpty());
}

}  // namespace
}  // namespace lenscap::acme
