// A CA whose server has its signer in a process of its own, as it is without a setting, and what its log and its
// signer's ledger say.
#pragma once

#include <gtest/gtest.h>
#include <sys/types.h>

#include <string>
#include <string_view>

#include "ca/installed_chain.h"
#include "ca/signing_ledger_check.h"
#include "tests/fakes/ca_process.h"

namespace lenscap::e2e {

struct SignerProcess : ::testing::Test {
  static constexpr char const* kPassphrase = "the issuing key's words";

  fakes::CaProcess ca;
  std::string const ledger = ca::signing_ledger_file(ca.state());

  SecretBytes passphrase() const { return SecretBytes(std::string_view(kPassphrase)); }
  std::size_t certificates_on_record() const {
    std::size_t count = 0;
    EXPECT_TRUE(ca::visit_signing_ledger(ledger, [&](ca::SignedEntry const& entry) {
      count += entry.kind == ca::SignedEntry::Kind::certificate ? 1 : 0;
    }));
    return count;
  }
  // What the server's log says in this event's field.
  std::string logged(std::string const& event, std::string const& field) const {
    auto const log = ca.log();
    auto const at = log.find("\"event\":\"" + event + "\"");
    auto const begin = log.find("\"" + field + "\":", at);
    if (at == std::string::npos || begin == std::string::npos) return "";
    auto const from = begin + field.size() + 3;
    return log.substr(from, log.find_first_of(",}", from) - from);
  }
  pid_t signer_pid() const { return static_cast<pid_t>(std::stol("0" + logged("signer.ready", "pid"))); }
};

}  // namespace lenscap::e2e
