#include "acme/server/reload_rules.h"

namespace lenscap::acme {

std::vector<std::string> fixed_until_restart(Settings const& now, Settings const& wanted) {
  std::vector<std::string> names;
  auto const compare = [&](char const* name, auto const& one, auto const& other) {
    if (!(one == other)) names.emplace_back(name);
  };
  compare("server.listen", now.listen, wanted.listen);
  compare("server.http", now.http, wanted.http);
  compare("server.metrics", now.metrics, wanted.metrics);
  compare("server.connections", now.connections, wanted.connections);
  compare("server.connections_per_address", now.connections_per_address, wanted.connections_per_address);
  compare("server.idle", now.idle, wanted.idle);
  compare("signer.process", now.signer.process, wanted.signer.process);
  compare("signer.socket", now.signer.socket, wanted.signer.socket);
  compare("store.url", now.store_url, wanted.store_url);
  compare("store.size_max", now.store_size_max, wanted.store_size_max);
  return names;
}

}  // namespace lenscap::acme
