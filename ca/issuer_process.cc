#include "ca/issuer_process.h"

#include <openssl/crypto.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/file.h"
#include "base/local_socket.h"
#include "base/sandbox.h"
#include "base/x509/digest_signature.h"
#include "ca/clock_mark.h"
#include "ca/crl_schedule.h"

namespace lenscap::ca {
namespace {

// Between the front end's `prepare` and the signature lie a durable transaction and, in a bad moment, a queue.
constexpr Seconds kOldestRequest = 10 * kMinute;
// Serial numbers begin with their time, and no request may be older than kOldestRequest: what is older than this can
// not come again.
constexpr Seconds kSerialsKept = kHour;
// Numbers of lists rise by one; gaps come from lists that were not signed, and from stores without a signer's ledger. A
// list each hour would take a hundred years.
constexpr std::uint64_t kCrlNumberStep = 1'000'000;

// As new_serial() makes them: so that no number of another time, and none of another form, can be had.
bool is_serial_of(ByteView serial, Time at) {
  constexpr std::size_t kOctets = 19;
  if (serial.size() != kOctets || serial[0] != 0x01) return false;
  std::uint32_t seconds = 0;
  for (std::size_t i = 1; i <= 4; ++i) seconds = seconds << 8 | serial[i];
  return seconds == static_cast<std::uint32_t>(to_unix(at));
}

// Every serial number of this time or later has one that is not less.
std::string serials_from(Time at) {
  Bytes front{0x01};
  auto const seconds = static_cast<std::uint32_t>(to_unix(at));
  for (int shift = 24; shift >= 0; shift -= 8) front.push_back(static_cast<std::uint8_t>(seconds >> shift & 0xff));
  return to_hex(front);
}

// Lists grow the ledger, too. Of an issuer with 256 parts all can be made seven times a minute and 780 times a day,
// which is far above what any settings are of use for; who has the front end in his hands gets 40 MB a day.
constexpr SigningCaps kListCaps{.per_minute = 2'000, .per_day = 200'000};

// What was signed by a clock that ran ahead counts as of the moment when that was put right: caps would wait for the
// other time to come.
void put_right(std::vector<SignedEntry>& entries, Time now) {
  for (auto& entry : entries) entry.at = std::min(entry.at, now);
}

}  // namespace

namespace {

struct Opened {
  Issuing issuing;
  std::vector<std::shared_ptr<KeySigner>> keys;  // of its issuers
};

Result<Opened> open_keys(AuthoritySettings const& settings, SecretBytes const& passphrase) {
  Opened opened;
  auto const open_signer = [&](InstalledIssuer const& issuer) -> Result<std::shared_ptr<Signer>> {
    TRY(auto holder, open_issuer_key(settings, issuer, passphrase));
    opened.keys.push_back(std::make_shared<KeySigner>(std::move(holder)));
    return std::shared_ptr<Signer>(opened.keys.back());
  };
  TRY(opened.issuing, open_issuing(settings, open_signer));
  return opened;
}

}  // namespace

Result<std::unique_ptr<IssuerProcess>> IssuerProcess::open(IssuerProcessSettings const& settings,
                                                           SecretBytes const& passphrase, Time now) {
  TRY(auto opened, open_keys(settings.authority, passphrase));
  return make(std::move(opened.issuing), std::move(opened.keys), signing_ledger_file(settings.authority.state_dir),
              settings.caps, settings.accept_clock, now, settings.front);
}

Result<std::unique_ptr<IssuerProcess>> IssuerProcess::make(Issuing issuing,
                                                           std::vector<std::shared_ptr<KeySigner>> keys,
                                                           std::string const& path, SigningCaps const& caps,
                                                           bool accept_clock, Time now,
                                                           std::optional<FrontCertificate> front) {
  std::unique_ptr<IssuerProcess> process;
  std::vector<SignedEntry> recent, recent_lists;
  std::deque<SignedEntry> last;
  std::map<std::pair<std::string, std::string>, SignedEntry> lists;
  std::optional<Time> mark;
  auto const oldest_serial = serials_from(now - kDay);
  auto ledger = SigningLedger::open(path, [&](SignedEntry const& entry) {
    mark = entry.kind == SignedEntry::Kind::clock ? entry.at : std::max(mark.value_or(entry.at), entry.at);
    if (entry.kind == SignedEntry::Kind::clock) put_right(recent, entry.at);
    if (entry.kind == SignedEntry::Kind::clock) put_right(recent_lists, entry.at);
    if (entry.kind == SignedEntry::Kind::crl) lists[{entry.issuer, entry.scope}] = entry;
    if (entry.kind == SignedEntry::Kind::crl && entry.at + kDay > now) recent_lists.push_back(entry);
    if (entry.kind == SignedEntry::Kind::certificate) {
      last.push_back(entry);
      if (last.size() > kRecent) last.pop_front();
    }
    if (entry.kind == SignedEntry::Kind::certificate && (entry.at + kDay > now || entry.serial_hex >= oldest_serial))
      recent.push_back(entry);
  });
  if (!ledger) return std::move(ledger).error();
  process.reset(new IssuerProcess(std::move(issuing), std::move(keys), *std::move(ledger), caps));
  process->front_ = std::move(front);
  bool const is_put_right = accept_clock && mark && now < *mark;
  if (is_put_right) put_right(recent, now);
  if (is_put_right) put_right(recent_lists, now);
  for (auto const& entry : recent) process->learn(entry);
  for (auto const& entry : recent_lists) process->list_cap_.count(entry.at);
  process->lists_ = std::move(lists);
  process->last_certificates_ = std::move(last);
  process->mark_ = mark;
  if (is_put_right) {
    process->ledger_.add({.kind = SignedEntry::Kind::clock, .at = now});
    CHECK_OK(process->ledger_.commit());
    process->mark_ = now;
  }
  return process;
}

IssuerProcess::IssuerProcess(Issuing issuing, std::vector<std::shared_ptr<KeySigner>> keys, SigningLedger ledger,
                             SigningCaps const& caps)
    : issuing_(std::move(issuing)),
      keys_(std::move(keys)),
      ledger_(std::move(ledger)),
      cap_(caps),
      list_cap_(kListCaps) {
  if (keys_.size() != issuing_.issuers.size()) bug("a signer that lacks a key");
}

std::vector<Bytes> IssuerProcess::spkis_of(std::vector<std::shared_ptr<KeySigner>> const& keys) {
  std::vector<Bytes> all;
  for (auto const& key : keys) all.push_back(key->public_key().spki());
  return all;
}

void IssuerProcess::learn(SignedEntry const& entry) {
  mark_ = std::max(mark_.value_or(entry.at), entry.at);
  if (entry.kind == SignedEntry::Kind::crl) {
    lists_[{entry.issuer, entry.scope}] = entry;
    list_cap_.count(entry.at);
    return;
  }
  cap_.count(entry.at);
  serials_.insert(entry.serial_hex);
  serials_.erase(serials_.begin(), serials_.lower_bound(serials_from(entry.at - kSerialsKept)));
}

void IssuerProcess::remember(SignedEntry const& entry) {
  last_certificates_.push_back(entry);
  if (last_certificates_.size() > kRecent) last_certificates_.pop_front();
}

// --- judging ---

// By what it is, and never because the front end says so. The names matter: accounts may be given the profile, too.
bool IssuerProcess::is_own(Profile const& profile, IssueRequest const& request) const {
  if (profile.signs_ocsp()) return true;
  return front_ && profile.name == front_->profile && request.names == front_->names;
}

Result<IssuerProcess::Passed> IssuerProcess::judge(Bytes const& message, Time now) {
  TRY(auto const wanted, decode_wanted(message));
  if (std::holds_alternative<RecentWanted>(wanted)) {
    RecentlySigned entries{{last_certificates_.begin(), last_certificates_.end()}, lists_};
    return Passed{.answer = Recent{std::get<RecentWanted>(wanted).id, std::move(entries)}};
  }
  if (std::holds_alternative<CrlWanted>(wanted)) return judge(begin_list(message), now);
  CHECK_OK(check_clock(mark_, now));
  return judge(std::get<CertificateWanted>(wanted), now);
}

Result<IssuerProcess::Passed> IssuerProcess::judge(CertificateWanted const& wanted, Time now) {
  auto const profile = std::ranges::find(issuing_.profiles, wanted.request.profile, &Profile::name);
  if (profile == issuing_.profiles.end())
    return Error(Errc::invalid_profile, "the signer has no profile \"" + wanted.request.profile + "\"");
  if (profile->hash() != wanted.profile_hash)
    return Error(Errc::internal, "the signer's profile " + profile->name + " is another one; start the service anew");
  TRY(auto const* issuer, need_issuer(issuing_, wanted.issuer));
  if (wanted.prepared_at < now - kOldestRequest || wanted.prepared_at > now + kClockStepBack)
    return Error(Errc::unavailable, "a request of " + to_rfc3339(wanted.prepared_at) +
                                        " for the signer, whose clock says " + to_rfc3339(now));
  // By the time of the request: what was on its way when another took the issuer's place is signed still.
  // Whose it is, only the front end knows; what it asks for in the server's place is still of the server's profile.
  auto const holder = profile->name == kServerProfile ? Holder::server : Holder::subscriber;
  CHECK_OK(check_serves(issuer->rule, *profile, wanted.prepared_at, holder));
  auto const serial_hex = to_hex(wanted.serial);
  if (!is_serial_of(wanted.serial, wanted.prepared_at))
    return Error(Errc::internal, "a serial number of another form or time: " + serial_hex);
  if (serials_.contains(serial_hex)) return Error(Errc::internal, "the serial number was signed before: " + serial_hex);
  auto const wait = is_own(*profile, wanted.request) ? cap_.wait_for_own(now) : cap_.wait(now);
  if (wait > Seconds(0)) {
    Error capped(Errc::unavailable, "the signer's cap is reached; see [signer] of ca.toml");
    capped.retry_after = wait;
    return capped;
  }
  if (!ledger_.has_room()) {
    Error full(Errc::unavailable, "the disk is full, or nearly so: the signer's ledger needs room for a certificate");
    full.retry_after = kMinute;
    return full;
  }

  CHECK_OK(issuing_.check_is_not_ours(wanted.request.key));
  TRY(auto draft, issuer->issuer->prepare(*profile, wanted.request, wanted.serial, wanted.prepared_at));
  auto const hash = sha256(draft.tbs());
  if (hash != wanted.tbs_hash)
    return Error(Errc::internal, "the signer would build another certificate than the one on record");
  SignedEntry const entry{.kind = SignedEntry::Kind::certificate,
                          .issuer = to_hex(wanted.issuer),
                          .at = now,
                          .serial_hex = serial_hex,
                          .tbs_hash = to_hex(hash)};
  ledger_.add(entry);
  learn(entry);
  remember(entry);
  return Passed{issuer, draft.tbs()};
}

Result<IssuerProcess::Passed> IssuerProcess::judge(CrlReading reading, Time now) {
  CHECK_OK(check_clock(mark_, now));
  TRY(auto read, std::move(reading).finish(now));
  auto const* issuer = read.issuer;
  auto const& seen = read.seen;
  auto const id = issuer->id();
  auto const known = lists_.find({id, seen.scope});
  auto const last = known == lists_.end() ? 0 : known->second.number;
  if (known != lists_.end() && seen.number <= last)
    return Error(Errc::internal, "the signer has signed the revocation list number " + std::to_string(last) + "; " +
                                     std::to_string(seen.number) + " comes too late");
  // One list with the highest number there is would be the last one for ever. Where the last one is not known, or the
  // store was restored, as many may have gone before as there can have been since the issuer began.
  auto const age = std::max<std::int64_t>(0, (now - issuer->issuer->certificate().not_before()).count());
  auto const before = std::max(last, kCrlsPerSecond * static_cast<std::uint64_t>(age));
  if (seen.number > kCrlNumberStep && seen.number - kCrlNumberStep > before)
    return Error(Errc::internal, "the revocation list number " + std::to_string(seen.number) +
                                     " is too far ahead of the last, " + std::to_string(last));
  // Without retry_after, which would hold up certificates too.
  if (list_cap_.wait(now) > Seconds(0))
    return Error(Errc::unavailable, "as many revocation lists were signed as the signer signs in this time");
  SignedEntry const entry{.kind = SignedEntry::Kind::crl,
                          .issuer = id,
                          .at = now,
                          .scope = seen.scope,
                          .number = seen.number,
                          .tbs_hash = to_hex(read.hash)};
  ledger_.add(entry);
  learn(entry);
  return Passed{.issuer = issuer, .digest = std::move(read.digest)};
}

// --- signing ---

// A wrong signature goes to nobody: of RSA one of them can tell the key.
Result<Bytes> IssuerProcess::sign(Passed const& passed) {
  auto const hash = passed.issuer->issuer->algorithm().hash;
  auto const& key = keys_[static_cast<std::size_t>(passed.issuer - issuing_.issuers.data())];
  bool const is_digest = !passed.digest.empty();
  TRY(auto signature, is_digest ? key->sign_digest(passed.digest, hash) : key->sign_octets(passed.tbs, hash));
  if (is_digest ? !x509::verify_digest(key->public_key(), hash, passed.digest, signature)
                : !key->public_key().verify(hash, passed.tbs, signature))
    return Error(Errc::internal, "the key made a signature that does not verify; look at the key's holder");
  return signature;
}

std::vector<Bytes> IssuerProcess::answer(std::vector<Bytes> const& messages, Time now) {
  std::vector<Arrived> arrived;
  arrived.reserve(messages.size());
  for (auto const& message : messages) arrived.push_back({.message = message});
  return answer(std::move(arrived), now);
}

std::vector<Bytes> IssuerProcess::answer(std::vector<Arrived> arrived, Time now) {
  std::vector<std::uint64_t> ids;
  std::vector<Result<Passed>> judged;
  judged.reserve(arrived.size());
  for (auto& each : arrived) {
    ids.push_back(each.list ? each.list->id() : message_id(each.message));
    judged.push_back(each.list ? judge(*std::move(each.list), now) : judge(each.message, now));
  }
  auto const durable = ledger_.commit();
  std::vector<Bytes> answers;
  answers.reserve(judged.size());
  for (std::size_t i = 0; i < judged.size(); ++i) {
    auto const refuse = [&](Error error) { answers.push_back(encode(Refused{ids[i], std::move(error)})); };
    if (!judged[i]) {
      refuse(judged[i].error());
      continue;
    }
    if (judged[i]->answer) {
      answers.push_back(encode(Answer(*std::move(judged[i]->answer))));
      continue;
    }
    if (!durable) {
      refuse(durable.error());
      continue;
    }
    auto signature = sign(*judged[i]);
    if (!signature) {
      refuse(signature.error());
      continue;
    }
    answers.push_back(encode(Signature{ids[i], *std::move(signature), cap_.wait(now)}));
  }
  return answers;
}

// --- the loop ---

namespace {

// What comes out of the socket.
class Inbox {
 public:
  explicit Inbox(int socket) : socket_(socket), block_(std::size_t{256} * 1024) {}

  // The first message. Nothing: the other end is closed, or says what cannot be read.
  std::optional<Bytes> opening(Log const& log) {
    while (true) {
      // It would be kept whole here.
      if (frames_.next_of_list()) return unreadable({Errc::malformed, "a list before the opening"}, log), std::nullopt;
      auto next = frames_.next();
      if (!next) return unreadable(next.error(), log), std::nullopt;
      if (*next) return **std::move(next);
      bool const more = fill();
      // The passphrase must not stay behind.
      OPENSSL_cleanse(block_.data(), block_.size());
      if (!more) return std::nullopt;
    }
  }
  bool is_empty() const { return frames_.is_empty(); }

  // Whole messages, as many as have come, at least one; of a list nothing is kept. Empty: as of opening().
  std::vector<IssuerProcess::Arrived> wait(IssuerProcess const& process, Log const& log) {
    std::vector<IssuerProcess::Arrived> arrived;
    while (arrived.size() < kBatch) {
      if (auto const piece = frames_.next_of_list()) {
        take(*piece, process, arrived);
        continue;
      }
      auto next = frames_.next();
      if (!next) return unreadable(next.error(), log), std::vector<IssuerProcess::Arrived>();
      if (*next)
        arrived.push_back({.message = **std::move(next)});
      else if (!arrived.empty())
        return arrived;
      else if (!fill())
        return {};
    }
    return arrived;
  }

 private:
  static constexpr std::size_t kBatch = 64;

  void take(Frames::ListPiece const& piece, IssuerProcess const& process,
            std::vector<IssuerProcess::Arrived>& arrived) {
    if (piece.is_first)
      list_.emplace(process.begin_list(piece.octets));
    else
      list_->add(piece.octets);
    if (!piece.is_last) return;
    arrived.push_back({.list = std::move(list_)});
    list_.reset();
  }

  bool fill() {
    while (true) {
      auto const count = ::read(socket_, block_.data(), block_.size());
      if (count < 0 && errno == EINTR) continue;
      if (count > 0) frames_.feed(ByteView(block_).first(static_cast<std::size_t>(count)));
      return count > 0;
    }
  }

  static void unreadable(Error const& error, Log const& log) {
    log.error("signer.unreadable", {{"error", error.detail()}});
  }

  int socket_;
  Frames frames_;
  Bytes block_;
  std::optional<CrlReading> list_;  // that is on its way
};

Result<std::unique_ptr<IssuerProcess>> open_with(Bytes& message, IssuerProcessSettings const& settings, Time now) {
  auto opening = decode_opening(message);
  OPENSSL_cleanse(message.data(), message.size());
  if (!opening) return std::move(opening).error();
  return IssuerProcess::open(settings, opening->passphrase, now);
}

// Gives up every right that signing does not need.
Ready be_confined(IssuerProcess const& process, std::string_view key, Connections connections) {
  keep_memory_from_swap();
  // Of the default's; all others are of the same kind (open_issuer_key).
  auto const how = key.starts_with("file:") ? Confinement::key_in_memory : Confinement::key_in_module;
  auto const confined = confine(how, connections);
  return {process.spkis(), confined.calls, confined.files, confined.why};
}

// Answers until the other end is closed, or until the ledger is broken.
void converse(IssuerProcess& process, int socket, Inbox& inbox, Clock const& clock, Log const& log) {
  while (!process.is_broken()) {
    auto arrived = inbox.wait(process, log);
    if (arrived.empty()) return;
    auto const answers = process.answer(std::move(arrived), clock.now());
    for (auto const& answer : answers)
      if (!write_all(socket, as_text(answer))) return;
  }
  log.error("signer.ledger_broken", {{"what_to_do", "see docs/when-something-is-wrong.md; the signer ends now"}});
}

}  // namespace

void serve_signing(int socket, IssuerProcessSettings const& settings, Clock const& clock, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto process = open_with(*first, settings, clock.now());
  if (!process) {
    write_all(socket, as_text(encode(Refused{0, process.error()})));
    return;
  }
  if (write_all(socket, as_text(encode(be_confined(**process, settings.authority.key, Connections::none)))))
    converse(**process, socket, inbox, clock, log);
}

void rehearse_signing(int socket, IssuerProcessSettings const& settings, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto const opening = decode_opening(*first);
  OPENSSL_cleanse(first->data(), first->size());
  auto const look = [&]() -> Result<Ready> {
    if (!opening) return opening.error();
    TRY(auto const opened, open_keys(settings.authority, opening->passphrase));
    return Ready{IssuerProcess::spkis_of(opened.keys), false, false, ""};
  };
  auto ready = look();
  write_all(socket, as_text(ready ? encode(*ready) : encode(Refused{0, ready.error()})));
}

namespace {

// A front end that begins as one does. It has no passphrase for us, and what it says instead is not looked at.
void serve_one(IssuerProcess& process, Ready const& ready, int socket, Clock const& clock, Log const& log) {
  Inbox inbox(socket);
  auto first = inbox.opening(log);
  if (!first) return;
  auto const opening = decode_opening(*first);
  OPENSSL_cleanse(first->data(), first->size());
  if (!opening || !inbox.is_empty()) {
    write_all(socket,
              as_text(encode(Refused{0, Error(Errc::malformed, "the first message to the signer is its opening")})));
    return;
  }
  if (write_all(socket, as_text(encode(ready)))) converse(process, socket, inbox, clock, log);
}

}  // namespace

Result<> serve_signing_at(int listening, uid_t front, SecretBytes const& passphrase,
                          IssuerProcessSettings const& settings, std::function<void()> const& ready, Clock const& clock,
                          Log const& log) {
  TRY(auto const process, IssuerProcess::open(settings, passphrase, clock.now()));
  ready();
  auto const begin = be_confined(*process, settings.authority.key, Connections::taken);
  log.info("signer.waiting", {{"calls_filtered", begin.calls_filtered}, {"files_walled", begin.files_walled}});
  if (!begin.why.empty()) log.warning("signer.not_confined", {{"why", begin.why}});
  while (!process->is_broken()) {
    int const socket = ::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0 && (errno == EINTR || errno == ECONNABORTED)) continue;
    if (socket < 0) return Error(Errc::unavailable, std::string("no front end can be taken: ") + std::strerror(errno));
    auto const peer = peer_of(socket);
    if (peer == front) {
      log.info("signer.front_came");
      serve_one(*process, begin, socket, clock, log);
      log.info("signer.front_went");
    } else {
      log.warning("signer.refused", {{"uid", peer ? static_cast<long long>(*peer) : -1}});
    }
    ::close(socket);
  }
  return Error(Errc::file, "the signer's ledger could not be written");
}

}  // namespace lenscap::ca
