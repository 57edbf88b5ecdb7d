#include "agent/client/obtain.h"

#include <fmt/format.h>

#include <algorithm>

namespace lenscap::agent {
namespace {

// Between two looks at an order: what the server asks for, but never busier than this, nor beyond the deadline.
Seconds wait_before_next(std::optional<Seconds> retry_after, Seconds left) {
  return std::min(std::clamp(retry_after.value_or(Seconds(2)), Seconds(1), kMinute), left);
}

// Why the order is still pending: the first authorization that is not valid, by name.
net::Awaitable<Result<>> refuse_pending(AcmeClient& client, acme::OrderObject order, std::size_t names) {
  if (order.authorizations.size() > names) {
    co_return Error(Errc::incorrect_response, fmt::format("the ACME order of {} names has {} authorizations", names,
                                                          order.authorizations.size()));
  }
  for (std::string const& url : order.authorizations) {
    CO_TRY(auto authorization, co_await client.authorization(url));
    if (authorization.object.status == acme::AuthorizationStatus::valid) continue;
    if (authorization.object.status != acme::AuthorizationStatus::pending) {
      co_return Error(Errc::not_found, fmt::format("the authorization of {} is {}, so the ACME order is of no use",
                                                   authorization.object.identifier.value(),
                                                   acme::to_string(authorization.object.status)));
    }
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
  if (!order.error) return {Errc::not_found, "the ACME order ended invalid; the server gave no reason"};
  // "Not ready" is what expired while nobody finalized it.
  Errc const code = order.error->code() == Errc::order_not_ready ? Errc::not_found : order.error->code();
  return {code, "the ACME order ended invalid: " + order.error->detail()};
}

// Refusals that RFC 9773 5 gives, or servers in its place: the certificate is replaced already (also by our own order
// that a crash made us forget), is not known, or is another account's.
bool may_be_for_replaces(Errc code) {
  return code == Errc::already_replaced || code == Errc::malformed || code == Errc::unauthorized ||
         code == Errc::not_found;
}

}  // namespace

net::Awaitable<Result<std::string>> place_order(AcmeClient& client, x509::NameSet names, std::string profile,
                                                std::string replaces) {
  CO_TRY(auto const directory, co_await client.directory());
  acme::NewOrderRequest request;
  request.identifiers = acme::to_identifiers(names);
  if (!profile.empty()) request.profile = std::move(profile);
  if (!replaces.empty() && !directory.renewal_info.empty()) request.replaces = std::move(replaces);
  auto order = co_await client.new_order(request);
  if (!order.ok() && request.replaces && may_be_for_replaces(order.error().code())) {
    request.replaces.reset();
    order = co_await client.new_order(request);
  }
  if (!order.ok()) co_return order.error();
  if (order->object.status == acme::OrderStatus::invalid) co_return ended(order->object);
  co_return order->url;
}

net::Awaitable<Result<std::vector<x509::Certificate>>> complete_order(AcmeClient& client, CompleteOrder request,
                                                                      Sleep sleep, Clock const& clock) {
  Time const end = clock.now() + kOrderDeadline;
  bool finalized = false;
  bool explained = false;
  CO_TRY(auto order, co_await client.order(request.order_url));
  for (int looks = 1; looks < kRequestsPerOrder; ++looks) {
    switch (order.object.status) {
      case acme::OrderStatus::valid: {
        CO_TRY(auto chain, co_await client.certificate(order.object.certificate));
        CO_CHECK_OK(check_issued(chain, request.csr, request.names, clock.now()));
        co_return chain;
      }
      case acme::OrderStatus::invalid:
        co_return ended(order.object);
      case acme::OrderStatus::pending:
        if (!explained) CO_CHECK_OK(co_await refuse_pending(client, order.object, request.names.size()));
        explained = true;
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
    Seconds const left = end - clock.now();
    if (left <= Seconds(0)) break;
    co_await sleep(wait_before_next(order.retry_after, left));
    CO_TRY(auto next, co_await client.order(request.order_url));
    order = std::move(next);
  }
  co_return Error(Errc::incorrect_response,
                  "the ACME order did not come to an end in time; it will be looked at again later");
}

Result<> check_issued(std::vector<x509::Certificate> const& chain, x509::Csr const& csr, x509::NameSet const& names,
                      Time now) {
  auto const refuse = [](std::string const& why) {
    return Error(Errc::incorrect_response, "the issued certificate " + why + "; it was not installed");
  };
  if (chain.empty()) return refuse("is missing");
  x509::Certificate const& leaf = chain.front();
  if (leaf.is_ca()) return refuse("is that of an authority");
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
