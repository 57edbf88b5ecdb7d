#include "agent/failure.h"

#include <gtest/gtest.h>

namespace lenscap::agent {
namespace {

TEST(Failure, OfTheServer) {
  struct Case {
    Errc code;
    Retry retry;
  };
  for (auto [code, retry] : {Case{Errc::unreachable, Retry::later}, Case{Errc::rate_limited, Retry::later},
                             Case{Errc::unavailable, Retry::later}, Case{Errc::internal, Retry::later},
                             Case{Errc::rejected_identifier, Retry::anew}, Case{Errc::unauthorized, Retry::anew},
                             Case{Errc::invalid_profile, Retry::anew}, Case{Errc::compound, Retry::anew},
                             Case{Errc::account_does_not_exist, Retry::anew}, Case{Errc::bad_csr, Retry::never},
                             Case{Errc::wrong_passphrase, Retry::never}}) {
    auto failure = to_failure(Error(code, "why"));
    EXPECT_EQ(failure.code, to_string(code));
    EXPECT_EQ(failure.retry, retry) << failure.code;
    EXPECT_EQ(failure.text, "why");
    EXPECT_EQ(parse_failure(to_json(failure)).value(), failure);
  }
}

}  // namespace
}  // namespace lenscap::agent
