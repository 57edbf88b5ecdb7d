// OCSP over HTTP, where certificates say that somebody answers for them: RFC 6960 appendix A, and RFC 5019 5 and 6 for
// what caches need. A refusal of OCSP is an answer like the others, with status 200: that is where clients look for it.
#include <algorithm>

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/media_type.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

int hex_value(char c) {
  return c >= '0' && c <= '9'   ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

// What a '%' without its digits stands for is refused by the base64 that follows.
std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int const high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    int const low = high >= 0 ? hex_value(text[i + 2]) : -1;
    if (low < 0) {
      out += text[i];
      continue;
    }
    out += static_cast<char>(high << 4 | low);
    i += 2;
  }
  return out;
}

// The request behind the path of the responder: base64, percent-encoded or not, since clients differ; some leave the
// padding out. Empty when it is none of this, which is no request either.
Bytes read_path(std::string_view path) {
  auto text = percent_decoded(path);
  while (text.ends_with('=')) text.pop_back();
  auto const is_base64 = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  };
  if (!std::ranges::all_of(text, is_base64)) return {};
  text.append((4 - text.size() % 4) % 4, '=');
  auto octets = from_base64(text);
  return octets ? *std::move(octets) : Bytes();
}

net::Response to_response(std::shared_ptr<OcspReply const> const& reply) {
  net::Response response;
  response.headers.add(std::string(names::kContentType), std::string(names::kOcspResponse));
  response.shared_body = net::SharedBody(std::shared_ptr<Bytes const>(reply, &reply->der));
  return response;
}

}  // namespace

net::Response ocsp_by_get(App& app, net::Request const& request) {
  auto const reply = app.ocsp.answer(read_path(request.params.at("request")));
  if (!reply->kept) {
    auto response = to_response(reply);
    response.headers.add(std::string(names::kCacheControl), "no-store");
    return response;
  }
  auto const& kept = *reply->kept;
  net::Response response;
  if (is_known_to(request, kept.tag, kept.made))
    response.status = 304;
  else
    response = to_response(reply);
  auto const age = std::max(kept.until - app.clock.now(), Seconds(0));
  response.headers.add("Last-Modified", to_http_date(kept.made));
  response.headers.add("Expires", to_http_date(kept.next_update));
  response.headers.add("ETag", kept.tag);
  response.headers.add(std::string(names::kCacheControl),
                       "public, no-transform, must-revalidate, max-age=" + std::to_string(age.count()));
  return response;
}

net::Response ocsp_by_post(App& app, net::Request const& request) {
  if (!has_media_type(request.headers, names::kOcspRequest))
    return problem_response(
        Error(Errc::unsupported_media_type, "the Content-Type of a request must be application/ocsp-request"));
  return to_response(app.ocsp.answer(as_bytes(request.body)));
}

}  // namespace lenscap::acme
