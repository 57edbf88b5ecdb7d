#include "acme/server/respond.h"

#include <algorithm>

#include "acme/server/nonces.h"
#include "acme/server/urls.h"
#include "acme/wire/names.h"
#include "acme/wire/problem.h"

namespace lenscap::acme {

net::Response json_response(int status, json::Object const& object) {
  return bytes_response(status, names::kJson, json::write(object));
}

net::Response bytes_response(int status, std::string_view content_type, std::string body) {
  net::Response response;
  response.status = status;
  response.headers.add(std::string(names::kContentType), std::string(content_type));
  response.body = std::move(body);
  return response;
}

net::Response problem_response(int status, Error const& error) {
  auto document = to_problem(error);
  document.set("detail", error.detail()).set("status", status);
  return bytes_response(status, names::kProblemJson, json::write(document));
}

net::Response problem_response(Error const& error, std::string_view request_id) {
  auto const status = http_status(error);
  auto document = to_problem(error);
  if (status >= 500 && !request_id.empty())
    document.set("detail",
                 json::need_string(document, "detail").value() + " (request " + std::string(request_id) + ")");
  auto response = bytes_response(status, names::kProblemJson, json::write(document));
  if (error.retry_after) add_retry_after(response, *error.retry_after);
  if (error.code() == Errc::key_in_use && !error.url.empty()) add_location(response, error.url);
  return response;
}

namespace {

// Is one of these the tag? A weak one will do.
bool names_tag(std::string_view tags, std::string_view tag) {
  while (!tags.empty()) {
    auto one = tags.substr(0, tags.find(','));
    tags.remove_prefix(std::min(tags.size(), one.size() + 1));
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == tag) return true;
  }
  return false;
}

}  // namespace

bool is_known_to(net::Request const& request, std::string_view tag, Time last_modified) {
  if (auto const* tags = request.headers.find("If-None-Match")) return names_tag(*tags, tag);
  auto const* since = request.headers.find("If-Modified-Since");
  if (since == nullptr) return false;
  auto const time = parse_http_date(*since);
  return time.ok() && last_modified <= *time;
}

void add_link(net::Response& response, std::string_view url, std::string_view relation) {
  response.headers.add(std::string(names::kLink), "<" + std::string(url) + ">;rel=\"" + std::string(relation) + "\"");
}

void add_location(net::Response& response, std::string url) {
  response.headers.add(std::string(names::kLocation), std::move(url));
}

void add_retry_after(net::Response& response, Seconds after) {
  response.headers.add(std::string(names::kRetryAfter), std::to_string(std::clamp<long long>(after.count(), 1, 600)));
}

void finish_acme(net::Response& response, Nonces& nonces, Urls const& urls, Resource resource) {
  if (resource != Resource::cacheable) response.headers.add(std::string(names::kReplayNonce), nonces.issue());
  if (response.headers.find(names::kCacheControl) == nullptr)
    response.headers.add(std::string(names::kCacheControl), "no-store");
  if (resource != Resource::directory) add_link(response, urls.directory(), names::kRelIndex);
}

}  // namespace lenscap::acme
