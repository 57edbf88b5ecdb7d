// lenscap-bench: a load on any ACME server, and what it costs that server's process. One run, one JSON object on
// standard output; tests/bench/run puts runs together. It counts nothing when anything goes wrong.
#include <CLI/CLI.hpp>

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <numeric>
#include <thread>

#include "base/bytes.h"
#include "base/file.h"
#include "base/json.h"
#include "tests/bench/cost.h"
#include "tests/bench/orders.h"

namespace lenscap::bench {
namespace {

struct Options {
  std::string url, ca_file, eab_kid, eab_mac_file, what = "orders", connections = "kept";
  int pid = 0, count = 100, workers = 1, names = 1, http_port = 5002, first = 0, pending = 0;
  bool one_account = false;
};

// 127.1.0.1 and on: each order has names of its own, so that no authorization is used again.
std::string address(int number) {
  constexpr int kPerOctet = 250;
  return "127." + std::to_string(1 + number / kPerOctet / kPerOctet) + "." +
         std::to_string(number / kPerOctet % kPerOctet) + "." + std::to_string(1 + number % kPerOctet);
}

double milliseconds(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

json::Object summary(std::vector<std::chrono::nanoseconds> times) {
  std::ranges::sort(times);
  auto const at = [&](double share) {
    return milliseconds(times.at(static_cast<std::size_t>(share * static_cast<double>(times.size() - 1))));
  };
  return {{"count", times.size()}, {"p50_ms", at(0.5)}, {"p99_ms", at(0.99)}};
}

// Runs `work(worker)` in so many threads; the first exception comes out.
template <class Work>
void in_parallel(int workers, Work const& work) {
  std::vector<std::thread> threads;
  std::vector<std::exception_ptr> failures(static_cast<std::size_t>(workers));
  for (int worker = 0; worker < workers; ++worker)
    threads.emplace_back([&, worker] {
      try {
        work(worker);
      } catch (...) {
        failures.at(static_cast<std::size_t>(worker)) = std::current_exception();
      }
    });
  for (auto& thread : threads) thread.join();
  for (auto const& failure : failures)
    if (failure) std::rethrow_exception(failure);
}

struct Measured {
  Times times;
  Cost before, after;
  std::chrono::nanoseconds took{};
};

Eab read_eab(Options const& options) {
  if (options.eab_kid.empty()) return {};
  auto text = read_file(options.eab_mac_file);
  if (!text.ok()) throw std::runtime_error(text.error().detail());
  while (!text->empty() && text->back() == '\n') text->pop_back();
  auto mac = from_base64url(*text);
  if (!mac.ok()) throw std::runtime_error(mac.error().detail());
  return {.kid = options.eab_kid, .mac_key = SecretBytes(*std::move(mac))};
}

Measured measure_orders(Options const& options, Trusted const& trusted) {
  Responder responder(static_cast<std::uint16_t>(options.http_port));
  auto const place = place_of(options.url);
  Connection first(trusted, place);
  auto const directory = read_directory(first, options.url);
  auto const eab = read_eab(options);
  // What only the client computes is made before the clock runs.
  std::vector<std::unique_ptr<Connection>> connections;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<x509::PrivateKey> keys, account_keys;
  account_keys.reserve(static_cast<std::size_t>(options.workers));  // clients refer to them
  for (int worker = 0; worker < options.workers; ++worker) {
    connections.push_back(std::make_unique<Connection>(trusted, place));
    if (worker == 0 || !options.one_account) account_keys.push_back(x509::PrivateKey::generate(x509::KeyType::ec_p256));
    clients.push_back(std::make_unique<Client>(*connections.back(), directory, responder, account_keys.back()));
    clients.back()->new_account(eab);
    keys.push_back(x509::PrivateKey::generate(x509::KeyType::ec_p256));
  }
  std::atomic<int> next = 0;
  auto const work = [&](int worker) {
    auto const at = static_cast<std::size_t>(worker);
    for (int number = next++; number < options.count; number = next++) {
      std::vector<std::string> names;
      for (int i = 0; i < options.names; ++i) names.push_back(address(options.first + number * options.names + i));
      clients.at(at)->order(names, options.connections == "fresh", keys.at(at));
    }
  };
  Measured measured;
  measured.before = cost_of(options.pid);
  auto const begin = std::chrono::steady_clock::now();
  in_parallel(options.workers, work);
  measured.took = std::chrono::steady_clock::now() - begin;
  measured.after = cost_of(options.pid);
  for (auto const& client : clients)
    for (auto const& [what, times] : client->times()) {
      auto& all = measured.times[what];
      all.insert(all.end(), times.begin(), times.end());
    }
  return measured;
}

// newOrder alone, by one account that has so many orders pending when it begins.
Measured measure_new_orders(Options const& options, Trusted const& trusted) {
  Responder responder(static_cast<std::uint16_t>(options.http_port));
  Connection connection(trusted, place_of(options.url));
  auto const directory = read_directory(connection, options.url);
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  Client client(connection, directory, responder, key);
  client.new_account(read_eab(options));
  int number = options.first;
  for (int i = 0; i < options.pending; ++i) client.leave_pending({address(number++)});
  Measured measured;
  measured.before = cost_of(options.pid);
  auto const begin = std::chrono::steady_clock::now();
  for (int i = 0; i < options.count; ++i) client.leave_pending({address(number++)});
  measured.took = std::chrono::steady_clock::now() - begin;
  measured.after = cost_of(options.pid);
  auto const& all = client.times().at("newOrder");
  measured.times["newOrder"].assign(all.end() - options.count, all.end());
  return measured;
}

// So many connections at once, all kept open: each asks once while they become more, and once when all are there.
Measured measure_connections(Options const& options, Trusted const& trusted) {
  std::vector<std::unique_ptr<Connection>> connections;
  for (int i = 0; i < options.count; ++i)
    connections.push_back(std::make_unique<Connection>(trusted, place_of(options.url)));
  Measured measured;
  measured.before = cost_of(options.pid);
  auto const begin = std::chrono::steady_clock::now();
  for (int turn = 0; turn < 2; ++turn) {
    std::atomic<std::size_t> next = 0;
    std::vector<std::vector<std::chrono::nanoseconds>> times(static_cast<std::size_t>(options.workers));
    in_parallel(options.workers, [&](int worker) {
      for (auto i = next++; i < connections.size(); i = next++) {
        auto const answer = connections[i]->get(options.url);
        // Busy is an answer, too; anything else is not.
        if (answer.status >= 300 && answer.status != 429 && answer.status != 503)
          throw std::runtime_error(std::to_string(answer.status) + " " + answer.body);
        times.at(static_cast<std::size_t>(worker)).push_back(answer.took);
      }
    });
    auto& all = measured.times[turn == 0 ? "connect" : "get"];
    for (auto const& some : times) all.insert(all.end(), some.begin(), some.end());
  }
  measured.took = std::chrono::steady_clock::now() - begin;
  measured.after = cost_of(options.pid);
  return measured;
}

// The same GET over and over on kept connections.
Measured measure_gets(Options const& options, Trusted const& trusted) {
  std::vector<std::vector<std::chrono::nanoseconds>> times(static_cast<std::size_t>(options.workers));
  Measured measured;
  auto const place = place_of(options.url);
  std::vector<std::unique_ptr<Connection>> connections;
  for (int worker = 0; worker < options.workers; ++worker) {
    connections.push_back(std::make_unique<Connection>(trusted, place));
    connections.back()->get(options.url);
  }
  measured.before = cost_of(options.pid);
  auto const begin = std::chrono::steady_clock::now();
  in_parallel(options.workers, [&](int worker) {
    auto const at = static_cast<std::size_t>(worker);
    for (int i = 0; i < options.count / options.workers; ++i) {
      auto const answer = connections.at(at)->get(options.url);
      if (answer.status >= 300) throw std::runtime_error(std::to_string(answer.status) + " " + answer.body);
      times.at(at).push_back(answer.took);
    }
  });
  measured.took = std::chrono::steady_clock::now() - begin;
  measured.after = cost_of(options.pid);
  for (auto const& some : times) measured.times["get"].insert(measured.times["get"].end(), some.begin(), some.end());
  return measured;
}

void print(Options const& options, Measured const& measured) {
  auto const count = static_cast<double>(options.count);
  auto const cpu = measured.after.cpu - measured.before.cpu;
  json::Object requests;
  for (auto const& [what, times] : measured.times) requests.set(what, summary(times));
  json::Object const whole{
      {"count", options.count},
      {"workers", options.workers},
      {"per_second", count / (milliseconds(measured.took) / 1e3)},
      {"cpu_ms_each", static_cast<double>(cpu.count()) / 1e3 / count},
      {"written_each", static_cast<double>(measured.after.written - measured.before.written) / count},
      {"anonymous_mib", static_cast<double>(measured.after.anonymous) / (1024.0 * 1024.0)},
      {"anonymous_kib_each",
       (static_cast<double>(measured.after.anonymous) - static_cast<double>(measured.before.anonymous)) / 1024.0 /
           count},
      {"requests", std::move(requests)}};
  std::fputs(json::write_pretty(whole).c_str(), stdout);
}

// Each connection has a socket, and a loop of its own with three more descriptors.
void allow_many_files() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A load on an ACME server, and its cost", "lenscap-bench");
  app.add_option("--url", options.url, "Directory, or with --what get the URL that is asked for")->required();
  app.add_option("--ca", options.ca_file, "Root of the server's TLS certificate (PEM)")->required();
  app.add_option("--pid", options.pid, "The server's process")->required();
  app.add_option("--what", options.what, "orders, get, new-order or connections")
      ->check(CLI::IsMember({"orders", "get", "new-order", "connections"}));
  app.add_option("--count", options.count, "How many, in all")->check(CLI::PositiveNumber);
  app.add_option("--workers", options.workers, "Clients at once, each with an account")->check(CLI::Range(1, 256));
  app.add_option("--connections", options.connections, "kept or fresh")->check(CLI::IsMember({"kept", "fresh"}));
  app.add_flag("--one-account", options.one_account, "All clients are one account");
  app.add_option("--pending", options.pending, "With --what new-order: how many the account has already");
  app.add_option("--names", options.names, "Names an order")->check(CLI::Range(1, 100));
  app.add_option("--first", options.first, "Number of the first name");
  app.add_option("--http-port", options.http_port, "Where http-01 is answered");
  app.add_option("--eab-kid", options.eab_kid, "Key id of the external account binding");
  app.add_option("--eab-mac-file", options.eab_mac_file, "File with its MAC key, base64url");
  try {
    app.parse(argc, argv);
  } catch (CLI::ParseError const& error) {
    return app.exit(error);
  }
  Trusted const trusted(options.ca_file);
  allow_many_files();
  print(options, options.what == "orders"        ? measure_orders(options, trusted)
                 : options.what == "new-order"   ? measure_new_orders(options, trusted)
                 : options.what == "connections" ? measure_connections(options, trusted)
                                                 : measure_gets(options, trusted));
  return 0;
}

}  // namespace
}  // namespace lenscap::bench

int main(int argc, char** argv) {
  try {
    return lenscap::bench::run(argc, argv);
  } catch (std::exception const& error) {
    std::fprintf(stderr, "lenscap-bench: %s\n", error.what());
    return 1;
  }
}
