#include "base/markup.h"

#include <gtest/gtest.h>

namespace lenscap {
namespace {

TEST(EscapeMarkup, WhatReadersWouldTakeForMarkup) {
  EXPECT_EQ(escape_markup("<a b=\"c\" d='e'>&amp;</a>\r\n"),
            "&lt;a b=&quot;c&quot; d=&#39;e&#39;&gt;&amp;amp;&lt;/a&gt;&#13;\n");
}

TEST(EscapeMarkup, AnythingElseAsItIs) {
  EXPECT_EQ(escape_markup(""), "");
  EXPECT_EQ(escape_markup("Lens cap, 30\u00a0\u20ac\t;#"), "Lens cap, 30\u00a0\u20ac\t;#");
}

}  // namespace
}  // namespace lenscap
