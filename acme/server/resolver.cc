#include "acme/server/resolver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unbound.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "acme/server/resume.h"
#include "base/file.h"

namespace lenscap::acme {
namespace {

using Deadline = Resolver::Deadline;
using Answer = Result<std::vector<Bytes>>;  // the data of each record

constexpr int kTypeA = 1;
constexpr int kTypeTxt = 16;
constexpr int kTypeAaaa = 28;
constexpr int kTypeCaa = 257;  // RFC 8659
constexpr int kClassIn = 1;
constexpr int kServfail = 2;

Error refused(std::string const& name, std::string_view why) {
  return Error(Errc::dns, "DNS: " + name + ": " + std::string(why));
}

struct Query {
  std::string name;
  int type = 0;
  Deadline deadline;
  bool must_be_secure = false;
  std::function<void(Answer)> done;
  int async_id = -1;
  bool finished = false;
};

Answer read_answer(Query const& query, int error, ub_result const* result) {
  if (error != 0) return refused(query.name, ub_strerror(error));
  if (result->bogus != 0)
    return refused(query.name, "the answer fails DNSSEC; are the zone's signatures and the trust anchors good?");
  if (query.must_be_secure && result->secure == 0)
    return refused(query.name, "the answer is not signed, and the server's settings require DNSSEC");
  if (result->nxdomain != 0) return std::vector<Bytes>();
  if (result->rcode == kServfail) return refused(query.name, "the resolver could not find out (SERVFAIL)");
  if (result->rcode != 0)
    return refused(query.name, "the resolver refused (rcode " + std::to_string(result->rcode) + ")");
  std::vector<Bytes> records;
  std::size_t octets = 0;
  for (int i = 0; result->havedata != 0 && result->data[i] != nullptr; ++i) {
    octets += static_cast<std::size_t>(result->len[i]);
    if (records.size() == Resolver::kRecords || octets > Resolver::kOctets)
      return refused(query.name, "the answer has more than " + std::to_string(Resolver::kRecords) + " records or " +
                                     std::to_string(Resolver::kOctets) + " octets");
    auto const* data = reinterpret_cast<std::uint8_t const*>(result->data[i]);
    records.emplace_back(data, data + result->len[i]);
  }
  return records;
}

void on_answer(void* user, int error, ub_result* result) {
  auto& query = *static_cast<Query*>(user);
  query.done(read_answer(query, error, result));
  query.finished = true;
  if (result != nullptr) ub_resolve_free(result);
}

void ub_check(int code, std::string const& what) {
  if (code != 0) throw std::runtime_error("libunbound: " + what + ": " + ub_strerror(code));
}

// The servers of /etc/resolv.conf; never none, which would mean to ask the Internet's own.
std::vector<std::string> system_servers() {
  std::vector<std::string> servers;
  auto const text = read_file("/etc/resolv.conf");
  std::istringstream lines(text.ok() ? *text : "");
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word, server;
    if (words >> word >> server && word == "nameserver" && server.find('"') == server.npos) servers.push_back(server);
  }
  if (servers.empty()) servers.emplace_back("127.0.0.1");  // as resolv.conf(5) has it
  return servers;
}

// One forward zone for everything, without a cache: libunbound keeps even an answer of TTL 0 for the rest of the
// second, and a failure for five. Only a configuration file can say so; this one never touches a disk.
void set_forwarders(ub_ctx* ctx, std::vector<std::string> const& servers) {
  std::string text = "forward-zone:\n  name: \".\"\n  forward-no-cache: yes\n";
  for (auto const& server : servers) text += "  forward-addr: \"" + server + "\"\n";
  int const file = ::memfd_create("resolver", MFD_CLOEXEC);
  bool const written = file >= 0 && ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  auto const code = written ? ub_ctx_config(ctx, ("/proc/self/fd/" + std::to_string(file)).c_str()) : UB_READFILE;
  if (file >= 0) ::close(file);
  ub_check(code, "the resolvers");
}

}  // namespace

// Everything of libunbound happens on `thread`; others put queries into `incoming` and ring the bell.
struct Resolver::Impl {
  ub_ctx* ctx = nullptr;
  int bell = -1;
  std::mutex mutex;
  std::list<Query> incoming;
  bool stopping = false;
  std::list<Query> running;  // thread's own; the address of an element is libunbound's user data
  std::thread thread;
  bool const must_be_secure;

  explicit Impl(ResolverOptions const& options) : must_be_secure(options.dnssec == Dnssec::require) {
    ctx = ub_ctx_create();
    if (ctx == nullptr) throw std::runtime_error("libunbound: no context");
    for (auto const& [name, value] : std::initializer_list<std::pair<char const*, char const*>>{
             {"module-config:", options.dnssec == Dnssec::off ? "iterator" : "validator iterator"},
             {"val-bogus-ttl:", "0"},  // a zone that was repaired is good at the next attempt
             {"do-not-query-localhost:", "no"},
             {"unblock-lan-zones:", "yes"},
             {"tcp-upstream:", options.tcp ? "yes" : "no"}})
      ub_check(ub_ctx_set_option(ctx, name, value), name);
    if (options.servers.empty()) ub_check(ub_ctx_hosts(ctx, nullptr), "/etc/hosts");
    set_forwarders(ctx, options.servers.empty() ? system_servers() : options.servers);
    if (options.dnssec != Dnssec::off)
      for (auto const& file : options.trust_anchors) ub_check(ub_ctx_add_ta_file(ctx, file.c_str()), file);
    ub_check(ub_ctx_async(ctx, 1), "threads");
    // Names that libunbound answers by itself; a private network's own resolver knows better.
    // Last, since it ends the settings, and finds what is wrong with them: trust anchors are read here.
    for (auto const* zone : {"test.", "invalid.", "home.arpa.", "onion."})
      ub_check(ub_ctx_zone_remove(ctx, zone), "settings (acme.resolver, acme.dnssec_anchors)");
    bell = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (bell < 0) throw std::runtime_error("eventfd failed");
    thread = std::thread([this] { run(); });
  }

  ~Impl() {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    ring();
    if (thread.joinable()) thread.join();
    ub_ctx_delete(ctx);
    if (bell >= 0) ::close(bell);
  }

  void ring() const {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(bell, &one, sizeof one);  // full means: it rings already
  }

  void submit(Query query) {
    {
      std::lock_guard lock(mutex);
      if (stopping) bug("a query to a resolver that stops");
      incoming.push_back(std::move(query));
    }
    ring();
  }

  void run() {
    for (;;) {
      std::list<Query> fresh;
      {
        std::lock_guard lock(mutex);
        fresh.swap(incoming);
        if (stopping) break;
      }
      while (!fresh.empty()) {
        running.splice(running.end(), fresh, fresh.begin());
        auto& query = running.back();
        auto const code =
            ub_resolve_async(ctx, query.name.c_str(), query.type, kClassIn, &query, on_answer, &query.async_id);
        if (code != 0) on_answer(&query, code, nullptr);
      }
      wait();
      ub_process(ctx);
      auto const now = std::chrono::steady_clock::now();
      for (auto& query : running) {
        if (query.finished || query.deadline > now) continue;
        ub_cancel(ctx, query.async_id);
        query.done(refused(query.name, "no answer from the resolver in time"));
        query.finished = true;
      }
      running.remove_if([](Query const& query) { return query.finished; });
    }
    for (auto& query : running) {
      ub_cancel(ctx, query.async_id);
      query.done(refused(query.name, "the server is stopping"));
    }
    std::lock_guard lock(mutex);
    for (auto& query : incoming) query.done(refused(query.name, "the server is stopping"));
  }

  // Until the bell rings, libunbound has an answer, or a query runs out of time.
  void wait() {
    int timeout_ms = -1;
    auto const now = std::chrono::steady_clock::now();
    for (auto const& query : running) {
      auto const left = std::chrono::ceil<std::chrono::milliseconds>(query.deadline - now).count();
      auto const left_ms = query.finished || left < 0 ? 0 : static_cast<int>(left);
      if (timeout_ms < 0 || left_ms < timeout_ms) timeout_ms = left_ms;
    }
    pollfd fds[] = {{bell, POLLIN, 0}, {ub_fd(ctx), POLLIN, 0}};
    ::poll(fds, 2, timeout_ms);
    std::uint64_t count = 0;
    [[maybe_unused]] auto got = ::read(bell, &count, sizeof count);
  }

  net::Awaitable<Answer> ask(std::string name, int type, Deadline deadline) {
    auto start = [this, &name, type, deadline](auto handler) {
      submit(Query{name, type, deadline, must_be_secure, resume_later<Answer>(std::move(handler))});
    };
    co_return co_await boost::asio::async_initiate<UseAwaitable, void(Answer)>(start, boost::asio::use_awaitable);
  }
};

Resolver::Resolver(ResolverOptions const& options) : impl_(std::make_unique<Impl>(options)) {}
Resolver::~Resolver() = default;

bool Resolver::is_server(std::string_view text) {
  auto const at = text.find('@');
  if (!x509::IpAddress::parse(text.substr(0, at))) return false;
  if (at == text.npos) return true;
  auto const port = text.substr(at + 1);
  unsigned short number = 0;
  auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), number);
  return ec == std::errc() && end == port.data() + port.size() && number != 0;
}

net::Awaitable<Result<std::vector<x509::IpAddress>>> Resolver::addresses(x509::DnsName name, Deadline deadline) {
  std::string const& text = name.text();  // `name` lives in this coroutine's frame
  auto v6 = co_await impl_->ask(text, kTypeAaaa, deadline);
  auto v4 = co_await impl_->ask(text, kTypeA, deadline);
  // One family is enough; a broken answer for the other does not matter then.
  std::vector<x509::IpAddress> found;
  for (auto const* answer : {&v6, &v4}) {
    if (!*answer) continue;
    for (auto const& octets : answer->value()) {
      auto address = x509::IpAddress::from_octets(octets);
      if (address && address->is_v6() == (answer == &v6)) found.push_back(*std::move(address));
    }
  }
  if (!found.empty()) co_return found;
  if (!v4) co_return std::move(v4).error();
  co_return refused(name.text(), "the name does not exist or has no address");
}

net::Awaitable<Result<std::vector<Bytes>>> Resolver::txt(std::string name, Deadline deadline) {
  return impl_->ask(std::move(name), kTypeTxt, deadline);
}

net::Awaitable<Result<std::vector<Bytes>>> Resolver::caa(std::string name, Deadline deadline) {
  return impl_->ask(std::move(name), kTypeCaa, deadline);
}

}  // namespace lenscap::acme
