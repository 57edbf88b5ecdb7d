// newNonce (RFC 8555 7.2). The nonce itself is put on by the frame, as on every answer.
#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"

namespace lenscap::acme {
namespace {

net::Response empty_response(int status) {
  net::Response response;
  response.status = status;
  return response;
}

}  // namespace

net::Response head_new_nonce(App&, net::Request const&) { return empty_response(200); }  // 8555-7.2-1
net::Response get_new_nonce(App&, net::Request const&) { return empty_response(204); }   // 8555-7.2-2

net::Awaitable<Result<net::Response>> post_new_nonce(App&, SignedRequest const& request) {
  if (!request.is_post_as_get()) co_return Error(Errc::malformed, "newNonce takes no payload: send an empty one");
  co_return empty_response(204);
}

}  // namespace lenscap::acme
