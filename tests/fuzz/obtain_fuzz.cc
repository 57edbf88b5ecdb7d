// A whole order against a server whose every answer is the fuzzer's. It comes to an end, nothing is sent to another
// origin, what a solver is given is a token, what is refused can be shown on a terminal, and no chain is believed but
// one for our own key, of which the fuzzer has none.
#include <cstdint>

#include "acme/wire/key_authorization.h"
#include "agent/client/obtain.h"
#include "agent/solvers/http_responder.h"
#include "base/net/io_threads.h"
#include "tests/fakes/fake_clock.h"

using namespace lenscap;

namespace {

constexpr char const* kOrigin = "https://ca.example";
constexpr int kRequestsMax = 120;  // two names: ten looks in each of three states of the order, and at each name

// "STATUS CONTENT-TYPE LOCATION RETRY-AFTER", then the body; a line of "====" ends each answer.
class Answers {
 public:
  explicit Answers(std::string_view text) : rest_(text) {}

  net::Awaitable<Result<net::ClientResponse>> next(net::ClientRequest request) {
    if (agent::https_origin(request.url) != kOrigin) bug("a request to another origin");
    if (++requests_ > kRequestsMax) bug("too many requests");
    if (rest_.empty()) co_return Error(Errc::unreachable, "nobody is there");
    auto const end = rest_.find("\n====\n");
    auto text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 6);
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    auto const word = [&line] {
      auto const found = line.substr(0, line.find(' '));
      line.remove_prefix(std::min(line.size(), found.size() + 1));
      return std::string(found);
    };
    net::ClientResponse response;
    response.status = 200;
    if (auto const status = word(); status.size() == 3 && status[0] >= '1' && status[0] <= '5' && status[1] >= '0' &&
                                    status[1] <= '9' && status[2] >= '0' && status[2] <= '9')
      response.status = (status[0] - '0') * 100 + (status[1] - '0') * 10 + (status[2] - '0');
    response.headers.add("Content-Type", word());
    response.headers.add("Location", word());
    response.headers.add("Retry-After", std::string(line));
    response.headers.add("Replay-Nonce", "bm9uY2U");
    response.headers.add("Date", "Fri, 15 Jan 2027 08:00:00 GMT");
    response.body = text;
    co_return response;
  }

 private:
  std::string_view rest_;
  int requests_ = 0;
};

void check_text(Error const& error) {
  for (char const c : error.detail())
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) bug("a control character in a refusal");
  if (error.detail().size() > 4096) bug("a refusal that is too long");
}

bool can_solve(agent::SolverTools const&, acme::Identifier const&) { return true; }
net::Awaitable<Result<>> present(agent::SolverTools const&, agent::Proof proof) {
  if (!acme::is_token(proof.token)) bug("a solver was given what is no token");
  co_return Result<>();
}
void clean_up(agent::SolverTools const&, agent::Proof const&) {}
constexpr agent::Solver kSolvers[] = {{"http-01", can_solve, false, present, nullptr, clean_up}};

struct Ours {
  x509::PrivateKey account_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey camera_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::NameSet names = [] {
    x509::NameSet set;
    set.dns.insert(x509::DnsName::parse("cam1.example").value());
    set.ip.insert(x509::IpAddress::parse("10.20.4.119").value());
    return set;
  }();
  x509::Csr csr = x509::parse_csr(x509::make_csr(camera_key, names)).value();
  net::IoThreads threads{1};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static Ours const& ours = *new Ours;
  static auto const loop = const_cast<Ours&>(ours).threads.next();
  Answers answers(as_text({data, size}));
  fakes::FakeClock clock(from_unix(1'800'000'000));
  auto const fetch = [&answers](net::ClientRequest request) { return answers.next(std::move(request)); };
  agent::AcmeClient client(fetch, {std::string(kOrigin) + "/directory", {}}, ours.account_key,
                           std::string(kOrigin) + "/account/1");
  auto const url = net::run(loop, agent::place_order(client, ours.names, "", ""));
  if (!url.ok()) return check_text(url.error()), 0;
  agent::CompleteOrder request{.order_url = *url, .names = ours.names, .csr = ours.csr};
  agent::SolverTools tools;
  tools.solvers = kSolvers;
  auto const chain = net::run(loop, agent::complete_order(client, request, tools, clock.sleep(), clock));
  if (clock.now() > from_unix(1'800'000'000) + agent::kOrderDeadline) bug("it took too long");
  if (!chain.ok()) return check_text(chain.error()), 0;
  auto const fits = agent::check_issued(*chain, ours.csr, ours.names, {chain->back()}, clock.now());
  if (fits.ok()) bug("a certificate for a key that nobody has");
  check_text(fits.error());
  return 0;
}
