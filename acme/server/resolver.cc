#include "acme/server/resolver.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unbound.h>
#include <unistd.h>

#include <charconv>
#include <chrono>
#include <functional>
#include <list>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "acme/server/resume.h"

namespace lenscap::acme {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;
using Answer = Result<std::vector<Bytes>>;  // the data of each record

constexpr int kTypeA = 1;
constexpr int kTypeAaaa = 28;
constexpr int kClassIn = 1;

Error refused(std::string const& name, std::string_view why) {
  return Error(Errc::dns, "DNS: " + name + ": " + std::string(why));
}

struct Query {
  std::string name;
  int type = 0;
  SteadyTime deadline;
  std::function<void(Answer)> done;
  int async_id = -1;
  bool finished = false;
};

Answer read_answer(Query const& query, int error, ub_result const* result) {
  if (error != 0) return refused(query.name, ub_strerror(error));
  if (result->bogus != 0) return refused(query.name, "the answer fails DNSSEC");
  if (result->nxdomain != 0) return refused(query.name, "no such name (NXDOMAIN)");
  if (result->rcode == 2) return refused(query.name, "the resolver could not find out (SERVFAIL)");
  if (result->rcode != 0)
    return refused(query.name, "the resolver refused (rcode " + std::to_string(result->rcode) + ")");
  std::vector<Bytes> records;
  for (int i = 0; result->havedata != 0 && result->data[i] != nullptr && i < 64; ++i) {
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

  explicit Impl(std::vector<std::string> const& servers) {
    ctx = ub_ctx_create();
    if (ctx == nullptr) throw std::runtime_error("libunbound: no context");
    ub_check(ub_ctx_set_option(ctx, "module-config:", "iterator"), "module-config");  // DNSSEC is a later setting
    ub_check(ub_ctx_set_option(ctx, "cache-max-ttl:", "0"), "cache-max-ttl");         // each validation asks for itself
    ub_check(ub_ctx_set_option(ctx, "cache-max-negative-ttl:", "0"), "cache-max-negative-ttl");
    ub_check(ub_ctx_set_option(ctx, "msg-cache-size:", "0"), "msg-cache-size");
    ub_check(ub_ctx_set_option(ctx, "do-not-query-localhost:", "no"), "do-not-query-localhost");
    ub_check(ub_ctx_set_option(ctx, "unblock-lan-zones:", "yes"), "unblock-lan-zones");
    if (servers.empty()) {
      ub_check(ub_ctx_resolvconf(ctx, nullptr), "/etc/resolv.conf");
      ub_check(ub_ctx_hosts(ctx, nullptr), "/etc/hosts");
    }
    for (auto const& server : servers) ub_check(ub_ctx_set_fwd(ctx, server.c_str()), "resolver " + server);
    ub_check(ub_ctx_async(ctx, 1), "threads");
    // Names that libunbound answers by itself; a private network's own resolver knows better.
    // Last, since it ends the settings.
    for (auto const* zone : {"test.", "invalid.", "home.arpa.", "onion."}) ub_ctx_zone_remove(ctx, zone);
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

  net::Awaitable<Answer> ask(std::string name, int type, SteadyTime deadline) {
    auto start = [this, &name, type, deadline](auto handler) {
      submit(Query{name, type, deadline, resume_later<Answer>(std::move(handler))});
    };
    co_return co_await boost::asio::async_initiate<UseAwaitable, void(Answer)>(start, boost::asio::use_awaitable);
  }
};

Resolver::Resolver(std::vector<std::string> const& servers) : impl_(std::make_unique<Impl>(servers)) {}
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

net::Awaitable<Result<std::vector<x509::IpAddress>>> Resolver::addresses(x509::DnsName name, Seconds deadline) {
  auto const until = std::chrono::steady_clock::now() + deadline;
  std::string const& text = name.text();  // `name` lives in this coroutine's frame
  auto v6 = co_await impl_->ask(text, kTypeAaaa, until);
  auto v4 = co_await impl_->ask(text, kTypeA, until);
  // One family is enough; a broken answer for the other does not matter then.
  std::vector<x509::IpAddress> found;
  for (auto const* answer : {&v6, &v4}) {
    if (!*answer) continue;
    for (auto const& octets : answer->value())
      if (auto address = x509::IpAddress::from_octets(octets)) found.push_back(*std::move(address));
  }
  if (!found.empty()) co_return found;
  if (!v4) co_return std::move(v4).error();
  co_return refused(name.text(), "the name has no address");
}

}  // namespace lenscap::acme
