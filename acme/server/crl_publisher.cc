#include "acme/server/crl_publisher.h"

#include <algorithm>

namespace lenscap::acme {

CrlPublisher::CrlPublisher(ca::Authority const& authority, store::Store& store, Db const& db, ca::CrlPlan plan,
                           std::string const& state_dir, Clock const& clock, Log log)
    : store_(store),
      db_(db),
      plan_(plan),
      clock_(clock),
      log_(std::move(log)),
      authority_(authority),
      kept_(state_dir) {}

CrlPublisher::~CrlPublisher() { stop(); }

// --- what is due ---

// That of the settings, and those that certificates of another time name.
std::vector<unsigned> CrlPublisher::divisions(ca::KnownIssuer const& issuer) const {
  std::vector<unsigned> found;
  store_.read([&](store::ReadTxn& txn) { found = ca::crl_divisions(txn, issuer.id()); });
  auto const parts = issuer.issuer->crl_places().parts;
  if (std::ranges::find(found, parts) == found.end()) found.push_back(parts);
  return found;
}

std::optional<ca::CrlState> CrlPublisher::last_of(ca::KnownIssuer const& issuer, unsigned parts) const {
  // The lists of a division are made together.
  auto const list = find(issuer.id(), ca::crl_scope(parts, 0));
  return list ? std::optional(list->state) : std::nullopt;
}

bool CrlPublisher::is_due(ca::KnownIssuer const& issuer, unsigned parts, Time now) const {
  if (!made_here_.contains({issuer.id(), parts})) return true;
  // Is the key back? Somebody has to try, and a list costs nobody anything.
  if (issuer.issuer->last_signature_failed()) return true;
  std::uint64_t revocations = 0;
  store_.read([&](store::ReadTxn& txn) { revocations = ca::count_revocations(txn, issuer.id()); });
  return ca::crl_due_at(plan_, last_of(issuer, parts), revocations, now) <= now;
}

Result<> CrlPublisher::make(ca::KnownIssuer const& issuer, unsigned parts, Time now) {
  TRY(auto lists, ca::make_crls(store_, *issuer.issuer, parts, plan_, now));
  auto const state = lists.front().state;
  made_here_.insert({issuer.id(), parts});
  publish(issuer.id(), std::move(lists));
  log_.info("crl.made", {{"issuer", issuer.rule.name},
                         {"number", state.number},
                         {"parts", std::size_t{parts}},
                         {"revocations", state.revocations},
                         {"next_update", to_rfc3339(state.next_update)}});
  return {};
}

// All at a time. One that cannot be kept is served from memory, and after it the others are not tried.
void CrlPublisher::publish(std::string const& issuer, std::vector<ca::SignedCrl> lists) {
  Lists published;
  bool keeps = true;
  for (auto& list : lists) {
    net::SharedBody der;
    if (keeps) {
      auto kept = kept_.keep(issuer, list);
      keeps = kept.ok();
      if (kept)
        der = *std::move(kept);
      else
        log_.warning("crl.not_kept", {{"error", kept.error().detail()}});
    }
    if (!der) der = net::SharedBody(std::make_shared<Bytes const>(std::move(list.der)));
    list.der = {};  // lists are long, and these may be many
    published[list.scope] = std::make_shared<PublishedCrl const>(
        PublishedCrl{{list.state, list.entries, std::move(list.tag)}, std::move(der)});
  }
  std::lock_guard const lock(mutex_);
  auto& of_issuer = lists_[issuer];
  for (auto& [scope, list] : published) of_issuer[scope] = std::move(list);
}

// The last failure, when there are several.
Result<> CrlPublisher::make_due_of(ca::KnownIssuer const& issuer, Time now) {
  Result<> outcome;
  if (issuer.is_over(now)) return outcome;
  for (unsigned const parts : divisions(issuer)) {
    if (!is_due(issuer, parts, now)) continue;
    if (auto made = make(issuer, parts, now); !made) outcome = std::move(made);
  }
  return outcome;
}

void CrlPublisher::make_due() {
  if (!is_served()) return;
  auto const now = clock_.now();
  std::string why;
  try {
    for (auto const& issuer : authority_.issuers())
      if (auto const made = make_due_of(issuer, now); !made)
        why = (authority_.issuers().size() == 1 ? "" : issuer.rule.name + ": ") + made.error().detail();
  } catch (store::Broken const& broken) {
    why = broken.what();
    db_.tell_broken(why);
  } catch (std::exception const& e) {
    why = e.what();
  }
  if (!why.empty()) log_.warning("crl.not_made", {{"error", why}});
  std::lock_guard const lock(mutex_);
  failed_ = !why.empty();
}

// --- those of before ---

void CrlPublisher::take_kept(ca::KnownIssuer const& issuer, std::string const& scope) {
  std::optional<ca::SignedCrlState> state;
  store_.read([&](store::ReadTxn& txn) { state = ca::find_signed_crl(txn, issuer.id(), scope); });
  if (!state || state->next_update <= clock_.now()) return;
  auto der = kept_.find(*issuer.issuer, scope, *state);
  if (!der) return log_.info("crl.none_kept", {{"issuer", issuer.rule.name}, {"error", der.error().detail()}});
  std::lock_guard const lock(mutex_);
  lists_[issuer.id()][scope] = std::make_shared<PublishedCrl const>(PublishedCrl{*std::move(state), *std::move(der)});
}

void CrlPublisher::take_kept() {
  for (auto const& issuer : authority_.issuers())
    for (unsigned const parts : divisions(issuer))
      for (unsigned part = 0; part < parts; ++part) take_kept(issuer, ca::crl_scope(parts, part));
}

// --- the thread ---

void CrlPublisher::warn_of_names() const {
  bool is_named = false;
  store_.read([&](store::ReadTxn& txn) {
    for (auto const& issuer : authority_.issuers()) is_named = is_named || !ca::crl_divisions(txn, issuer.id()).empty();
  });
  if (!is_named) return;
  log_.warning("crl.no_longer_served", {{"why",
                                         "certificates of before name a list that is not served any more, and "
                                         "strict clients refuse them; see docs/revoke.md"}});
}

void CrlPublisher::start(std::chrono::milliseconds retry) {
  if (!is_served()) return warn_of_names();
  retry_ = retry;
  take_kept();
  make_due();
  thread_ = std::thread([this] { run(); });
}

void CrlPublisher::stop() {
  {
    std::lock_guard const lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void CrlPublisher::look_again() {
  {
    std::lock_guard const lock(mutex_);
    look_again_ = true;
  }
  wake_.notify_all();
}

// It looks as often as it would try again, so that it sees a clock that is set.
void CrlPublisher::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    wake_.wait_for(lock, retry_, [this] { return stopping_ || look_again_; });
    if (stopping_) return;
    look_again_ = false;
    lock.unlock();
    make_due();
    lock.lock();
  }
}

// --- what is served ---

std::shared_ptr<PublishedCrl const> CrlPublisher::find(std::string_view issuer, std::string_view scope) const {
  std::lock_guard const lock(mutex_);
  auto const of_issuer = lists_.find(issuer);
  if (of_issuer == lists_.end()) return nullptr;
  auto const found = of_issuer->second.find(scope);
  return found == of_issuer->second.end() ? nullptr : found->second;
}

std::map<std::pair<std::string, std::string>, CrlPublisher::Made> CrlPublisher::made() const {
  std::lock_guard const lock(mutex_);
  std::map<std::pair<std::string, std::string>, Made> made;
  for (auto const& issuer : authority_.issuers()) {
    auto const lists = lists_.find(issuer.id());
    if (lists == lists_.end()) continue;
    for (auto const& [scope, list] : lists->second)
      made[{issuer.rule.name, scope}] = {list->state.this_update, list->state.next_update, list->state.entries};
  }
  return made;
}

CrlCondition CrlPublisher::condition(Time now) const {
  if (!is_served()) return CrlCondition::none_served;
  std::lock_guard const lock(mutex_);
  auto const is_past = [now](auto const& entry) { return entry.second->state.next_update <= now; };
  for (auto const& issuer : authority_.issuers()) {
    if (issuer.is_over(now)) continue;
    auto const lists = lists_.find(issuer.id());
    if (lists == lists_.end() || std::ranges::any_of(lists->second, is_past)) return CrlCondition::missing;
  }
  return failed_ ? CrlCondition::overdue : CrlCondition::good;
}

}  // namespace lenscap::acme
