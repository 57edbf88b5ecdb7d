#include "acme/server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <deque>

#include "acme/server/validator.h"
#include "acme/wire/problem.h"

namespace lenscap::acme {
namespace {

using prometheus::Counter;
using prometheus::Gauge;
using prometheus::Histogram;

double seconds(std::chrono::nanoseconds time) { return std::chrono::duration<double>(time).count(); }
double seconds(Time time) { return static_cast<double>(to_unix(time)); }

// From what a directory takes to what a request may take at most.
Histogram::BucketBoundaries const& buckets() {
  static Histogram::BucketBoundaries const kSeconds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                    0.1,    0.25,  0.5,    1,     2.5,  10,    30};
  return kSeconds;
}

// Every status that an answer of ours may have falls into one of these.
constexpr std::array<char const*, 5> kClasses{"1xx", "2xx", "3xx", "4xx", "5xx"};

class CountedRoute final : public Metrics::Route {
 public:
  CountedRoute(prometheus::Family<Counter>& requests, prometheus::Family<Histogram>& times, std::string method,
               std::string pattern)
      : times_(times.Add({{"method", method}, {"route", pattern}}, buckets())) {
    for (std::size_t i = 0; i < kClasses.size(); ++i)
      by_class_.at(i) = &requests.Add({{"method", method}, {"route", pattern}, {"status", kClasses.at(i)}});
  }
  void answered(int status, std::chrono::nanoseconds took) override {
    auto const index = status >= 100 && status < 600 ? static_cast<std::size_t>(status / 100 - 1) : 4;
    by_class_.at(index)->Increment();
    times_.Observe(seconds(took));
  }

 private:
  std::array<Counter*, kClasses.size()> by_class_{};
  Histogram& times_;
};

}  // namespace

struct Metrics::State {
  prometheus::Registry registry;
  prometheus::Family<Counter>& requests = prometheus::BuildCounter()
                                              .Name("lenscap_http_requests_total")
                                              .Help("Requests that were answered, by route and class of status")
                                              .Register(registry);
  prometheus::Family<Histogram>& times = prometheus::BuildHistogram()
                                             .Name("lenscap_http_request_seconds")
                                             .Help("From the whole request to its answer, before that is sent")
                                             .Register(registry);
  prometheus::Family<Counter>& problems = prometheus::BuildCounter()
                                              .Name("lenscap_acme_problems_total")
                                              .Help("Refused requests of ACME, by the problem's type")
                                              .Register(registry);
  prometheus::Family<Counter>& certificates = prometheus::BuildCounter()
                                                  .Name("lenscap_certificates_total")
                                                  .Help("Certificates that were to be signed for an order")
                                                  .Register(registry);
  prometheus::Family<Counter>& validations = prometheus::BuildCounter()
                                                 .Name("lenscap_validations_total")
                                                 .Help("Attempts of challenges, by type and result")
                                                 .Register(registry);
  Histogram& signing = prometheus::BuildHistogram()
                           .Name("lenscap_signing_seconds")
                           .Help("A signature of a certificate, with all waiting for it")
                           .Register(registry)
                           .Add({}, buckets());
  prometheus::Family<Gauge>& issuer_ends = prometheus::BuildGauge()
                                               .Name("lenscap_issuer_end_timestamp_seconds")
                                               .Help("When the chain of an issuer ends")
                                               .Register(registry);
  Gauge& server_certificate_due =
      gauge("lenscap_server_certificate_due_timestamp_seconds", "When the server's own certificate is to be renewed");
  Gauge& signer_ready = gauge("lenscap_signer_ready", "1: the signer would sign now");
  Gauge& connections = gauge("lenscap_connections_open", "Connections at all listeners");
  Gauge& store_bytes = gauge("lenscap_store_bytes", "What the store's files take on the disk");
  prometheus::Family<Gauge>& crl_ages =
      prometheus::BuildGauge()
          .Name("lenscap_crl_age_seconds")
          .Help("Since the list of an issuer and a scope was made; the whole list has none")
          .Register(registry);
  std::map<Errc, Counter*> by_problem;
  std::map<std::string, std::array<Counter*, 2>, std::less<>> by_challenge;
  std::array<Counter*, 2> by_outcome{};
  std::deque<CountedRoute> routes;

  State() {
    for (auto const code : all_errcs()) by_problem[code] = &problems.Add({{"type", problem_type(code)}});
    for (auto const& row : validators()) {
      std::string const type(row.type);
      by_challenge[type] = {&validations.Add({{"challenge", type}, {"result", "invalid"}}),
                            &validations.Add({{"challenge", type}, {"result", "valid"}})};
    }
    by_outcome = {&certificates.Add({{"result", "failed"}}), &certificates.Add({{"result", "issued"}})};
  }
  Gauge& gauge(char const* name, char const* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
};

Metrics::Metrics() : state_(std::make_unique<State>()) {}
Metrics::~Metrics() = default;

Metrics::Route& Metrics::route(std::string_view method, std::string_view pattern) {
  return state_->routes.emplace_back(state_->requests, state_->times, std::string(method), std::string(pattern));
}

void Metrics::refused(Errc why) {
  if (auto const found = state_->by_problem.find(why); found != state_->by_problem.end()) found->second->Increment();
}

void Metrics::issued(bool well) { state_->by_outcome.at(well ? 1 : 0)->Increment(); }

void Metrics::signed_in(std::chrono::nanoseconds took) { state_->signing.Observe(seconds(took)); }

void Metrics::validated(std::string_view challenge, bool valid) {
  auto const found = state_->by_challenge.find(challenge);
  if (found != state_->by_challenge.end()) found->second.at(valid ? 1 : 0)->Increment();
}

std::string Metrics::text(Readings const& readings) {
  for (auto const& [issuer, ends] : readings.issuer_ends)
    state_->issuer_ends.Add({{"issuer", issuer}}).Set(seconds(ends));
  state_->server_certificate_due.Set(seconds(readings.server_certificate_due));
  state_->signer_ready.Set(readings.signer_is_ready ? 1 : 0);
  state_->connections.Set(static_cast<double>(readings.connections));
  state_->store_bytes.Set(static_cast<double>(readings.store_bytes));
  for (auto const& [list, made] : readings.crl_made)
    state_->crl_ages.Add({{"issuer", list.first}, {"scope", list.second}}).Set(seconds(readings.now) - seconds(made));
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace lenscap::acme
