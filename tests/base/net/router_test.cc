#include "base/net/router.h"

#include <gtest/gtest.h>

#include "base/net/io_threads.h"

namespace lenscap::net {
namespace {

Awaitable<Response> show(Request request) {
  std::string text = request.method_text;
  for (auto const& [name, value] : request.params) text += " " + name + "=" + value;
  co_return text_response(200, std::move(text));
}

Awaitable<Response> other(Request /*request*/) { co_return text_response(200, "other"); }

class RouterTest : public testing::Test {
 protected:
  RouterTest() : router_([](int status, std::string detail) { return text_response(status, std::move(detail)); }) {
    router_.add(Method::get, "/", show);
    router_.add(Method::get, "/order/new", other);
    router_.add(Method::get, "/order/{id}", show);
    router_.add(Method::post, "/order/{id}", show);
    router_.add(Method::post, "/a/{x}/b/{y}", show);
    router_.add(Method::get, "/files/{path...}", show);
  }
  Response ask(std::string const& method, std::string const& path) {
    Request request;
    request.method = method_from(method);
    request.method_text = method;
    request.path = path;
    return run(threads_.next(), router_.dispatch(std::move(request)));
  }
  Router router_;
  IoThreads threads_;
};

TEST_F(RouterTest, FindsRows) {
  EXPECT_EQ(ask("GET", "/").body, "GET");
  EXPECT_EQ(ask("GET", "/order/7").body, "GET id=7");
  EXPECT_EQ(ask("POST", "/order/a%20b").body, "POST id=a%20b");
  EXPECT_EQ(ask("POST", "/a/1/b/2").body, "POST x=1 y=2");
}

TEST_F(RouterTest, TakesTheRestOfAPath) {
  for (auto const* rest : {"a", "a/b", "a//b/", "/", "a%2Fb"})
    EXPECT_EQ(ask("GET", std::string("/files/") + rest).body, std::string("GET path=") + rest);
  EXPECT_EQ(ask("GET", "/files/").status, 404);
  EXPECT_EQ(ask("GET", "/files").status, 404);
  EXPECT_EQ(ask("POST", "/files/a/b").status, 405);
}

TEST_F(RouterTest, TakesTheRowAddedFirst) { EXPECT_EQ(ask("GET", "/order/new").body, "other"); }

TEST_F(RouterTest, ServesHeadByGet) { EXPECT_EQ(ask("HEAD", "/order/7").body, "HEAD id=7"); }

TEST_F(RouterTest, Answers404) {
  for (auto const* path : {"", "/order", "/order/", "/order/7/", "/Order/7", "//", "/a/1/b/", "/a/1/c/2"}) {
    EXPECT_EQ(ask("GET", path).status, 404) << path;
  }
}

TEST_F(RouterTest, Answers405WithAllow) {
  auto const response = ask("DELETE", "/order/7");
  EXPECT_EQ(response.status, 405);
  EXPECT_EQ(*response.headers.find("allow"), "GET, POST, HEAD");
  EXPECT_EQ(*ask("PROPFIND", "/a/1/b/2").headers.find("Allow"), "POST");
}

TEST(RouterDeathTest, StopsForRowsThatCannotBeMeant) {
  Router router([](int status, std::string detail) { return text_response(status, std::move(detail)); });
  router.add(Method::get, "/a", show);
  EXPECT_DEATH(router.add(Method::get, "/a", show), "twice");
  EXPECT_DEATH(router.add(Method::get, "a", show), "starts with");
  EXPECT_DEATH(router.add(Method::get, "/{a", show), "not closed");
  EXPECT_DEATH(router.add(Method::get, "/{a...}/b", show), "goes on behind");
}

}  // namespace
}  // namespace lenscap::net
