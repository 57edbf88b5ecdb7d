// Requests and responses as our own values: handlers see these and never a Beast or libcurl type.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/net/shared_body.h"

namespace lenscap::net {

enum class Method { get, head, post, put, patch, del, options, other };

std::string_view to_string(Method method);  // "DELETE"; "?" for other
Method method_from(std::string_view text);  // case matters (RFC 9110 9.1)

// Header fields in order; names compare without case.
class Headers {
 public:
  std::string const* find(std::string_view name) const;  // the first one; nullptr when absent
  std::size_t count(std::string_view name) const;
  void add(std::string name, std::string value) { fields_.emplace_back(std::move(name), std::move(value)); }
  void set(std::string_view name, std::string value);  // the first one's, or adds it
  std::vector<std::pair<std::string, std::string>> const& fields() const { return fields_; }

 private:
  std::vector<std::pair<std::string, std::string>> fields_;
};

// What stands in a path at the {names} of its pattern. A handful at most.
class PathParams {
 public:
  // Of a name that the pattern has; another one is a bug.
  std::string const& at(std::string_view name) const;
  void add(std::string name, std::string value) { values_.emplace_back(std::move(name), std::move(value)); }
  bool empty() const { return values_.empty(); }
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }

 private:
  std::vector<std::pair<std::string, std::string>> values_;
};

struct Request {
  Method method = Method::get;
  std::string method_text;  // as sent
  std::string target;       // raw request target: path and query, as sent
  std::string path;         // target up to '?', not decoded
  std::string query;
  Headers headers;
  std::string body;
  std::string peer;  // address of the other end, without port
  bool over_tls = false;
  std::string id;     // request id, for the log and for a 500's answer
  PathParams params;  // filled by the router
};

struct Response {
  int status = 200;
  Headers headers;  // Content-Length, Date, Server and Connection are the session's business
  std::string body;
  bool close = false;           // end the connection after this answer
  SharedBody shared_body = {};  // sent in place of `body`

  std::size_t body_size() const { return shared_body ? shared_body.size() : body.size(); }
};

inline Response text_response(int status, std::string body, std::string content_type = "text/plain; charset=utf-8") {
  Response response;
  response.status = status;
  response.headers.add("Content-Type", std::move(content_type));
  response.body = std::move(body);
  return response;
}

}  // namespace lenscap::net
