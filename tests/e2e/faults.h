// A CA of a test that is struck by a fault: afterwards `store verify` judges its store, and what clients were told has
// to be in there.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/load.h"

namespace lenscap::e2e {

struct Faults : ::testing::Test {
  Faults() {
    seal_lightly(ca);
    eab = make_eab_key(ca);
  }
  void expect_whole(Told const& told) {
    auto const verified = verify_later(ca, ca.state());
    EXPECT_EQ(verified.code, 0) << verified.all();
    auto const store = store::open_read_only("lmdb:db", ca.state());
    ASSERT_TRUE(store.ok()) << store.error().detail();
    EXPECT_THAT(told.missing_in(**store), ::testing::IsEmpty());
  }

  fakes::CaProcess ca{"", kLoadSettings};
  Eab eab;
};

}  // namespace lenscap::e2e
