#include "agent/client/obtain.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "acme/wire/key_authorization.h"

namespace lenscap::agent {
namespace {

// Looks at one object until it changes: how often each state of it was seen, and until when there is time.
class Looks {
 public:
  Looks(Sleep const& sleep, Clock const& clock, Time end) : sleep_(sleep), clock_(clock), end_(end) {}

  template <class Status>
  int count(Status state) {
    return ++seen_[static_cast<int>(state)];
  }
  // False: it was seen in this state often enough, or the time is up.
  template <class Status>
  net::Awaitable<bool> wait(Status state, std::optional<Seconds> retry_after) {
    int const seen = count(state);
    Seconds const left = end_ - clock_.now();
    if (seen >= kLooksPerState || left <= Seconds(0)) co_return false;
    co_await sleep_(std::min(pause_before_next(seen, retry_after), left));
    co_return true;
  }

 private:
  Sleep const& sleep_;
  Clock const& clock_;
  Time end_;
  std::map<int, int> seen_;
};

Error out_of_time() {
  return {Errc::incorrect_response, "the ACME order did not come to an end in time; it will be looked at again later"};
}

// Names that somebody else chose, of which there may be thousands, fit for a sentence.
std::string shown(x509::NameSet const& names) {
  constexpr std::size_t kShownMax = 300;
  auto const text = names.text();
  return text.size() > kShownMax ? text.substr(0, kShownMax) + "..." : text;
}

// The identifiers are ours from newOrder on, and may not become others (8555-7.1.3-3).
Result<> check_identifiers(acme::OrderObject const& order, x509::NameSet const& names) {
  auto const named = acme::to_name_set(order.identifiers);
  if (named == names) return {};
  return Error(Errc::incorrect_response,
               fmt::format("the ACME order is for {} instead of {}", shown(named), shown(names)));
}

bool is_ordered(acme::AuthorizationObject const& authorization, x509::NameSet const& names) {
  return std::ranges::any_of(acme::to_identifiers(names), [&](acme::Identifier const& name) {
    return name.base() == authorization.identifier && name.is_wildcard() == authorization.wildcard;
  });
}

// The row that answers one of the challenges, and that challenge; the row is null when there is none.
struct Choice {
  Solver const* solver = nullptr;
  acme::ChallengeObject challenge = {};
};
Choice choose(SolverTools const& tools, acme::AuthorizationObject const& authorization) {
  for (Solver const& solver : tools.solvers) {
    if (authorization.wildcard && !solver.wildcards) continue;
    if (!solver.can_solve(tools, authorization.identifier)) continue;
    for (auto const& challenge : authorization.challenges)
      if (challenge.type == solver.type) return {&solver, challenge};
  }
  return {};
}

// Takes a presented answer away at the end, whatever happens between.
class Presented {
 public:
  Presented(Solver const& solver, SolverTools const& tools, Proof proof)
      : solver_(solver), tools_(tools), proof_(std::move(proof)) {}
  ~Presented() { solver_.clean_up(tools_, proof_); }
  Presented(Presented const&) = delete;
  Presented& operator=(Presented const&) = delete;

 private:
  Solver const& solver_;
  SolverTools const& tools_;
  Proof proof_;
};

// What a server says of a proof that it did not see, or did not like.
bool is_of_a_proof(Errc code) {
  constexpr Errc kCodes[] = {Errc::connection,         Errc::dns,          Errc::tls,
                             Errc::incorrect_response, Errc::unauthorized, Errc::caa};
  return std::ranges::find(kCodes, code) != std::ranges::end(kCodes);
}

// Why an authorization is of no use, in the server's words where it has some.
Error not_proven(acme::AuthorizationObject const& authorization, Errc code) {
  std::string why;
  for (auto const& challenge : authorization.challenges)
    if (challenge.error) why = ": " + challenge.error->detail();
  return {code, fmt::format("the authorization of {} is {}, so the ACME order is of no use{}",
                            authorization.identifier.value(), acme::to_string(authorization.status), why)};
}

// One that was good for nothing before anything was proved: of an order that was left alone for long.
Error of_no_use(acme::AuthorizationObject const& authorization) { return not_proven(authorization, Errc::not_found); }

// We showed our answer, and the server did not take it: the next order would fare as this one did.
Error failed_proof(acme::AuthorizationObject const& authorization) {
  if (authorization.status != acme::AuthorizationStatus::invalid) return of_no_use(authorization);
  Errc code = Errc::unauthorized;
  for (auto const& challenge : authorization.challenges)
    if (challenge.error && is_of_a_proof(challenge.error->code())) code = challenge.error->code();
  return not_proven(authorization, code);
}

// One authorization until it is valid.
net::Awaitable<Result<>> prove(AcmeClient& client, std::string url, x509::NameSet const& names,
                               SolverTools const& tools, Looks looks) {
  CO_TRY(auto authorization, co_await client.authorization(url));
  if (!is_ordered(authorization.object, names)) {
    co_return Error(Errc::incorrect_response, fmt::format("the ACME order has an authorization of {}, which was not "
                                                          "ordered",
                                                          authorization.object.identifier.value()));
  }
  if (authorization.object.status == acme::AuthorizationStatus::valid) co_return Result<>();
  if (authorization.object.status != acme::AuthorizationStatus::pending) co_return of_no_use(authorization.object);

  auto const [solver, challenge] = choose(tools, authorization.object);
  if (solver == nullptr) co_return refuse_ungranted(tools, authorization.object);
  if (!acme::is_token(challenge.token)) {  // before it is used for anything
    co_return Error(Errc::incorrect_response, fmt::format("the ACME server's token for the {} challenge of {} is none",
                                                          solver->type, authorization.object.identifier.value()));
  }
  Proof proof{authorization.object.identifier, challenge.token,
              acme::key_authorization(challenge.token, client.key().public_key())};
  CO_CHECK_OK(co_await solver->present(tools, proof));
  Presented const presented(*solver, tools, proof);
  if (solver->wait != nullptr) CO_CHECK_OK(co_await solver->wait(tools, proof));

  // One that is `processing` was accepted in an earlier call.
  if (challenge.status == acme::ChallengeStatus::pending) {
    CO_TRY(auto const accepted, co_await client.respond(challenge.url));
    (void)accepted;  // what counts is the authorization
  }
  while (authorization.object.status == acme::AuthorizationStatus::pending) {
    bool const again = co_await looks.wait(authorization.object.status, authorization.retry_after);
    if (!again) co_return out_of_time();
    CO_TRY(auto next, co_await client.authorization(url));
    if (!(next.object.identifier == authorization.object.identifier))
      co_return Error(Errc::incorrect_response, "the ACME server changed the name of an authorization");
    authorization = std::move(next);
  }
  if (authorization.object.status != acme::AuthorizationStatus::valid) co_return failed_proof(authorization.object);
  co_return Result<>();
}

// What a pending order waits for: each of its authorizations in turn.
net::Awaitable<Result<>> prove_all(AcmeClient& client, acme::OrderObject order, x509::NameSet const& names,
                                   SolverTools const& tools, Looks looks) {
  if (order.authorizations.empty() || order.authorizations.size() > names.size()) {
    co_return Error(Errc::incorrect_response, fmt::format("the ACME order of {} names has {} authorizations",
                                                          names.size(), order.authorizations.size()));
  }
  for (std::string const& url : order.authorizations) CO_CHECK_OK(co_await prove(client, url, names, tools, looks));
  co_return Result<>();
}

// Did it end before this call did anything for it, or in spite of what it did?
enum class Ended { before, meanwhile };

// An order that expired while nobody finalized it, or whose proof failed in an earlier call: another may fare better.
// One that ended under our hands is like the next one would be.
Error ended(acme::OrderObject const& order, Ended when) {
  if (!order.error) return {Errc::not_found, "the ACME order ended invalid; the server gave no reason"};
  Errc const reason = order.error->code();
  bool const is_gone = reason == Errc::order_not_ready || (when == Ended::before && is_of_a_proof(reason));
  return {is_gone ? Errc::not_found : reason, "the ACME order ended invalid: " + order.error->detail()};
}

// Refusals that RFC 9773 5 gives, or servers in its place: the certificate is replaced already (also by our own order
// that a crash made us forget), is not known, or is another account's.
bool may_be_for_replaces(Errc code) {
  return code == Errc::already_replaced || code == Errc::malformed || code == Errc::unauthorized ||
         code == Errc::not_found;
}

}  // namespace

Seconds pause_before_next(int looks, std::optional<Seconds> retry_after) {
  Seconds usual(1);
  for (int i = 1; i < looks && usual < kMinute; ++i) usual = std::min(usual * 2, kMinute);
  return std::clamp(retry_after.value_or(usual), usual, kPauseMax);
}

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
  CO_CHECK_OK(check_identifiers(order->object, names));
  if (order->object.status == acme::OrderStatus::invalid) co_return ended(order->object, Ended::before);
  co_return order->url;
}

net::Awaitable<Result<std::vector<x509::Certificate>>> complete_order(AcmeClient& client, CompleteOrder request,
                                                                      SolverTools solvers, Sleep sleep,
                                                                      Clock const& clock) {
  Time const end = clock.now() + kOrderDeadline;
  Looks const fresh(sleep, clock, end);
  Looks looks = fresh;
  int finalized = 0;       // how often
  bool came_back = false;  // `processing` since it was finalized last: when it is `ready` then, nobody works on it
  bool proven = false;
  CO_TRY(auto order, co_await client.order(request.order_url));
  while (true) {
    CO_CHECK_OK(check_identifiers(order.object, request.names));
    switch (order.object.status) {
      case acme::OrderStatus::valid: {
        co_return co_await client.certificate(order.object.certificate);
      }
      case acme::OrderStatus::invalid:
        co_return ended(order.object, proven || finalized != 0 ? Ended::meanwhile : Ended::before);
      case acme::OrderStatus::pending: {
        if (proven) break;  // once was enough; now only look
        proven = true;
        looks.count(order.object.status);
        CO_CHECK_OK(co_await prove_all(client, order.object, request.names, solvers, fresh));
        CO_TRY(order, co_await client.order(request.order_url));
        continue;
      }
      case acme::OrderStatus::ready: {
        bool const is_wanted = finalized == 0 || (came_back && finalized < kFinalizesMax);
        if (!is_wanted) break;  // it was accepted; now only look
        if (came_back && finalized != 0) {
          bool const is_time_left = co_await looks.wait(order.object.status, order.retry_after);
          if (!is_time_left) co_return out_of_time();
        }
        ++finalized;
        came_back = false;
        CO_TRY(order, co_await client.finalize(order.object, request.order_url, request.csr.der));
        continue;
      }
      case acme::OrderStatus::processing:
        came_back = true;
        break;
    }
    bool const again = co_await looks.wait(order.object.status, order.retry_after);
    if (!again) co_return out_of_time();
    CO_TRY(order, co_await client.order(request.order_url));
  }
}

Result<> check_issued(std::vector<x509::Certificate> const& chain, x509::Csr const& csr, x509::NameSet const& names,
                      std::vector<x509::Certificate> const& roots, Time now) {
  auto const refuse = [](std::string const& why, std::optional<Seconds> passes_in = {}) {
    Error error(Errc::incorrect_response, "the issued certificate " + why + "; it was not installed");
    error.retry_after = passes_in;
    return error;
  };
  if (chain.empty()) return refuse("is missing");
  x509::Certificate const& leaf = chain.front();
  if (leaf.is_ca()) return refuse("is that of an authority");
  if (!(leaf.key() == csr.key)) return refuse("is for another key than the camera's");
  if (!(leaf.names() == names)) return refuse(fmt::format("names {} instead of {}", shown(leaf.names()), shown(names)));
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    if (!chain[i].is_signed_by(chain[i + 1].key()))
      return refuse("comes with a chain in which a signature does not fit");
  }
  if (now < leaf.not_before())
    return refuse("is not valid yet: compare the clocks of agent and server", leaf.not_before() - now);
  if (now >= leaf.not_after())
    return refuse("has expired already: compare the clocks of agent and server", now - leaf.not_after());
  auto const trusted = x509::verify_chain(leaf, {chain.begin() + 1, chain.end()}, roots, now);
  if (!trusted.ok()) {
    return refuse("does not lead to the root with which this agent joined (" + trusted.error().detail() + ")");
  }
  return {};
}

}  // namespace lenscap::agent
