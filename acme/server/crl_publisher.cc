#include "acme/server/crl_publisher.h"

#include <algorithm>

namespace lenscap::acme {

CrlPublisher::CrlPublisher(ca::Authority const& authority, store::Store& store, Db const& db, ca::CrlPlan plan,
                           Clock const& clock, Log log)
    : store_(store),
      db_(db),
      plan_(plan),
      clock_(clock),
      log_(std::move(log)),
      issuer_(authority.issuer()),
      issuer_id_(to_hex(authority.issuing_certificate().subject_key_id())) {}

CrlPublisher::~CrlPublisher() { stop(); }

// --- what is due ---

// That of the settings, and those that certificates of another time name.
std::vector<unsigned> CrlPublisher::divisions() const {
  std::vector<unsigned> found;
  store_.read([&](store::ReadTxn& txn) { found = ca::crl_divisions(txn, issuer_id_); });
  auto const parts = issuer_.crl_places().parts;
  if (std::ranges::find(found, parts) == found.end()) found.push_back(parts);
  return found;
}

std::optional<ca::CrlState> CrlPublisher::last_of(unsigned parts) const {
  // The lists of a division are made together.
  auto const list = find(ca::crl_scope(parts, 0));
  return list ? std::optional(list->state) : std::nullopt;
}

bool CrlPublisher::is_due(unsigned parts, Time now) const {
  std::uint64_t revocations = 0;
  store_.read([&](store::ReadTxn& txn) { revocations = ca::count_revocations(txn, issuer_id_); });
  return ca::crl_due_at(plan_, last_of(parts), revocations, now) <= now;
}

Result<> CrlPublisher::make(unsigned parts, Time now) {
  TRY(auto lists, ca::make_crls(store_, issuer_, parts, plan_, now));
  log_.info("crl.made", {{"number", lists.front().state.number},
                         {"parts", std::size_t{parts}},
                         {"revocations", lists.front().state.revocations},
                         {"next_update", to_rfc3339(lists.front().state.next_update)}});
  std::lock_guard const lock(mutex_);
  for (auto& list : lists) {
    auto scope = list.scope;
    lists_[std::move(scope)] = std::make_shared<ca::SignedCrl const>(std::move(list));
  }
  return {};
}

void CrlPublisher::make_due() {
  if (!issuer_.crl_places().is_served()) return;
  auto const now = clock_.now();
  std::string why;
  try {
    for (unsigned const parts : divisions()) {
      if (!is_due(parts, now)) continue;
      auto const made = make(parts, now);
      if (!made) why = made.error().detail();
    }
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

// --- the thread ---

void CrlPublisher::warn_of_names() const {
  std::vector<unsigned> named;
  store_.read([&](store::ReadTxn& txn) { named = ca::crl_divisions(txn, issuer_id_); });
  if (named.empty()) return;
  log_.warning("crl.no_longer_served", {{"why",
                                         "certificates of before name a list that is not served any more, and "
                                         "strict clients refuse them; see docs/revoke.md"}});
}

void CrlPublisher::start(std::chrono::milliseconds retry) {
  if (!issuer_.crl_places().is_served()) return warn_of_names();
  retry_ = retry;
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

std::shared_ptr<ca::SignedCrl const> CrlPublisher::find(std::string_view scope) const {
  std::lock_guard const lock(mutex_);
  auto const found = lists_.find(scope);
  return found == lists_.end() ? nullptr : found->second;
}

CrlCondition CrlPublisher::condition(Time now) const {
  if (!issuer_.crl_places().is_served()) return CrlCondition::none_served;
  std::lock_guard const lock(mutex_);
  auto const is_past = [now](auto const& entry) { return entry.second->state.next_update <= now; };
  if (lists_.empty() || std::ranges::any_of(lists_, is_past)) return CrlCondition::missing;
  return failed_ ? CrlCondition::overdue : CrlCondition::good;
}

}  // namespace lenscap::acme
