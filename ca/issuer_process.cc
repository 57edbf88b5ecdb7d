#include "ca/issuer_process.h"

#include <algorithm>

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

std::vector<Bytes> spkis_of(std::vector<std::shared_ptr<KeySigner>> const& keys) {
  std::vector<Bytes> all;
  for (auto const& key : keys) all.push_back(key->public_key().spki());
  return all;
}

}  // namespace

Result<std::vector<Bytes>> IssuerProcess::rehearse(AuthoritySettings const& settings, SecretBytes const& passphrase) {
  TRY(auto const opened, open_keys(settings, passphrase));
  return spkis_of(opened.keys);
}

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

std::vector<Bytes> IssuerProcess::spkis() const { return spkis_of(keys_); }

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

}  // namespace lenscap::ca
