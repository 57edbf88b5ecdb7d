// Method and path pattern -> handler. Knows nothing of ACME; how a refusal looks is the caller's business (ErrorPage).
//   router.add(Method::post, "/acme/order/{id}/finalize", finalize);
// A pattern's segment is literal text or one {name}, which matches one segment that is not empty; its value is put into
// Request::params as sent, not percent-decoded. A last segment {name...} matches all that is left of the path, slashes
// included, and never nothing. Query strings play no part. Add everything first: dispatch only reads,
// so that one Router serves every thread.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/awaitable.h"
#include "base/net/http.h"

namespace lenscap::net {

// What a handler may throw ends at the session: 500 without detail. A handler may be a function pointer, or a lambda
// whose captures outlive the IoThreads (a coroutine lambda's frame refers to its captures).
using Handler = std::function<Awaitable<Response>(Request)>;
// One that never waits. It has no deadline and costs no coroutine.
using PlainHandler = std::function<Response(Request const&)>;

// The body of a refusal that the HTTP layer itself gives (400, 404, 405, 408, 411, 413, 500, 503 ...). `detail` is safe
// to show. Must not throw.
using ErrorPage = std::function<Response(int status, std::string detail)>;

class Router {
 public:
  explicit Router(ErrorPage error_page) : error_page_(std::move(error_page)) {}

  // bug() for a pattern that does not start with '/', and for a method and pattern added twice. Where two patterns
  // match a path, the one added first is used.
  void add(Method method, std::string_view pattern, Handler handler);
  void add_plain(Method method, std::string_view pattern, PlainHandler handler);

  // Who answers: one of the two handlers, or the refusal: 404 for a path that no pattern matches, 405 with Allow when
  // only the method is wrong. HEAD without a row of its own is served by the GET row (RFC 9110 9.3.2); the session
  // sends no body. Fills in the request's params. The handlers are the router's own.
  struct Match {
    Handler const* handler = nullptr;
    PlainHandler const* plain = nullptr;
    Response refusal = {};
  };
  Match match(Request& request) const;
  // The same, and lets it answer.
  Awaitable<Response> dispatch(Request request) const;

  Response error(int status, std::string detail) const { return error_page_(status, std::move(detail)); }

 private:
  struct Row {
    Method method;
    std::vector<std::string> segments;  // "{id}" or literal, or "{rest...}" at the end
    Handler handler;                    // this or
    PlainHandler plain;
  };
  void add_row(Row row);
  Match refuse(Request const& request) const;
  ErrorPage error_page_;
  std::vector<Row> rows_;
};

}  // namespace lenscap::net
