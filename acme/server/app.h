// Every long-lived object that handlers use, in construction order; they end in reverse order. No sockets are here (see
// server.h), so a test can make an App from parts and dispatch requests to its routers.
#pragma once

#include <memory>
#include <optional>

#include "acme/flow/policy.h"
#include "acme/server/ballast.h"
#include "acme/server/chaos.h"
#include "acme/server/crl_publisher.h"
#include "acme/server/db.h"
#include "acme/server/finalization.h"
#include "acme/server/issuing.h"
#include "acme/server/metrics.h"
#include "acme/server/nonces.h"
#include "acme/server/ocsp_responder.h"
#include "acme/server/rate_limits.h"
#include "acme/server/refusals.h"
#include "acme/server/resolver.h"
#include "acme/server/room_watch.h"
#include "acme/server/settings.h"
#include "acme/server/target_limits.h"
#include "acme/server/validation.h"
#include "base/log.h"
#include "base/net/http_client.h"
#include "base/net/io_threads.h"
#include "base/net/router.h"
#include "base/seal.h"
#include "ca/authority.h"
#include "store/store.h"

namespace lenscap::acme {

struct AppParts {
  Settings settings;
  std::unique_ptr<store::Store> store;
  std::unique_ptr<ca::Authority> authority;  // over this store
  Sealer sealer;                             // of EAB MAC keys
  Clock const& clock;
  Log log;
  std::size_t io_threads = 0;  // 0: one for each core
};

struct App {
  explicit App(AppParts parts);
  ~App();  // stops the io threads first
  App(App const&) = delete;
  App& operator=(App const&) = delete;

  // Ends it, but for its store, which another may open its App over. Nobody uses its routes any more.
  static std::unique_ptr<store::Store> end(std::unique_ptr<App> app);

  // First, so that it ends last: what other threads (store, pool, resolver) are still doing for a coroutine that waits
  // refers to that coroutine's frame, and those threads are joined before the frames go.
  net::IoThreads threads;
  Settings const settings;
  Clock const& clock;
  Log const log;
  std::unique_ptr<store::Store> store;  // never null
  std::unique_ptr<ca::Authority> const authority;
  Sealer const sealer;
  Policy const policy;
  Chaos chaos;
  Metrics metrics;
  std::string const directory;  // the directory's document, which never changes
  Db db;
  Nonces nonces;
  RoomWatch room;
  Ballast ballast;
  RateLimits limits;
  TargetLimits targets;
  Refusals refusals;
  Resolver resolver;
  net::WorkPool pool;
  Issuing issuing;
  CrlPublisher crls;
  OcspResponder ocsp;
  Finalization finalization;
  net::Router acme_routes;  // behind TLS
  net::Router web_routes;   // plain HTTP
  net::HttpClient http;
  Validation validation;
};

Policy make_policy(Settings const& settings, ca::Authority const& authority, Time now);

// handlers/acme/directory.cc: RFC 8555 7.1.1
std::string directory_text(Settings const& settings, Policy const& policy, ca::Authority const& authority);

// routes.cc
net::Router make_acme_routes(App& app);
net::Router make_web_routes(App& app);

}  // namespace lenscap::acme
