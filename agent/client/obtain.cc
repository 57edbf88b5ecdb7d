#include "agent/client/obtain.h"

#include <fmt/format.h>

#include <algorithm>

namespace lenscap::agent {
namespace {

// Between two looks at an order: what the server asks for, but never busier than this.
Seconds wait_before_next(std::optional<Seconds> retry_after) {
  return std::clamp(retry_after.value_or(Seconds(2)), Seconds(1), kMinute);
}

// Why the order is still pending: the first authorization that is not valid, by name.
net::Awaitable<Result<>> refuse_pending(AcmeClient& client, acme::OrderObject order) {
  for (std::string const& url : order.authorizations) {
    CO_TRY(auto authorization, co_await client.authorization(url));
    if (authorization.object.status == acme::AuthorizationStatus::valid) continue;
    co_return Error(
        Errc::order_not_ready,
        fmt::format(
            "the ACME server wants proof of {} (authorization is {}), which a camera cannot give; let the agent's "
            "EAB key grant this name: lenscap-ca eab create --grant-dns ... --grant-ip ...",
            authorization.object.identifier.value(), acme::to_string(authorization.object.status)));
  }
  co_return Result<>();
}

Error ended(acme::OrderObject const& order) {
  std::string const why = order.error ? order.error->detail() : "the server gave no reason";
  return {Errc::order_not_ready, fmt::format("the ACME order ended invalid: {}", why)};
}

}  // namespace

net::Awaitable<Result<std::string>> place_order(AcmeClient& client, x509::NameSet names, std::string profile) {
  acme::NewOrderRequest request;
  request.identifiers = acme::to_identifiers(names);
  if (!profile.empty()) request.profile = std::move(profile);
  CO_TRY(auto order, co_await client.new_order(std::move(request)));
  if (order.object.status == acme::OrderStatus::invalid) co_return ended(order.object);
  co_return order.url;
}

net::Awaitable<Result<std::vector<x509::Certificate>>> complete_order(AcmeClient& client, CompleteOrder request,
                                                                      Sleep sleep, Clock const& clock) {
  Time const end = clock.now() + kOrderDeadline;
  CO_TRY(auto order, co_await client.order(request.order_url));
  bool finalized = false;
  for (int requests = 1; requests < kRequestsPerOrder && clock.now() < end; ++requests) {
    switch (order.object.status) {
      case acme::OrderStatus::valid: {
        CO_TRY(auto chain, co_await client.certificate(order.object.certificate));
        CO_CHECK_OK(check_issued(chain, request.csr, request.names, clock.now()));
        co_return chain;
      }
      case acme::OrderStatus::invalid:
        co_return ended(order.object);
      case acme::OrderStatus::pending:
        CO_CHECK_OK(co_await refuse_pending(client, order.object));
        break;
      case acme::OrderStatus::ready: {
        if (finalized) break;  // it was accepted once; now only look
        finalized = true;
        CO_TRY(auto next, co_await client.finalize(order.object, request.order_url, request.csr.der));
        order = std::move(next);
        continue;
      }
      case acme::OrderStatus::processing:
        break;
    }
    co_await sleep(wait_before_next(order.retry_after));
    CO_TRY(auto next, co_await client.order(request.order_url));
    order = std::move(next);
  }
  co_return Error(Errc::incorrect_response,
                  "the ACME order did not come to an end in time; it will be looked at again later");
}

Result<> check_issued(std::vector<x509::Certificate> const& chain, x509::Csr const& csr, x509::NameSet const& names,
                      Time now) {
  auto const refuse = [](std::string why) {
    return Error(Errc::incorrect_response, "the issued certificate " + why + "; it was not installed");
  };
  if (chain.empty()) return refuse("is missing");
  x509::Certificate const& leaf = chain.front();
  if (!(leaf.key() == csr.key)) return refuse("is for another key than the camera's");
  if (!(leaf.names() == names)) return refuse(fmt::format("names {} instead of {}", leaf.names().text(), names.text()));
  if (now < leaf.not_before()) return refuse("is not valid yet: compare the clocks of agent and server");
  if (now >= leaf.not_after()) return refuse("has expired already");
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (!chain[i].is_signed_by(chain[i + 1].key()))
      return refuse("comes with a chain in which a signature does not fit");
  }
  return {};
}

}  // namespace lenscap::agent
