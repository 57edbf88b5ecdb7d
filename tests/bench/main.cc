// lenscap-bench: a load on any ACME server, and what it costs that server's process. One run, one JSON object on
// standard output; tests/bench/run puts runs together. It counts nothing when anything goes wrong.
#include <CLI/CLI.hpp>
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
  int pid = 0, count = 100, workers = 1, names = 1, http_port = 5002, first = 0;
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
  std::vector<x509::PrivateKey> keys;
  for (int worker = 0; worker < options.workers; ++worker) {
    connections.push_back(std::make_unique<Connection>(trusted, place));
    clients.push_back(std::make_unique<Client>(*connections.back(), directory, responder));
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
      {"requests", std::move(requests)}};
  std::fputs(json::write_pretty(whole).c_str(), stdout);
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("A load on an ACME server, and its cost", "lenscap-bench");
  app.add_option("--url", options.url, "Directory, or with --what get the URL that is asked for")->required();
  app.add_option("--ca", options.ca_file, "Root of the server's TLS certificate (PEM)")->required();
  app.add_option("--pid", options.pid, "The server's process")->required();
  app.add_option("--what", options.what, "orders or get")->check(CLI::IsMember({"orders", "get"}));
  app.add_option("--count", options.count, "How many, in all")->check(CLI::PositiveNumber);
  app.add_option("--workers", options.workers, "Clients at once, each with an account")->check(CLI::Range(1, 256));
  app.add_option("--connections", options.connections, "kept or fresh")->check(CLI::IsMember({"kept", "fresh"}));
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
  print(options, options.what == "orders" ? measure_orders(options, trusted) : measure_gets(options, trusted));
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
