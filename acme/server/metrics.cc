#include "acme/server/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <deque>
#include <mutex>

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

// Gauges whose rows come and go with what they tell of.
class Rows {
 public:
  Rows(prometheus::Registry& registry, char const* name, char const* help)
      : family_(prometheus::BuildGauge().Name(name).Help(help).Register(registry)) {}

  void set(std::map<prometheus::Labels, double> const& values) {
    std::erase_if(rows_, [&](auto const& row) {
      if (values.contains(row.first)) return false;
      family_.Remove(row.second);
      return true;
    });
    for (auto const& [labels, value] : values) {
      auto const [row, is_new] = rows_.try_emplace(labels, nullptr);
      if (is_new) row->second = &family_.Add(labels);
      row->second->Set(value);
    }
  }
  template <class T>
  void set_if(std::optional<T> const& value) {
    set(value ? std::map<prometheus::Labels, double>{{{}, static_cast<double>(*value)}}
              : std::map<prometheus::Labels, double>());
  }

 private:
  prometheus::Family<Gauge>& family_;
  std::map<prometheus::Labels, Gauge*> rows_;
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
  prometheus::Family<Counter>& revocations = prometheus::BuildCounter()
                                                 .Name("lenscap_revocations_total")
                                                 .Help("Certificates that this process revoked, by reason")
                                                 .Register(registry);
  Histogram& commits = prometheus::BuildHistogram()
                           .Name("lenscap_store_commit_seconds")
                           .Help("From the first write of a commit until all of it is durable")
                           .Register(registry)
                           .Add({}, buckets());
  Rows issuer_ends{registry, "lenscap_issuer_end_timestamp_seconds", "When the chain of an issuer ends"};
  Rows issuer_revoked{registry, "lenscap_issuer_revoked", "1: the list of its root names this issuer"};
  Rows root_crl_ages{registry, "lenscap_root_crl_age_seconds", "Since the list of a root begins"};
  Rows root_crl_next_updates{registry, "lenscap_root_crl_next_update_timestamp_seconds",
                             "Until when that list is good"};
  Rows root_crl_entries{registry, "lenscap_root_crl_entries", "Certificates of issuers and roots that it names"};
  Gauge& server_certificate_due =
      gauge("lenscap_server_certificate_due_timestamp_seconds", "When the server's own certificate is to be renewed");
  Gauge& signer_ready = gauge("lenscap_signer_ready", "1: the signer would sign now");
  Gauge& audit_trail_good =
      gauge("lenscap_audit_trail_good", "1: nobody has changed the audit trail, as far as it was looked at");
  Gauge& connections = gauge("lenscap_connections_open", "Connections at all listeners");
  Gauge& store_bytes = gauge("lenscap_store_bytes", "What the store's files take on the disk");
  Gauge& store_used = gauge("lenscap_store_used_bytes", "Of these, and of what the store may grow to, what is in use");
  Gauge& store_max = gauge("lenscap_store_max_bytes", "What the store may grow to; 0: it knows no bound");
  Rows disk_free{registry, "lenscap_disk_free_bytes", "Of the disk that has the least, of state directory and store"};
  Gauge& shortage =
      gauge("lenscap_room_shortage", "0: there is room; 1: little; 2: so little that nothing new is begun");
  Rows crl_ages{registry, "lenscap_crl_age_seconds",
                "Since the list of an issuer and a scope was made; the whole list has none"};
  Rows crl_next_updates{registry, "lenscap_crl_next_update_timestamp_seconds", "Until when that list is good"};
  Rows crl_entries{registry, "lenscap_crl_entries", "Revoked certificates in it, which are those that have not ended"};
  Rows crl_good{registry, "lenscap_crl_good", "1: every list is in force, and none is overdue"};
  Rows ocsp_good{registry, "lenscap_ocsp_good", "1: every issuer has a signer of OCSP answers, and none is overdue"};
  Gauge& audit_head = gauge("lenscap_audit_head_timestamp_seconds", "When the last head of the audit trail was signed");
  Gauge& audit_unsigned = gauge("lenscap_audit_entries_unsigned", "Entries of the audit trail behind that head");
  Gauge& backup =
      gauge("lenscap_backup_timestamp_seconds", "When the last back-up was made that was read back; 0: never");
  std::map<x509::RevocationReason, Counter*> by_reason;
  std::mutex serving;  // one text at a time: it changes the rows
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
    constexpr std::int64_t kCodeMax = 10;  // of RFC 5280 5.3.1
    for (std::int64_t code = 0; code <= kCodeMax; ++code)
      if (auto const reason = x509::revocation_reason_of(code))
        by_reason[*reason] = &revocations.Add({{"reason", std::string(x509::to_string(*reason))}});
    by_outcome = {&certificates.Add({{"result", "failed"}}), &certificates.Add({{"result", "issued"}})};
  }
  void set_roots(Readings const& readings) {
    std::map<prometheus::Labels, double> revoked, ages, next_updates, entries;
    for (auto const& [issuer, is_revoked] : readings.issuer_revoked) revoked[{{"issuer", issuer}}] = is_revoked ? 1 : 0;
    for (auto const& [root, list] : readings.root_lists) {
      prometheus::Labels const labels{{"root", root}};
      ages[labels] = seconds(readings.now) - seconds(list.made);
      next_updates[labels] = seconds(list.next_update);
      entries[labels] = static_cast<double>(list.entries);
    }
    issuer_revoked.set(revoked);
    root_crl_ages.set(ages);
    root_crl_next_updates.set(next_updates);
    root_crl_entries.set(entries);
  }
  Gauge& gauge(char const* name, char const* help) {
    return prometheus::BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
};

Metrics::Metrics() : state_(std::make_shared<State>()) {}
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

void Metrics::revoked(std::optional<x509::RevocationReason> reason) {
  state_->by_reason.at(reason.value_or(x509::RevocationReason::unspecified))->Increment();
}

std::function<void(std::chrono::nanoseconds took)> Metrics::commit_watch() {
  return [state = state_](std::chrono::nanoseconds took) { state->commits.Observe(seconds(took)); };
}

std::string Metrics::text(Readings const& readings) {
  using Values = std::map<prometheus::Labels, double>;
  std::lock_guard const lock(state_->serving);
  Values issuer_ends, ages, next_updates, entries;
  for (auto const& [issuer, ends] : readings.issuer_ends) issuer_ends[{{"issuer", issuer}}] = seconds(ends);
  for (auto const& [name, list] : readings.lists) {
    prometheus::Labels const labels{{"issuer", name.first}, {"scope", name.second}};
    ages[labels] = seconds(readings.now) - seconds(list.made);
    next_updates[labels] = seconds(list.next_update);
    entries[labels] = static_cast<double>(list.entries);
  }
  state_->issuer_ends.set(issuer_ends);
  state_->set_roots(readings);
  state_->crl_ages.set(ages);
  state_->crl_next_updates.set(next_updates);
  state_->crl_entries.set(entries);
  state_->crl_good.set_if(readings.lists_are_good);
  state_->ocsp_good.set_if(readings.ocsp_is_good);
  state_->audit_head.Set(readings.audit_head_at ? seconds(*readings.audit_head_at) : 0);
  state_->audit_unsigned.Set(static_cast<double>(readings.audit_entries_unsigned));
  state_->backup.Set(readings.last_backup ? seconds(*readings.last_backup) : 0);
  state_->server_certificate_due.Set(seconds(readings.server_certificate_due));
  state_->audit_trail_good.Set(readings.audit_trail_is_good ? 1 : 0);
  state_->signer_ready.Set(readings.signer_is_ready ? 1 : 0);
  state_->connections.Set(static_cast<double>(readings.connections));
  state_->store_bytes.Set(static_cast<double>(readings.store_bytes));
  state_->store_used.Set(static_cast<double>(readings.store_used));
  state_->store_max.Set(static_cast<double>(readings.store_max));
  state_->disk_free.set_if(readings.disk_free);
  state_->shortage.Set(static_cast<double>(readings.shortage));
  return prometheus::TextSerializer().Serialize(state_->registry.Collect());
}

}  // namespace lenscap::acme
