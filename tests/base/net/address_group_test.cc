#include "base/net/address_group.h"

#include <gtest/gtest.h>

namespace lenscap::net {
namespace {

TEST(AddressGroup, OneForEachCaller) {
  struct Case {
    char const* peer;
    char const* group;
  };
  for (auto const& c : {Case{"10.20.0.9", "10.20.0.9"}, Case{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
                        Case{"2001:db8:1:2::", "2001:db8:1:2::/64"}, Case{"2001:db8:1:3::1", "2001:db8:1:3::/64"},
                        Case{"::1", "::/64"}, Case{"::ffff:10.0.0.1", "::ffff:10.0.0.1"},
                        Case{"fe80::1%lo", "fe80::/64"}, Case{"", ""}, Case{"nobody", "nobody"}})
    EXPECT_EQ(address_group(c.peer), c.group) << c.peer;
}

}  // namespace
}  // namespace lenscap::net
