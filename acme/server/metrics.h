// What the server counts and measures, in the text format of Prometheus. Every set of labels is known beforehand:
// routes by their pattern, statuses, types of problems and challenges, never what a client chose. Who counts often asks
// for its row once and keeps it. It does NOT serve them: see routes.cc.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/time.h"

namespace lenscap::acme {

class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(Metrics const&) = delete;
  Metrics& operator=(Metrics const&) = delete;

  // The requests of one route; its labels are looked up when it is made.
  class Route {
   public:
    virtual ~Route() = default;
    virtual void answered(int status, std::chrono::nanoseconds took) = 0;
  };
  // Before anything is served. `pattern` as in the router. Lives as long as this.
  Route& route(std::string_view method, std::string_view pattern);

  // Safe from any thread, as answered() is.
  void refused(Errc why);  // a request of ACME, by the type of its problem
  void issued(bool well);  // a certificate that was on record as intended; false: its signature failed
  void signed_in(std::chrono::nanoseconds took);
  void validated(std::string_view challenge, bool valid);  // an attempt; `challenge` is one of validators()

  // Of the moment at which it is asked.
  struct Readings {
    Time now{};
    std::map<std::string, Time> issuer_ends = {};  // by name
    Time server_certificate_due{};
    bool signer_is_ready = false;
    std::map<std::pair<std::string, std::string>, Time> crl_made = {};  // by issuer and scope
    std::size_t connections = 0;
    std::uint64_t store_bytes = 0;
  };
  std::string text(Readings const& readings);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lenscap::acme
