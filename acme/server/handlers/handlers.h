// What routes.cc points to: one function for each resource, one file each. A signed handler gets a request whose
// signature, nonce and URL are good and answers with a response or a refusal; the frame around it (routes.cc) makes the
// problem document and puts on what every ACME answer carries.
#pragma once

#include "acme/server/authenticate.h"
#include "base/net/http.h"

namespace lenscap::acme {

struct App;

using SignedHandler = net::Awaitable<Result<net::Response>> (*)(App& app, SignedRequest const& request);
using OpenHandler = net::Response (*)(App& app, net::Request const& request);

// handlers/acme
net::Response get_directory(App& app, net::Request const& request);
net::Awaitable<Result<net::Response>> post_directory(App& app, SignedRequest const& request);
net::Response renewal_info(App& app, net::Request const& request);
net::Response get_new_nonce(App& app, net::Request const& request);
net::Response head_new_nonce(App& app, net::Request const& request);
net::Awaitable<Result<net::Response>> post_new_nonce(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> new_account(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> account(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> key_change(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> orders(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> new_authz(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> new_order(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> order(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> finalize(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> authorization(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> challenge(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> certificate(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> roots(App& app, SignedRequest const& request);
net::Awaitable<Result<net::Response>> revoke_cert(App& app, SignedRequest const& request);

// handlers/web
net::Response root_certificate(App& app, net::Request const& request);
net::Response issuing_certificate(App& app, net::Request const& request);
net::Response revocation_list(App& app, net::Request const& request);
net::Response revocation_list_of_root(App& app, net::Request const& request);
net::Response part_of_revocation_list(App& app, net::Request const& request);
net::Response ocsp_by_get(App& app, net::Request const& request);
net::Response ocsp_by_post(App& app, net::Request const& request);
net::Response show_terms(App& app, net::Request const& request);
net::Awaitable<net::Response> agree_to_terms(App& app, net::Request request);
net::Response health(App& app, net::Request const& request);

}  // namespace lenscap::acme
