#include "base/log.h"

#include <gtest/gtest.h>

#include "base/text_table.h"

namespace lenscap {
namespace {

TEST(Log, WritesOneJsonLineWhateverTheText) {
  std::vector<std::string> lines;
  auto const log = Log::to([&](std::string_view line) { lines.emplace_back(line); }, LogLevel::info);
  log.info("order.ready", {{"order", "a\nb {} \x01"}, {"count", 3}});
  log.debug("not.shown");
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].find('\n'), std::string::npos);
  auto const line = json::parse_object(lines[0]).value();
  EXPECT_EQ(json::need_string(line, "event").value(), "order.ready");
  EXPECT_EQ(json::need_string(line, "order").value(), "a\nb {} \x01");
  EXPECT_EQ(json::need_int(line, "count").value(), 3);
  Log::nowhere().error("gone");
}

TEST(TextTable, AlignsAndCleans) {
  EXPECT_EQ(text_table({"A", "Long"}, {{"x\x1b[31m", "1"}, {"\xC3\xA9\xC3\xA9", ""}}),
            "A       Long\nx?[31m  1\n\xC3\xA9\xC3\xA9\n");
}

}  // namespace
}  // namespace lenscap
