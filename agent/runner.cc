#include "agent/runner.h"

#include <fmt/format.h>

#include <algorithm>

#include "agent/device_clock.h"
#include "agent/journal_record.h"
#include "agent/outcome.h"
#include "agent/plan.h"

namespace lenscap::agent {
namespace {

constexpr Seconds kPauseBeforeRepeat{2};
// A web server answers for a few seconds more before it restarts with the settings that it was given.
constexpr Seconds kRestartBegins{6};

// One device in one run: its records, and the connection to it while there is one.
class Run {
 public:
  Run(Workshop& shop, Device device, Journal journal)
      : shop_(shop), device_(std::move(device)), journal_(std::move(journal)) {}

  net::Awaitable<TaskResult> to_the_end(std::string task) {
    journal_ = resume(std::move(journal_));
    save();
    while (!is_over() && !shop_.is_told_to_stop()) {
      auto const step = next_step(journal_);
      journal_ = begin_step(std::move(journal_), *step, now());
      save();
      shop_.log.info(
          "device.step",
          {{"device", device_.serial}, {"journal", journal_.id}, {"step", to_string(*step)}, {"try", journal_.tries}});
      auto failure = co_await take(*step);
      if (failure) {
        shop_.log.warning(
            "device.step_failed",
            {{"device", device_.serial}, {"step", to_string(*step)}, {"error", failure->code}, {"why", failure->text}});
        journal_ = note_failure(std::move(journal_), *std::move(failure), now());
        driver_.reset();  // what answered before may be gone
      }
      if (is_over()) break;  // written down together with what came of it
      save();
      if (journal_.step.has_value()) co_await shop_.sleep(kPauseBeforeRepeat);
    }
    co_return finish(std::move(task));
  }

 private:
  using Failed = std::optional<Failure>;

  Time now() const { return shop_.clock.now(); }
  bool is_over() const { return journal_.waits || !next_step(journal_); }

  void save() {
    shop_.store.write(
        [this](store::WriteTxn& txn) { return save_journal(txn, journal_), save_device(txn, device_), true; });
    if (shop_.written) shop_.written(journal_);
  }

  TaskResult finish(std::string task) {
    device_ = with_outcome(std::move(device_), journal_, now());
    TaskResult result = result_of(std::move(task), device_, journal_, now());
    // All in one: an end without its failure would begin anew at once, and know nothing of what is left over.
    shop_.store.write([&](store::WriteTxn& txn) {
      save_journal(txn, journal_);
      save_device(txn, device_);
      save_result(txn, result);
      return true;
    });
    if (shop_.written) shop_.written(journal_);
    shop_.log.info("device.finished",
                   {{"device", device_.serial}, {"outcome", to_string(journal_.outcome)}, {"why", journal_.sentence}});
    return result;
  }

  net::Awaitable<Failed> take(Step step) {
    bool const opens_by_itself = step == Step::probe || step == Step::verify_restored;
    if (needs_device(step) && !opens_by_itself && driver_ == nullptr) {
      Failed failed;
      if (step == Step::switch_https || step == Step::verify_served || step == Step::restore) {
        failed = co_await open_restarting_device();
      } else {
        failed = co_await open_device(trust());
      }
      if (failed) co_return failed;
    }
    switch (step) {
      case Step::probe:
        co_return co_await probe();
      case Step::make_key:
        co_return co_await make_key();
      case Step::place_order:
        co_return co_await order();
      case Step::get_certificate:
        co_return co_await get_certificate();
      case Step::install:
        co_return co_await install();
      case Step::snapshot:
        co_return co_await snapshot();
      case Step::switch_https:
        co_return co_await switch_https();
      case Step::verify_served:
        co_return co_await verify();
      case Step::promote:
        promote_now();
        co_return Failed();
      case Step::remove_old:
        co_return co_await remove_old();
      case Step::restore:
        co_return co_await restore();
      case Step::verify_restored:
        co_return co_await verify_restored();
      case Step::discard:
        co_return co_await discard();
    }
    bug("unknown step");
  }

  // --- trust ---

  Trust trust() const {
    Trust trust;
    trust.pins = pins(device_, &journal_);
    // A camera whose HTTPS does not come back at all can only be put right over HTTP; the login is then Digest, never
    // Basic. One that shows a certificate must be known by its key.
    bool const way_back = journal_.turned_back && journal_.switch_begun && !journal_.restore_verified;
    trust.plain_http = may_use_plain_http(device_) || way_back;
    return trust;
  }

  // --- steps ---

  net::Awaitable<Failed> open_device(Trust trust) {
    driver_.reset();
    if (login_.user.empty()) {
      auto password = open_password(shop_.sealer, device_);
      if (!password.ok()) co_return to_failure(password.error());
      login_.user = device_.user;
      login_.password = *std::move(password);
    }
    auto opened = co_await shop_.devices.open(device_.endpoint, login_, std::move(trust), device_.serial);
    if (!opened.ok()) co_return to_failure(opened.error());
    driver_ = *std::move(opened);
    device_.clock_offset = driver_->identity().clock_offset;
    co_return Failed();
  }

  // After a change of its settings a web server restarts: for a while nothing answers, or something of in between.
  static bool may_pass(Failure const& failure) {
    constexpr DeviceErrc kPasses[] = {DeviceErrc::unreachable, DeviceErrc::busy_timeout, DeviceErrc::tls_untrusted,
                                      DeviceErrc::bad_answer};
    return std::ranges::any_of(kPasses, [&](DeviceErrc code) { return failure.code == to_string(code); });
  }
  net::Awaitable<Failed> open_restarting_device() {
    Time const end = now() + shop_.settings.verify_while_away;
    while (true) {
      auto failed = co_await open_device(trust());
      if (!failed || !may_pass(*failed) || now() >= end) co_return failed;
      co_await shop_.sleep(kPauseBeforeRepeat);
    }
  }

  net::Awaitable<Failed> probe() {
    auto failed = co_await open_device(trust());
    if (failed && failed->code == to_string(DeviceErrc::no_driver)) device_.https = HttpsState::unsupported_firmware;
    if (failed) co_return failed;
    // For the status alone: what cannot be read here is read again at the snapshot, where it counts.
    auto const config = co_await driver_->get_https();
    if (config.ok()) device_.https = https_state(*config);
    Identity const& identity = driver_->identity();
    device_.vendor = identity.vendor;
    device_.model = identity.model;
    device_.firmware = identity.firmware;
    device_.hostname = identity.hostname;
    device_.driver = driver_->capabilities().driver;
    device_.seen = now();
    std::optional<Validity> former;
    if (device_.live) former = device_.live->validity;
    auto const clock = check_clock(device_.clock_offset, expected_validity(former, now()), now());
    if (!clock.ok()) co_return to_failure(clock.error());
    // A CSR that cannot carry the names needs the profile that takes them from the order.
    bool const order_decides = !driver_->capabilities().csr_san;
    journal_.profile = order_decides ? shop_.settings.profile_names_from_order : shop_.settings.profile;
    // A device that does not offer the wanted type of key makes its best.
    auto const& offered = driver_->capabilities().key_types;
    bool const has_wanted = std::ranges::find(offered, shop_.settings.key_type) != offered.end();
    journal_.key_type = has_wanted ? shop_.settings.key_type : "";
    journal_ = note_probed(std::move(journal_), now());
    co_return Failed();
  }

  net::Awaitable<Failed> make_key() {
    KeySpec spec;
    spec.id = journal_.key_id;
    spec.names = journal_.names;
    spec.common_name = journal_.common_name;
    spec.key_type = journal_.key_type;
    auto made = co_await driver_->create_key_and_csr(std::move(spec));
    if (!made.ok()) co_return to_failure(made.error());
    journal_ = note_key(std::move(journal_), made->id, made->csr.der, made->csr.key.spki_hash(), now());
    co_return Failed();
  }

  net::Awaitable<Failed> order() {
    auto url = co_await place_order(shop_.acme, journal_.names, journal_.profile, journal_.replaces);
    if (!url.ok()) co_return to_failure(url.error());
    journal_ = note_order(std::move(journal_), *std::move(url), now());
    co_return Failed();
  }

  net::Awaitable<Failed> get_certificate() {
    auto csr = x509::parse_csr(journal_.csr);
    if (!csr.ok()) co_return to_failure(csr.error());
    CompleteOrder request{.order_url = journal_.order_url, .names = journal_.names, .csr = *csr};
    auto chain = co_await complete_order(shop_.acme, std::move(request), shop_.solvers, shop_.sleep, shop_.clock);
    if (!chain.ok() && chain.error().code() == Errc::not_found) {
      journal_ = note_order_lost(std::move(journal_), chain.error().detail(), now());
      co_return Failed();
    }
    if (!chain.ok()) co_return to_failure(chain.error());
    auto const fits = check_issued(*chain, *csr, journal_.names, shop_.membership.device_roots, now());
    if (!fits.ok()) co_return wrong_certificate(fits.error());
    x509::Certificate const& leaf = chain->front();
    Validity const validity{leaf.not_before(), leaf.not_after()};
    journal_ = note_certificate(std::move(journal_), x509::to_pem(*chain), validity, now());
    co_return Failed();
  }

  // As it was issued. A journal of ours that does not hold it any more is damaged, and nothing may be proven by it.
  std::vector<x509::Certificate> staged_chain() const {
    auto chain = x509::parse_pem_chain(journal_.chain_pem);
    if (!chain.ok() || chain->empty())
      throw store::Broken("the store is damaged: the journal of " + device_.serial + " has no certificate chain");
    return *std::move(chain);
  }

  net::Awaitable<Failed> install() {
    auto const clock = check_clock(device_.clock_offset, journal_.validity, now());
    if (!clock.ok()) co_return to_failure(clock.error());
    auto csr = x509::parse_csr(journal_.csr);
    if (!csr.ok()) co_return to_failure(csr.error());
    auto chain = staged_chain();
    x509::PublicKey key = csr->key;
    auto installed = co_await driver_->install_certificate(journal_.key_id, std::move(key), std::move(chain));
    if (!installed.ok()) co_return to_failure(installed.error());
    journal_ = note_installed(std::move(journal_), installed->id, installed->ca_ids, now());
    co_return Failed();
  }

  net::Awaitable<Failed> snapshot() {
    auto config = co_await driver_->get_https();
    if (!config.ok()) co_return to_failure(config.error());
    std::vector<Sha256> held_keys;
    // What was told over plain HTTP may be anybody's: such keys are not believed later.
    if (!driver_->identity().peer.empty()) {
      auto const held = co_await driver_->list_certificates();
      if (!held.ok()) co_return to_failure(held.error());
      for (CertificateEntry const& entry : *held)
        if (entry.certificate) held_keys.push_back(entry.certificate->key().spki_hash());
    }
    journal_ =
        note_snapshot(std::move(journal_), config->to_text(), config->certificate_id(), std::move(held_keys), now());
    co_return Failed();
  }

  net::Awaitable<Failed> switch_https() {
    auto snapshot = HttpsConfig::from_text(journal_.snapshot);
    if (!snapshot.ok()) co_return to_failure(snapshot.error());
    HttpsConfig config = *std::move(snapshot);
    std::erase_if(config.ca_ids, is_our_id);  // those of the former certificate; the new one's come with it
    config = config.with_certificate(journal_.installed_id, journal_.ca_ids);
    auto outcome = co_await driver_->set_https(std::move(config));
    if (!outcome.ok()) co_return to_failure(outcome.error());
    driver_->set_trust(trust());  // the new key counts as well from now on
    journal_ = note_switched(std::move(journal_), now());
    co_return Failed();
  }

  ServedExpectation expectation() const {
    auto const chain = staged_chain();
    ServedExpectation expected;
    expected.key = chain.front().key();
    expected.intermediates.assign(chain.begin() + 1, chain.end());
    expected.roots = shop_.membership.device_roots;
    expected.names = journal_.names;
    expected.serial = device_.serial;
    expected.until = shop_.settings.verify_for;
    expected.until_away = shop_.settings.verify_while_away;
    return expected;
  }

  net::Awaitable<Failed> verify() {
    ServedExpectation const expected = expectation();
    auto served = co_await shop_.devices.verify_served(device_.endpoint, expected, driver_.get());
    if (!served.ok()) co_return to_failure(served.error());
    if (!served->good(expected)) co_return to_failure(DeviceError(DeviceErrc::switched_but_not_served, served->text));
    journal_ = note_verified(std::move(journal_), served->chain_state == ServedChain::incomplete, now());
    co_return Failed();
  }

  void promote_now() {
    shop_.store.write([this](store::WriteTxn& txn) {
      auto promoted = promote(txn, device_.serial, now());
      journal_ = std::move(promoted.journal);
      device_ = std::move(promoted.device);
      return true;
    });
  }

  struct Removed {
    std::vector<std::string> ids;
    std::string note;  // why others are still there; empty: none are
  };
  net::Awaitable<Removed> remove_ids(std::vector<std::string> ids) {
    Removed removed;
    for (auto const& id : ids) {
      auto gone = co_await driver_->remove(id);
      if (gone.ok()) {
        removed.ids.push_back(id);
      } else {
        removed.note += fmt::format("{}{}: {}", removed.note.empty() ? "" : "; ", id, gone.error().text);
      }
    }
    co_return removed;
  }

  // What could not be removed is left over, which is no failure of the certificate.
  net::Awaitable<Failed> remove_old() {
    auto removed = co_await remove_ids(ids_to_remove(device_, journal_));
    journal_ = note_old_removed(std::move(journal_), std::move(removed.ids), removed.note, now());
    co_return Failed();
  }

  net::Awaitable<Failed> restore() {
    auto snapshot = HttpsConfig::from_text(journal_.snapshot);
    if (!snapshot.ok()) co_return to_failure(snapshot.error());
    auto outcome = co_await driver_->set_https(*std::move(snapshot));
    if (!outcome.ok()) co_return to_failure(outcome.error());
    journal_ = note_restored(std::move(journal_), now());
    co_return Failed();
  }

  // The device answers again as it did, or does not within the time that a restart may take. Settings alone are a
  // promise: where HTTPS was on, it must be the key that we knew, and plain HTTP proves nothing. One good look may be
  // at a web server that is yet to restart: it takes two, over connections of their own.
  static constexpr int kGoodLooks = 2;
  net::Awaitable<Failed> verify_restored() {
    auto wanted = HttpsConfig::from_text(journal_.snapshot);
    if (!wanted.ok()) co_return to_failure(wanted.error());
    Trust former = trust();
    if (device_.pin && wanted->enabled) {
      former.pins = {*device_.pin};
      former.plain_http = false;
    }
    Time const end = now() + shop_.settings.verify_while_away;
    int good_looks = 0;
    while (true) {
      auto failed = co_await open_device(former);
      if (failed && !may_pass(*failed)) co_return failed;
      if (!failed) failed = co_await look_at_settings(*wanted);
      good_looks = failed ? 0 : good_looks + 1;
      if (good_looks == kGoodLooks) break;
      if (failed && now() >= end) co_return failed;
      Seconds const pause = failed ? kPauseBeforeRepeat : kRestartBegins;
      co_await shop_.sleep(pause);
    }
    journal_ = note_restore_verified(std::move(journal_), now());
    co_return Failed();
  }

  net::Awaitable<Failed> look_at_settings(HttpsConfig wanted) {
    auto config = co_await driver_->get_https();
    if (!config.ok()) co_return to_failure(config.error());
    if (config->certificate_ids == wanted.certificate_ids && config->enabled == wanted.enabled) co_return Failed();
    co_return to_failure(
        DeviceError(DeviceErrc::rollback_failed, "the device did not take its former HTTPS settings back"));
  }

  net::Awaitable<Failed> discard() {
    auto removed = co_await remove_ids(ids_to_remove(device_, journal_));
    if (!removed.note.empty()) {
      shop_.log.warning("device.leftover", {{"device", device_.serial}, {"why", removed.note}});
    }
    journal_ = note_discarded(std::move(journal_), std::move(removed.ids), now());
    co_return Failed();
  }

  Workshop& shop_;
  Device device_;
  Journal journal_;
  Login login_;
  std::unique_ptr<Driver> driver_;  // dies before login_
};

// The device with the journal to go on with: the one that is running, or a new one.
struct Start {
  Device device;
  Journal journal;
};
Start start(Workshop& shop, std::string const& serial, Purpose purpose, std::string const& task) {
  std::optional<Device> device;
  std::optional<Journal> journal;
  shop.store.read([&](store::ReadTxn& txn) {
    device = load_device(txn, serial);
    journal = load_journal(txn, serial);
  });
  if (!device) bug("run_device for a device that is not in the inventory");
  bool const goes_on = journal && next_step(*journal).has_value();
  if (!goes_on) journal = begin_journal(*device, purpose, new_certificate_id(), task, shop.clock.now());
  return {*std::move(device), *std::move(journal)};
}

}  // namespace

net::Awaitable<TaskResult> run_device(Workshop& shop, std::string serial, Purpose purpose, std::string task) {
  auto begun = start(shop, serial, purpose, task);
  Run run(shop, std::move(begun.device), std::move(begun.journal));
  co_return co_await run.to_the_end(std::move(task));
}

}  // namespace lenscap::agent
