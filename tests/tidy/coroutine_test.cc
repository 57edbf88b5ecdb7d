// GCC 12 destroys aggregates and capturing lambdas twice when they are temporaries inside a co_await expression. Until
// the compiler is newer, such an expression holds named things only.
#include <gtest/gtest.h>

#include "tests/tidy/source_files.h"

namespace lenscap::tidy {
namespace {

// Offsets of `co_await` whose expression (up to its semicolon at the same depth) has a lambda, an aggregate or a braced
// list.
std::vector<std::size_t> dangerous(std::string const& source) {
  std::string const code = without_comments_and_literals(source);
  std::vector<std::size_t> found;
  for (std::size_t at = code.find("co_await"); at != std::string::npos; at = code.find("co_await", at + 8)) {
    int depth = 0;
    for (std::size_t i = at + 8; i < code.size(); ++i) {
      char const c = code[i];
      if (c == '(') ++depth;
      if (c == ')' && --depth < 0) {  // the end of `if (co_await x)` or `CO_TRY(..., co_await x)`
        break;
      }
      if (c == ';' || c == '}') break;
      bool const lambda = c == '[' && code.find_last_not_of(" \n\t", i - 1) != std::string::npos &&
                          std::string("(,=&").find(code[code.find_last_not_of(" \n\t", i - 1)]) != std::string::npos;
      if (c == '{' || lambda) {
        found.push_back(at);
        break;
      }
    }
  }
  return found;
}

TEST(Coroutines, AwaitNamedThingsOnly) {
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent", "tests"}, {".h", ".cc"})) {
    for (std::size_t const at : dangerous(file.text)) {
      ADD_FAILURE() << file.path << ":" << line_of(file.text, at) << ": name the lambda, aggregate or list, then await";
    }
  }
}

// Offsets of `co_await` as the right-hand side of && or ||.
std::vector<std::size_t> conditional(std::string const& source) {
  std::string const code = without_comments_and_literals(source);
  std::vector<std::size_t> found;
  for (std::size_t at = code.find("co_await"); at != std::string::npos; at = code.find("co_await", at + 8)) {
    std::size_t before = code.find_last_not_of(" \n\t(!", at - 1);
    if (before != std::string::npos && before > 0 &&
        (code.compare(before - 1, 2, "&&") == 0 || code.compare(before - 1, 2, "||") == 0)) {
      found.push_back(at);
    }
  }
  return found;
}

TEST(Coroutines, AwaitBehindNoCondition) {
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent", "tests"}, {".h", ".cc"})) {
    for (std::size_t const at : conditional(file.text)) {
      ADD_FAILURE() << file.path << ":" << line_of(file.text, at)
                    << ": GCC 12 awaits this whatever stands before && or ||";
    }
  }
  std::string const await =
      "co_"
      "await f()";
  EXPECT_EQ(conditional("while (here && " + await + ") {}").size(), 1U);
  EXPECT_EQ(conditional("bool b = a || !(" + await + ");").size(), 1U);
  EXPECT_TRUE(conditional("bool b = " + await + " && a;").empty());
}

// Offsets of `co_await` inside the second or third part of `a ? b : c`.
std::vector<std::size_t> chosen(std::string const& source) {
  std::string const code = without_comments_and_literals(source);
  std::vector<std::size_t> found;
  for (std::size_t at = code.find("co_await"); at != std::string::npos; at = code.find("co_await", at + 8)) {
    int depth = 0;                // of brackets that are closed before it
    bool is_another_one = false;  // behind a comma: another argument
    for (std::size_t i = at; i-- > 0;) {
      char const c = code[i];
      if (c == ')' || c == ']') ++depth;
      if ((c == '(' || c == '[') && --depth < 0) {
        depth = 0;
        is_another_one = false;
      }
      if (depth == 0 && c == ',') is_another_one = true;
      if (depth == 0 && c == '?' && !is_another_one) {
        found.push_back(at);
        break;
      }
      if (c == ';' || c == '{' || c == '}') break;
    }
  }
  return found;
}

TEST(Coroutines, AwaitInNoConditionalExpression) {
  for (auto const& file : source_files({"base", "store", "ca", "acme", "agent", "tests"}, {".h", ".cc"})) {
    for (std::size_t const at : chosen(file.text)) {
      ADD_FAILURE() << file.path << ":" << line_of(file.text, at)
                    << ": GCC 12 destroys what this gives twice; write an if, and await there";
    }
  }
  std::string const await =
      "co_"
      "await f()";
  for (std::string const& bad : {"auto x = a ? " + await + " : y;", "auto x = a ? y : " + await + ";",
                                 "g(b, a(c) ? h(y, " + await + ") : z);", "return a\n    ? " + await + "\n    : y;"})
    EXPECT_EQ(chosen(bad).size(), 1U) << bad;
  for (std::string const& good :
       {"auto x = " + await + " ? y : z;", "g(a ? y : z, " + await + ");", "x = a ? y : z; " + await + ";",
        "if (a) x = " + await + ";", "g((a ? y : z), " + await + ");"})
    EXPECT_TRUE(chosen(good).empty()) << good;
}

TEST(Coroutines, TheJudgeKnowsGoodFromBad) {
  std::string const await =
      "co_"
      "await ";
  for (char const* bad :
       {"f([t] { return t; });", "f(Options{.url = u});", "v({a, b});", "spawn(ex, [&]() -> X { co_return; }, u);"}) {
    EXPECT_EQ(dangerous(await + bad).size(), 1U) << bad;
  }
  for (char const* good : {"f(job);", "f(std::move(fn), values[3]);", "(a || b);", "f(a); g([x] {});", "f(\"{[\");"}) {
    EXPECT_TRUE(dangerous(await + good).empty()) << good;
  }
  EXPECT_TRUE(dangerous("if (" + await + "f(x)) { y(); }").empty());
}

}  // namespace
}  // namespace lenscap::tidy
