#include "tests/camsim/device.h"

#include <algorithm>

#include "base/random.h"
#include "tests/camsim/certificates.h"
#include "tests/camsim/text.h"
#include "tests/camsim/tls_context.h"

namespace lenscap::camsim {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// Even without sleeping a restart is a gap that a client can fall into.
constexpr milliseconds kShortestGap{20};

std::string new_uuid(std::mt19937_64& random) {
  Bytes octets(16);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(random());
  octets[6] = static_cast<std::uint8_t>((octets[6] & 0x0f) | 0x40);
  octets[8] = static_cast<std::uint8_t>((octets[8] & 0x3f) | 0x80);
  std::string hex = to_hex(octets);
  for (std::size_t const at : {8U, 13U, 18U, 23U}) hex.insert(at, "-");
  return hex;
}

long long real_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool all_are(Policies const& policies, std::string_view what) {
  return policies.admin == what && policies.operator_ == what && policies.viewer == what;
}

}  // namespace

Role User::role() const {
  auto const has = [&](std::string_view group) {
    return std::find(groups.begin(), groups.end(), group) != groups.end();
  };
  if (has("admin")) return Role::admin;
  if (has("operator")) return Role::operator_;
  return has("viewer") ? Role::viewer : Role::none;
}

std::vector<Keystore> State::keystores() const {
  std::vector<Keystore> list;
  for (std::string const& text : split(switches.keystores, ',')) {
    std::vector<std::string> const parts = split(text, ':');
    if (parts.size() == 3) list.push_back({parts[0], parts[1], split(parts[2], '+')});
  }
  return list;
}

StoredCertificate* State::find_certificate(std::string_view alias) {
  for (StoredCertificate& certificate : certificates)
    if (certificate.alias == alias) return &certificate;
  return nullptr;
}

CaCertificate* State::find_ca(std::string_view alias) {
  for (CaCertificate& certificate : ca_certificates)
    if (certificate.alias == alias) return &certificate;
  return nullptr;
}

Device::Device(World& world, DeviceSpec const& spec)
    : world_(world), address_(spec.address), wanted_http_port_(spec.http_port), wanted_https_port_(spec.https_port) {
  state.generation = spec.generation;
  state.serial = spec.serial;
  state.switches = spec.switches;
  make_factory_state();
  state.users = spec.users;
  state.boot_id = new_uuid(world_.random);
  state.booted = Steady::now();
}

void Device::start(Front const& front) {
  Handler const handle = [weak = weak_from_this(), front](Request request, Reply reply) {
    if (auto self = weak.lock()) front(std::move(self), std::move(request), std::move(reply));
  };
  http_ = std::make_unique<Endpoint>(world_.loop, address_, wanted_http_port_, handle);
  https_ = std::make_unique<Endpoint>(world_.loop, address_, wanted_https_port_, handle);
  load_tls();
  open_endpoints();
  count_start();
}

// --- endpoints -------------------------------------------------------------------------------------------------------

void Device::load_tls() {
  loaded_ = state.tls;
  loaded_chain_.clear();
  loaded_key_.reset();
  https_broken_ = false;
  StoredCertificate const* own = state.find_certificate(state.tls.certificate_id());
  if (!loaded_.enabled || own == nullptr || own->chain.empty() || own->key == nullptr) return;
  loaded_key_ = own->key;
  loaded_chain_ = {own->chain.front()};
  if (state.switches.chain_served != "full") return;
  auto const add = [&](Bytes const& der) {
    if (std::find(loaded_chain_.begin(), loaded_chain_.end(), der) == loaded_chain_.end()) loaded_chain_.push_back(der);
  };
  for (std::size_t i = 1; i < own->chain.size(); ++i) add(own->chain[i]);
  if (state.switches.ca_set_served)
    for (std::string const& id : state.tls.set.ca_certificates)
      if (CaCertificate const* ca = state.find_ca(id)) add(ca->der);
  if (!state.switches.ca_store_served) return;
  for (std::size_t i = 0; i < loaded_chain_.size(); ++i) {
    ossl::X509Ptr const subject = parse_certificate(loaded_chain_[i]);
    for (CaCertificate const& candidate : state.ca_certificates) {
      ossl::X509Ptr const issuer = parse_certificate(candidate.der);
      bool const root = X509_check_issued(issuer.get(), issuer.get()) == X509_V_OK;
      if (!root && X509_check_issued(issuer.get(), subject.get()) == X509_V_OK) add(candidate.der);
    }
  }
}

void Device::open_endpoints() {
  bool http = !(loaded_.enabled && all_are(loaded_.policies, "Https") && state.switches.http_under_https == "closed");
  bool https = loaded_.enabled && !loaded_chain_.empty() && !all_are(loaded_.policies, "Http") && !https_broken_;
  for (Fault const& fault : faults.list()) {
    if (fault.id != "F1" || !fault.operation.empty() || fault.count == 0) continue;
    http = http && fault.listener == "https";
    https = https && fault.listener == "http";
  }
  ossl::SslCtxPtr tls;
  if (https) tls = make_tls_context(state.switches, loaded_.ciphers, loaded_chain_, loaded_key_.get());
  if (tls)
    https_->open(std::move(tls));
  else
    https_->shut();
  if (http)
    http_->open(nullptr);
  else
    http_->shut();
}

void Device::shut_endpoints() {
  http_->shut();
  https_->shut();
  auth = {};  // the web server's memory
}

void Device::count_start() {
  ++starts_;
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& [seen, then] : waiting) when_started(seen, std::move(then));
}

void Device::when_started(unsigned seen, std::function<void()> then) {
  if (starts_ > seen) return then();
  waiting_.emplace_back(seen, std::move(then));
}

void Device::apply() {
  load_tls();
  if (life_ == Life::running) open_endpoints();
}

void Device::reopen() {
  if (life_ == Life::running) open_endpoints();
}

Bytes Device::served_certificate() const { return https_->is_open() ? loaded_chain_.front() : Bytes(); }

// --- restarts --------------------------------------------------------------------------------------------------------

void Device::later(milliseconds delay, void (Device::*step)(unsigned)) {
  world_.loop.after(delay, [weak = weak_from_this(), step, turn = turn_] {
    if (auto self = weak.lock(); self && self->turn_ == turn) ((*self).*step)(turn);
  });
}

void Device::restart_web_server(std::string const& operation) {
  if (life_ == Life::off || life_ == Life::rebooting) return;
  ++turn_;
  restart_operation_ = operation;
  later(world_.scaled(state.switches.restart_after_ms), &Device::restart_gap);
}

std::optional<Fault> Device::strikes_restart(std::string_view id) {
  auto fault = faults.strike(id, restart_operation_, world_.random);
  if (fault) journal.note_fault(restart_operation_, id);
  return fault;
}

void Device::restart_gap(unsigned) {
  life_ = Life::restarting;
  shut_endpoints();
  auto gap = world_.scaled(state.switches.restart_ms);
  if (auto const fault = strikes_restart("F29")) gap = world_.scaled(1000LL * fault->seconds);
  later(std::max(gap, kShortestGap), &Device::restart_done);
}

void Device::restart_done(unsigned) {
  life_ = Life::running;
  if (strikes_restart("F25")) {
    open_endpoints();  // with what was loaded before
    return count_start();
  }
  load_tls();
  if (strikes_restart("F26")) https_broken_ = true;
  if (loaded_.enabled && strikes_restart("F27")) {
    StoredCertificate factory = make_factory_certificate({});  // firmware without one makes one up
    for (StoredCertificate const& own : state.certificates)
      if (own.factory) factory = own;
    loaded_key_ = factory.key;
    loaded_chain_ = factory.chain;
  }
  open_endpoints();
  count_start();
}

void Device::reboot() {
  if (life_ == Life::off) return;
  ++turn_;
  life_ = Life::rebooting;
  key_orders_.clear();
  shut_endpoints();
  later(std::max(world_.scaled(state.switches.reboot_ms), kShortestGap), &Device::boot_done);
}

void Device::boot_done(unsigned) { boot(); }

void Device::boot() {
  life_ = Life::running;
  state.boot_id = new_uuid(world_.random);
  state.booted = Steady::now();
  ready_at_ = state.booted + world_.scaled(state.switches.boot_ms);
  if (state.switches.rtc == "none") state.clock_offset_s = -real_now();
  load_tls();
  open_endpoints();
  count_start();
}

void Device::power_off() {
  ++turn_;
  life_ = Life::off;
  key_orders_.clear();
  shut_endpoints();
}

void Device::power_on() {
  if (life_ != Life::off) return;
  ++turn_;
  boot();
}

std::string Device::life() const {
  switch (life_) {
    case Life::running:
      return "running";
    case Life::restarting:
      return "restarting";
    case Life::rebooting:
      return "rebooting";
    case Life::off:
      return "off";
  }
  return {};
}

long long Device::now() const { return real_now() + state.clock_offset_s; }
long long Device::now_ms() const {
  auto const since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<milliseconds>(since).count() + 1000 * state.clock_offset_s;
}
long long Device::uptime_s() const {
  return std::chrono::duration_cast<std::chrono::seconds>(Steady::now() - state.booted).count();
}
milliseconds Device::until_ready() const {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(ready_at_ - Steady::now()));
}

void Device::retire() {
  key_orders_.clear();
  waiting_.clear();
}

// --- keys ------------------------------------------------------------------------------------------------------------

void Device::make_key(std::string const& type, std::function<void(KeyRef)> then) {
  key_orders_.push_back({++last_key_order_, type, std::move(then)});
  if (key_orders_.size() == 1 || !state.switches.keygen_waits) start_key(key_orders_.back());
}

void Device::start_key(KeyOrder const& order) {
  Switches const& switches = state.switches;
  bool const small_rsa = order.type == "RSA-1024" || order.type == "RSA-2048";
  int const rsa_ms = small_rsa ? switches.keygen_rsa2048_ms : switches.keygen_rsa4096_ms;
  int const ms = order.type.starts_with("EC") ? switches.keygen_ec_ms : rsa_ms;
  auto const weak = weak_from_this();
  auto const taker = [weak, number = order.number](KeyRef key) {
    if (auto const self = weak.lock()) self->finish_key(number, std::move(key));
  };
  world_.loop.after(world_.scaled(ms), [weak, taker, type = order.type] {
    if (auto const self = weak.lock()) self->world_.keys.take(type, self->state.switches.real_keygen, taker);
  });
}

// The order is gone when the device has restarted meanwhile.
void Device::finish_key(unsigned number, KeyRef key) {
  auto const order = std::find_if(key_orders_.begin(), key_orders_.end(),
                                  [&](KeyOrder const& candidate) { return candidate.number == number; });
  if (order == key_orders_.end()) return;
  auto const then = std::move(order->then);
  key_orders_.erase(order);
  then(std::move(key));
  if (!key_orders_.empty() && state.switches.keygen_waits) start_key(key_orders_.front());
}

}  // namespace lenscap::camsim
