// A server, a DNS server, and a device that answers http-01 with what its owner's key authorizes, after `failures`
// wrong answers; a client whose names have to be proved.
#pragma once

#include <gtest/gtest.h>

#include "acme/wire/key_authorization.h"
#include "tests/acme/server/fixture.h"
#include "tests/fakes/dns_server.h"
#include "tests/fakes/free_port.h"
#include "tests/fakes/scripted_server.h"

namespace lenscap::acme::test {

class Proving : public ::testing::Test {
 protected:
  fakes::ScriptedServer device{[this](std::string const& request) {
    if (before_answer) before_answer();
    if (failures-- > 0) return fakes::http_answer("not yet");
    auto const begin = request.find("/.well-known/acme-challenge/") + 28;
    auto const token = request.substr(begin, request.find(' ', begin) - begin);
    return fakes::http_answer(key_authorization(token, *account_key));
  }};
  std::function<void()> before_answer;  // on the device's thread; set before the first challenge
  std::atomic<int> failures = 0;
  std::optional<x509::PublicKey> account_key;
  fakes::DnsServer dns;
  unsigned short tls_port = fakes::free_port();
  TestServer server;
  Client client = proving_client(server);

  explicit Proving(std::string const& more_settings = "")
      : server({.settings =
                    "http_port = " + std::to_string(device.port()) + "\ntls_port = " + std::to_string(tls_port) +
                    "\nmay_reach = [\"127.0.0.0/8\"]\nresolver = [\"" + dns.resolver() + "\"]\n" + more_settings}) {
    account_key = client.key.public_key();
  }

  static bool has_error(Answer const& answer) { return answer.object().find("error") != nullptr; }

  // Asks again and again until `enough` says so.
  template <class Ask, class Enough>
  Answer wait_until(Ask const& ask, Enough const& enough) {
    for (int i = 0; i < 4000; ++i) {
      auto answer = ask();
      if (enough(answer)) return answer;
      net::run_until_done(server.app->threads.executor(0), net::sleep_for(std::chrono::milliseconds(5)));
    }
    ADD_FAILURE() << "no end";
    return {};
  }
  // Polls until the object leaves `pending` and `processing`.
  Answer wait_for(std::string const& url) {
    auto const read = [&] {
      auto answer = client.read(url);
      EXPECT_EQ(answer.status, 200);  // 8555-7.5.1-6
      return answer;
    };
    return wait_until(read, [](Answer const& answer) {
      auto const status = answer.text("status");
      return status != "pending" && status != "processing";
    });
  }
  static json::Object first_challenge(Answer const& authorization) {
    return *authorization.object().find("challenges")->as_array()->front().as_object();
  }
  // The URL of the authorization's challenge of this type.
  std::string challenge_of(std::string const& authorization_url, std::string_view type) {
    auto const object = client.read(authorization_url).object();
    for (auto const& challenge : *object.find("challenges")->as_array())
      if (json::need_string(*challenge.as_object(), "type").value() == type)
        return json::need_string(*challenge.as_object(), "url").value();
    ADD_FAILURE() << "no challenge " << type;
    return "";
  }
};

}  // namespace lenscap::acme::test
