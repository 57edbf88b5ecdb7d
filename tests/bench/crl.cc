// bench-crl: what a revocation list costs to make, from the ledger's index to the signature, in a store with many
// revocations and with the key in the signer's process, as `serve` has it.
//   bench-crl fill STATE ENTRIES        a CA of its own in STATE, with so many revocations, written as the server
//                                       writes them
//   bench-crl make STATE FILE [PARTS]   makes the list, or so many lists of it (FILE.0, FILE.1, ...), and prints as
//                                       JSON what it costs both processes; of the one list also the memory of making
//                                       the next one while it is served, as the server does that (kept_crls.h)
// Two calls, so that the memory of the first is not in the figures of the second. By itself it calls
//   bench-crl signer STATE          the signer (ca/signing_service.h), confined as the server's is
//   bench-crl watch FRONT SIGNER    looks at the memory of both, every millisecond, and tells the most at the end
#include <fmt/format.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <stdexcept>

#include "acme/server/kept_crls.h"
#include "base/child_process.h"
#include "ca/authority.h"
#include "ca/ceremony.h"
#include "ca/crl_maker.h"
#include "ca/ledger.h"
#include "ca/remote_signer.h"
#include "ca/signing_service.h"
#include "tests/bench/cost.h"

namespace lenscap::bench {
namespace {

template <class T>
T take(Result<T> result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
  return *std::move(result);
}
void take(Result<> const& result) {
  if (!result.ok()) throw std::runtime_error(result.error().detail());
}

SecretBytes passphrase() { return SecretBytes(std::string_view("the issuing key's words")); }

ca::AuthoritySettings authority_settings(std::string const& state) {
  return {.state_dir = state,
          .http_url = "http://localhost:14002",
          .crl_parts = 1,
          .profile_files = {LENSCAP_SOURCE_DIR "/conf/profiles/camera-https.toml"}};
}

std::unique_ptr<store::Store> open_store(std::string const& state) { return take(store::open("lmdb:db", state)); }

// Certificates that nobody has a record of are revoked by the rows that all others are revoked by.
void fill(std::string const& state, std::size_t entries) {
  constexpr std::size_t kInOneCommit = 500;
  ca::CeremonySettings const settings{.name = "Bench",
                                      .permit_dns = {"localhost"},
                                      .permit_ip = {"127.0.0.0/8"},
                                      .url = "https://localhost:14001",
                                      .state_dir = state};
  auto const now = SystemClock().now();
  auto const made = take(
      ca::make_ca(settings, {passphrase(), SecretBytes(std::string_view("the root's own words"))}, now - Seconds(1)));
  auto const issuer = to_hex(made.issuing.subject_key_id());
  auto const store = open_store(state);
  for (std::size_t begin = 0; begin < entries; begin += kInOneCommit) {
    auto const count = std::min(kInOneCommit, entries - begin);
    store->write([&](store::WriteTxn& txn) {
      for (std::size_t i = begin; i < begin + count; ++i) {
        // Revoked at different times, some minutes apart from each other.
        auto const at = now - Seconds(static_cast<long>(i % 100'000) * 137);
        take(ca::record_unknown_revoked(txn, to_hex(ca::new_serial(at)), issuer, now + 90 * kDay,
                                        {.at = at, .reason = x509::RevocationReason::superseded, .by = "bench"}));
      }
      return true;
    });
  }
}

// --- the signer, and who looks at both ---

void be_signer(std::string const& state) {
  for (int const each : {SIGTERM, SIGINT, SIGHUP, SIGPIPE}) std::signal(each, SIG_IGN);
  ca::IssuerProcessSettings const settings{.authority = authority_settings(state), .caps = {}};
  ca::serve_signing(ChildProcess::kSocket, settings, SystemClock(), Log::to_stderr());
  ::_exit(0);
}

struct Peaks {
  std::uint64_t front = 0, signer = 0;
  std::uint64_t both = 0;  // at the same time
};

// Until the other end says no more; then it is told.
void watch(pid_t front, pid_t signer) {
  Peaks peaks;
  pollfd end{ChildProcess::kSocket, POLLIN, 0};
  do {
    auto const of_front = anonymous_of(front);
    auto const of_signer = anonymous_of(signer);
    peaks.front = std::max(peaks.front, of_front);
    peaks.signer = std::max(peaks.signer, of_signer);
    peaks.both = std::max(peaks.both, of_front + of_signer);
  } while (::poll(&end, 1, 1) == 0);
  if (::write(ChildProcess::kSocket, &peaks, sizeof peaks) != sizeof peaks) throw std::runtime_error("nobody listens");
}

class Watch {
 public:
  explicit Watch(pid_t signer)
      : process_(take(ChildProcess::start_self({"watch", std::to_string(::getpid()), std::to_string(signer)}))),
        socket_(process_.take_socket()) {}
  ~Watch() { ::close(socket_); }
  Watch(Watch const&) = delete;
  Watch& operator=(Watch const&) = delete;
  Peaks end() const {
    Peaks peaks;
    ::shutdown(socket_, SHUT_WR);
    if (::read(socket_, &peaks, sizeof peaks) != sizeof peaks) throw std::runtime_error("the watch has ended");
    return peaks;
  }

 private:
  ChildProcess process_;
  int socket_;
};

// --- the front ---

double user_and_system() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  auto const s = [](timeval const& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return s(usage.ru_utime) + s(usage.ru_stime);
}

double seconds(std::chrono::microseconds time) { return static_cast<double>(time.count()) / 1e6; }
double mib(std::uint64_t octets) { return static_cast<double>(octets) / (1024 * 1024); }

void make(std::string const& state, std::string const& file, unsigned parts) {
  auto child = take(ChildProcess::start_self({"signer", state}));
  std::shared_ptr<ca::RemoteSigner> const signer = take(ca::RemoteSigner::open(child.take_socket(), passphrase()));
  auto const& ready = signer->ready();
  auto const store = open_store(state);
  auto const authority = take(ca::Authority::open(authority_settings(state), *store, passphrase(), signer));

  auto const front_before = anonymous_of(::getpid());
  auto const signer_before = cost_of(child.pid());
  auto const front_cpu_before = user_and_system();
  Watch const watch(child.pid());
  auto lists = take(ca::make_crls(*store, authority->issuer(), parts, {}, SystemClock().now()));
  auto const front_cpu = user_and_system() - front_cpu_before;
  auto const signer_cpu = seconds(cost_of(child.pid()).cpu - signer_before.cpu);
  auto const peaks = watch.end();

  if (parts > 1) {
    std::size_t entries = 0, number = 0;
    for (auto const& list : lists) {
      std::ofstream(file + "." + std::to_string(number++), std::ios::binary) << as_text(list.der);
      entries += list.entries;
    }
    fmt::print("{{\"cpu_s\": {:.3f}, \"anonymous_mib\": {:.1f}, \"entries\": {}}}\n", front_cpu + signer_cpu,
               mib(peaks.both), entries);
    return;
  }
  auto const octets = lists.front().der.size();
  std::ofstream(file, std::ios::binary) << as_text(lists.front().der);
  auto const served = take(acme::KeptCrls(state).keep("bench", lists.front()));
  lists.clear();
  Watch const renewal_watch(child.pid());
  take(ca::make_crls(*store, authority->issuer(), parts, {}, SystemClock().now()));
  auto const renewal = renewal_watch.end();
  fmt::print("{{\"cpu_s\": {:.3f}, \"front_cpu_s\": {:.3f}, \"signer_cpu_s\": {:.3f}, ", front_cpu + signer_cpu,
             front_cpu, signer_cpu);
  fmt::print("\"anonymous_mib\": {:.1f}, \"front_mib\": {:.1f}, \"signer_mib\": {:.1f}, ", mib(peaks.both),
             mib(peaks.front), mib(peaks.signer));
  fmt::print("\"front_before_mib\": {:.1f}, \"signer_before_mib\": {:.1f}, ", mib(front_before),
             mib(signer_before.anonymous));
  fmt::print("\"renewal_mib\": {:.1f}, ", mib(renewal.both));
  fmt::print("\"confined\": {}, \"octets\": {}}}\n", ready.calls_filtered && ready.files_walled, octets);
}

}  // namespace
}  // namespace lenscap::bench

int main(int argc, char** argv) {
  using namespace lenscap::bench;
  std::string const what = argc > 2 ? argv[1] : "";
  try {
    if (what == "fill" && argc == 4) return fill(argv[2], std::stoul(argv[3])), 0;
    if (what == "make" && (argc == 4 || argc == 5))
      return make(argv[2], argv[3], argc == 5 ? static_cast<unsigned>(std::stoul(argv[4])) : 1), 0;
    if (what == "signer" && argc == 3) return be_signer(argv[2]), 0;
    if (what == "watch" && argc == 4) return watch(std::stoi(argv[2]), std::stoi(argv[3])), 0;
    std::fputs("usage: bench-crl fill STATE ENTRIES | make STATE FILE [PARTS]\n", stderr);
    return 2;
  } catch (std::exception const& error) {
    std::fprintf(stderr, "bench-crl: %s\n", error.what());
    return 1;
  }
}
