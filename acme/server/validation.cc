#include "acme/server/validation.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "acme/server/app.h"
#include "acme/server/caa.h"
#include "acme/server/records.h"
#include "acme/server/validator.h"
#include "acme/wire/key_authorization.h"

namespace lenscap::acme {
namespace asio = boost::asio;

// A challenge between two attempts; touched on its own io thread alone.
struct Validation::Waiting {
  explicit Waiting(asio::any_io_executor const& executor) : timer(executor) {}
  asio::steady_timer timer;
  asio::steady_timer::time_point earliest;
};

// Who asks for an authorization whose outcome is near; touched on its own io thread alone.
struct Validation::Asking {
  explicit Asking(asio::any_io_executor const& executor) : timer(executor) {}
  asio::steady_timer timer;
};

Validation::Validation(App& app) : app_(app) {}
Validation::~Validation() = default;

namespace {

class Turn {
 public:
  explicit Turn(std::atomic<int>& running) : running_(running), taken_(++running <= Validation::kAttemptsAtOnce) {}
  ~Turn() { --running_; }
  Turn(Turn const&) = delete;
  Turn& operator=(Turn const&) = delete;
  bool taken() const { return taken_; }

 private:
  std::atomic<int>& running_;
  bool taken_;
};

// An authorization has one challenge of each type, so both ids together are the challenge's name.
std::string key_of(std::string const& authorization_id, std::string const& challenge_id) {
  return authorization_id + "/" + challenge_id;
}

}  // namespace

void Validation::start(std::string authorization_id, std::string challenge_id) {
  {
    std::lock_guard const lock(mutex_);
    if (!started_.insert(key_of(authorization_id, challenge_id)).second) return;
  }
  // libcurl's loop lives on the first io thread; an attempt is mostly waiting.
  net::spawn(app_.threads.next(), run(std::move(authorization_id), std::move(challenge_id)));
}

bool Validation::is_running(std::string const& authorization_id, std::string const& challenge_id) {
  std::lock_guard const lock(mutex_);
  return started_.contains(key_of(authorization_id, challenge_id));
}

net::Awaitable<> Validation::wait_for_outcome(std::string authorization_id) {
  asio::any_io_executor const executor = co_await asio::this_coro::executor;
  auto const asking = std::make_shared<Asking>(executor);
  asking->timer.expires_after(outcome_soon);
  {
    std::lock_guard const lock(mutex_);
    auto const prefix = key_of(authorization_id, "");
    auto attempt = started_.lower_bound(prefix);
    while (attempt != started_.end() && attempt->starts_with(prefix) && waiting_.contains(*attempt)) ++attempt;
    if (attempt == started_.end() || !attempt->starts_with(prefix)) co_return;
    asking_.emplace(authorization_id, asking);
  }
  // Woken by a post to this very thread: never before the wait has begun.
  boost::system::error_code ignored;
  co_await asking->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  std::lock_guard const lock(mutex_);
  auto const [from, to] = asking_.equal_range(authorization_id);
  auto const found = std::find_if(from, to, [&](auto const& entry) { return entry.second == asking; });
  if (found != to) asking_.erase(found);
}

// In one go with what they wait for, under the mutex: who comes between the two would wait for a wake that has been.
void Validation::wake_who_waits_for(std::string const& authorization_id) {
  auto const [from, to] = asking_.equal_range(authorization_id);
  for (auto entry = from; entry != to; ++entry)
    asio::post(entry->second->timer.get_executor(), [asking = entry->second] { asking->timer.cancel(); });
  asking_.erase(from, to);
}

void Validation::retry_now(std::string const& authorization_id, std::string const& challenge_id) {
  std::shared_ptr<Waiting> waiting;
  {
    std::lock_guard const lock(mutex_);
    auto const found = waiting_.find(key_of(authorization_id, challenge_id));
    if (found == waiting_.end()) return;  // an attempt is under way, or all is over
    waiting = found->second;
  }
  asio::post(waiting->timer.get_executor(), [waiting] {
    if (waiting->earliest < waiting->timer.expiry()) waiting->timer.expires_at(waiting->earliest);  // wakes the wait
  });
}

net::Awaitable<> Validation::wait_for_retry(std::string authorization_id, std::string challenge_id,
                                            std::chrono::milliseconds pause) {
  auto const key = key_of(authorization_id, challenge_id);
  asio::any_io_executor const executor = co_await asio::this_coro::executor;
  auto const waiting = std::make_shared<Waiting>(executor);
  auto const now = std::chrono::steady_clock::now();
  waiting->earliest = now + std::min(retry_at_least, pause);
  waiting->timer.expires_at(now + pause);
  {
    std::lock_guard const lock(mutex_);
    waiting_[key] = waiting;
    wake_who_waits_for(authorization_id);
  }
  while (std::chrono::steady_clock::now() < waiting->timer.expiry()) {
    boost::system::error_code ignored;
    co_await waiting->timer.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
  }
  std::lock_guard const lock(mutex_);
  waiting_.erase(key);
}

net::Awaitable<> Validation::run(std::string authorization_id, std::string challenge_id) {
  std::string failure;
  try {
    for (Next next = retry_pause; next;) {
      co_await app_.chaos.before_attempt();
      {
        Turn const turn(running_);
        if (turn.taken()) next = co_await attempt(authorization_id, challenge_id);
      }
      if (next) co_await wait_for_retry(authorization_id, challenge_id, *next);
    }
  } catch (std::exception const& e) {
    failure = e.what();
  }
  {
    std::lock_guard const lock(mutex_);
    started_.erase(key_of(authorization_id, challenge_id));
    wake_who_waits_for(authorization_id);
  }
  // The challenge stays `processing`; the sweeper of the next start takes it up again.
  if (!failure.empty()) app_.log.error("validation.broken", {{"authorization", authorization_id}, {"error", failure}});
}

net::Awaitable<Validation::Next> Validation::attempt(std::string const& authorization_id,
                                                     std::string const& challenge_id) {
  struct Loaded {
    Authorization authorization;
    Account account;
  };
  auto load = [&](store::ReadTxn& txn) -> std::optional<Loaded> {
    auto authorization = load_authorization(txn, authorization_id);
    if (!authorization) return std::nullopt;
    // What is over is not tried again: nobody is asked on behalf of an account or an authorization that is none any
    // more.
    if (authorization->status != AuthorizationStatus::pending || app_.clock.now() >= authorization->expires)
      return std::nullopt;
    auto account = load_account(txn, authorization->account_id);
    if (!account || !check_valid(*account)) return std::nullopt;
    return Loaded{*std::move(authorization), *std::move(account)};
  };
  auto loaded = co_await app_.db.read(load);
  auto const* challenge = loaded ? find_challenge(loaded->authorization, challenge_id) : nullptr;
  // `pending`: that it was accepted is written with the next commit, before the outcome.
  auto const is_open = [](ChallengeStatus status) {
    return status == ChallengeStatus::processing || status == ChallengeStatus::pending;
  };
  if (challenge == nullptr || !is_open(challenge->status)) co_return std::nullopt;
  auto const* validator = find_validator(challenge->type);
  if (validator == nullptr) co_return std::nullopt;

  ChallengeToCheck check{loaded->authorization.identifier, challenge->token,
                         key_authorization(challenge->token, loaded->account.key)};
  ValidationTools tools{app_.http,
                        app_.resolver,
                        app_.targets,
                        app_.clock,
                        app_.settings.may_reach,
                        app_.settings.http_port,
                        app_.settings.tls_port,
                        app_.settings.redirects};
  auto outcome = co_await validator->validate(tools, std::move(check));
  if (!outcome && outcome.error().code() == Errc::rate_limited) {
    app_.log.info("validation.put_off", {{"authorization", authorization_id},
                                         {"identifier", loaded->authorization.identifier.value()},
                                         {"why", outcome.error().detail()}});
    co_return std::min<std::chrono::milliseconds>(outcome.error().retry_after.value_or(kRetryPause), put_off_at_most);
  }
  if (outcome.ok() && loaded->authorization.identifier.dns() != nullptr) {
    auto question = caa_question(loaded->authorization, app_.settings.urls.account(loaded->account.id));
    question.method = validator->type;
    std::vector<CaaQuestion> questions{std::move(question)};
    outcome = co_await check_caa(app_, std::move(questions));
  }

  app_.metrics.validated(validator->type, outcome.ok());

  auto const now = app_.clock.now();
  auto record = [&](store::WriteTxn& txn) -> Result<Recorded> {
    TRY(auto current, load_authorization(txn, authorization_id, loaded->account.id));
    auto const waiting = load_waiting(txn, current);
    TRY(auto recorded, record_outcome(std::move(current), challenge_id, outcome, waiting, app_.policy, now));
    save_recorded(txn, recorded);
    return recorded;
  };
  auto recorded = co_await app_.db.write(record);
  if (!recorded) co_return std::nullopt;
  if (!outcome && !recorded->try_again)
    app_.limits.validation_failed(loaded->account.id, loaded->authorization.identifier, now);
  app_.log.info("validation.done", {{"authorization", authorization_id},
                                    {"identifier", loaded->authorization.identifier.value()},
                                    {"type", validator->type},
                                    {"valid", outcome.ok()},
                                    {"error", outcome.ok() ? "" : outcome.error().detail()},
                                    {"again", recorded->try_again}});
  co_return recorded->try_again ? Next(retry_pause) : std::nullopt;
}

}  // namespace lenscap::acme
