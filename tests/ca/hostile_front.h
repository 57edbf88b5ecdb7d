// A front end in wrong hands: it knows the CA's settings and its builder, and asks the signer for whatever it likes,
// mostly for what it must not get: the profile of one issuer from another, names of another site, an issuer before and
// after its time, lists that say something else than they seem to. Each message follows from the seed, the keys and the
// random octets of some serial numbers apart. It does NOT judge what it gets: signed_things.h does.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "ca/crl.h"
#include "tests/ca/seen_issuer.h"
#include "tests/ca/signing_bench.h"
#include "tests/ca/spoilt_octets.h"

namespace lenscap::ca::test {

// What was sent, and what may have been signed for it.
struct Shot {
  Bytes message;   // without its length
  Bytes tbs = {};  // of the certificate that the front end wants
};

// The last number of a list, by issuer and scope.
using CrlNumbers = std::map<std::pair<std::string, std::string>, std::uint64_t>;

class HostileFront {
 public:
  HostileFront(x509::Certificate root, std::vector<SeenIssuer> issuers, std::uint64_t seed)
      : root_(std::move(root)), issuers_(std::move(issuers)), dice_(seed), profiles_{ocsp_signer_profile()} {
    for (auto const* name : {"camera-https", "server", "short-lived", "agent", "dot1x"})
      profiles_.push_back(profile(name));
    for (auto const type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::rsa})
      keys_.push_back(x509::PrivateKey::generate(type).public_key());
    keys_.push_back(x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key());
    keys_.push_back(x509::PrivateKey::generate(x509::KeyType::ed25519).public_key());
    keys_.push_back(root_.key());
    for (auto const& issuer : issuers_) keys_.push_back(issuer.certificate.key());
  }

  Shot next(Time now) {
    if (dice_.once_in(30) && !sent_.empty()) return shot_of(dice_.one_of(sent_));  // the same once more
    Bytes message = dice_.once_in(400) ? message_of(encode(RecentWanted{dice_.roll(1000)}))
                    : dice_.once_in(8) ? list(now)
                                       : certificate(now);
    if (dice_.once_in(3)) {
      Bytes const other = sent_.empty() ? Bytes{} : dice_.one_of(sent_);
      if (dice_.once_in(2))
        spoil_fields(dice_, message, other);
      else
        spoil_octets(dice_, message, other);
    }
    sent_.push_back(message);
    if (sent_.size() > kRemembered) sent_.erase(sent_.begin());
    return shot_of(std::move(message));
  }

  // So many messages as they go over a socket, where now and then a length lies, or a frame is cut or stands twice.
  Bytes stream(Time now, std::size_t count) {
    std::vector<Bytes> frames;
    while (frames.size() < count) frames.push_back(in_frame(next(now).message));
    if (dice_.once_in(10)) {
      auto const at = dice_.roll(count);
      auto& frame = frames[at];
      switch (dice_.roll(4)) {
        case 0:
          std::ranges::copy(big_endian(lying_length(dice_, frame.size() - 4), 4), frame.begin());
          break;
        case 1:
          frame.resize(dice_.roll(frame.size()));
          break;
        case 2:
          frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(at), Bytes(frame));
          break;
        default:  // octets that are no frame
          frames.insert(frames.begin() + static_cast<std::ptrdiff_t>(at), Bytes(dice_.roll(6) + 1, dice_.octet()));
      }
    }
    return joined(frames);
  }

  // The numbers that lists have got: it asks for the next ones. Otherwise a jump that was signed would be the last
  // list.
  void learns(CrlNumbers const& numbers) {
    for (auto const& [place, number] : numbers) numbers_[place] = number;
  }

  // Of a message that arrived: what it says at its end is what the front end has put on record.
  Shot shot_of(Bytes message) const {
    Shot shot{std::move(message)};
    if (shot.message.size() < sizeof(Sha256)) return shot;
    auto const found = built_.find(Bytes(shot.message.end() - sizeof(Sha256), shot.message.end()));
    if (found != built_.end()) shot.tbs = found->second;
    return shot;
  }

 private:
  static constexpr std::size_t kRemembered = 200, kBuiltRemembered = 5'000;

  bool rarely() { return dice_.once_in(24); }
  // Most of the time one that signs certificates now.
  SeenIssuer const& some_issuer(Time now) {
    std::vector<SeenIssuer const*> active;
    for (auto const& each : issuers_)
      if (each.active_from <= now && now < each.retired_from) active.push_back(&each);
    return active.empty() || dice_.once_in(4) ? dice_.one_of(issuers_) : *dice_.one_of(active);
  }
  Profile const& some_profile(SeenIssuer const& of) {
    std::vector<Profile const*> served;
    for (auto const& each : profiles_)
      if (of.serves(each.name)) served.push_back(&each);
    return served.empty() || dice_.once_in(4) ? dice_.one_of(profiles_) : *dice_.one_of(served);
  }
  // Also the seconds beside an issuer's beginning and its end.
  Time some_time(Time now) {
    static std::vector<Seconds> const kShifts{Seconds(0),  -Seconds(30), -9 * kMinute, -11 * kMinute,
                                              4 * kMinute, 6 * kMinute,  -kHour,       kHour,
                                              -400 * kDay, 400 * kDay,   30 * kDay};
    auto const& issuer = dice_.one_of(issuers_);
    for (auto const edge : {issuer.active_from, issuer.retired_from})
      if (edge > now - 9 * kMinute && edge < now + 4 * kMinute && dice_.once_in(2))
        return edge + Seconds(static_cast<long long>(dice_.roll(3))) - Seconds(1);
    return now + dice_.one_of(kShifts) + Seconds(static_cast<long long>(dice_.roll(100)));
  }

  // --- certificates ---

  std::string good_dns(SeenIssuer const& of) {
    static std::vector<std::string> const kFronts{"a.", "b.", "deep.er.", "*.line.", ""};
    return dice_.one_of(kFronts) + dice_.one_of(of.dns);
  }
  std::string good_ip(SeenIssuer const& of) {
    auto const block = x509::IpBlock::parse(dice_.one_of(of.ip)).value();
    auto octets = to_bytes(block.base().octets());
    octets.back() = static_cast<std::uint8_t>(octets.back() | dice_.roll(16));  // no network has less than 16
    return x509::IpAddress::from_octets(octets)->text();
  }

  IssueRequest wish(SeenIssuer const& by, Profile const& rules, Time now) {
    static std::vector<std::string> const kBad{
        "evil.example", "cams.example.evil.example", "xcams.example", "example", "*.example", "localhost"};
    static std::vector<std::string> const kBadIp{"10.22.0.0", "192.0.2.1", "fd00::1", "127.0.0.1"};
    auto const& of = dice_.once_in(12) ? dice_.one_of(issuers_) : by;
    std::vector<std::string> dns, ip;
    bool const is_named = !rules.signs_ocsp() || rarely();
    for (auto i = is_named ? dice_.roll(4) : 0; i > 0; --i) dns.push_back(rarely() ? dice_.one_of(kBad) : good_dns(of));
    for (auto i = is_named ? dice_.roll(3) : 0; i > 0; --i) ip.push_back(rarely() ? dice_.one_of(kBadIp) : good_ip(of));
    IssueRequest wanted{.profile = rules.name,
                        .key = dice_.once_in(5) ? dice_.one_of(keys_) : keys_.front(),
                        .names = names(dns, ip),
                        .common_name = dice_.once_in(2) ? good_dns(of) : dice_.one_of(kBad)};
    if (rarely()) wanted.not_before = some_time(now);
    if (rarely()) wanted.not_after = some_time(now);
    return wanted;
  }

  // A new one, or one that was there before, with its time: also for another issuer. And one of another time or form.
  std::pair<Bytes, Time> serial_and_time(Time now) {
    if (rarely() && !serials_.empty()) return dice_.one_of(serials_);
    auto const at = rarely() ? some_time(now) : now;
    auto serial = new_serial(at);
    for (std::size_t i = 5; i < serial.size() && !rarely(); ++i) serial[i] = dice_.octet();
    if (rarely()) serial = {dice_.once_in(2) ? std::uint8_t{1} : std::uint8_t{0x7f}, 2, 3};
    if (rarely()) return {new_serial(some_time(now)), now};
    if (rarely()) serial[0] = static_cast<std::uint8_t>(dice_.roll(255) + 1);
    serials_.emplace_back(serial, at);
    if (serials_.size() > kRemembered) serials_.erase(serials_.begin());
    return {serial, at};
  }

  Bytes certificate(Time now) {
    auto const& by = some_issuer(now);
    auto const& addressed = dice_.once_in(16) ? dice_.one_of(issuers_) : by;
    auto const& asked = some_profile(addressed);
    auto wanted = wish(by, asked, now);
    auto const& hashed = rarely() ? dice_.one_of(profiles_) : asked;
    auto rules = rarely() ? dice_.one_of(profiles_) : asked;
    if (rarely()) rules.lifetime = 4000 * kDay;
    if (rarely()) rules.extended_key_usage = {ExtendedKeyUsage::client_auth, ExtendedKeyUsage::server_auth};
    auto const [serial, at] = serial_and_time(now);
    IssuerView const view(by.certificate, by.ca_issuers_url, by.begins, by.ends, by.places.url_for(serial),
                          by.ocsp_url);
    auto what = build_template(rules, wanted, view, serial, at);
    if (rarely()) what.is_ca = true;
    if (rarely()) what.names.dns.insert(x509::DnsName::parse("evil.example").value());
    if (rarely()) what.not_after += kDay;
    if (rarely()) what.issuer_name = dice_.one_of(issuers_).certificate.subject_der();
    if (rarely()) what.authority_key_id = root_.subject_key_id();
    auto tbs = encode_tbs(what, signature_algorithm(by.certificate.key()));
    auto const hash = sha256(tbs);
    remember(Bytes(hash.begin(), hash.end()), std::move(tbs));
    return message_of(
        encode(CertificateWanted{.id = dice_.roll(1000),
                                 .issuer = rarely() ? root_.subject_key_id() : addressed.certificate.subject_key_id(),
                                 .request = std::move(wanted),
                                 .profile_hash = rarely() ? Sha256{} : hashed.hash(),
                                 .serial = serial,
                                 .prepared_at = at,
                                 .tbs_hash = hash}));
  }

  void remember(Bytes hash, Bytes tbs) {
    last_certificate_ = tbs;
    order_.push_back(hash);
    built_.insert_or_assign(std::move(hash), std::move(tbs));
    if (order_.size() <= kBuiltRemembered) return;
    built_.erase(order_.front());
    order_.pop_front();
  }

  // --- lists ---

  // A serial number of this part; now and then of any.
  std::string listed_serial(unsigned parts, unsigned part) {
    auto const value = static_cast<std::uint32_t>(dice_.roll(50)) * parts + (rarely() ? 0 : part);
    return to_hex(joined({{0x01, static_cast<std::uint8_t>(dice_.roll(4))}, big_endian(value, 4)}));
  }

  void add_entries(CrlBuilder& builder, unsigned parts, unsigned part, Time now) {
    using Reason = x509::RevocationReason;
    static std::vector<std::optional<Reason>> const kReasons{
        {}, Reason::key_compromise, Reason::superseded, Reason::certificate_hold, Reason::aa_compromise};
    std::string last;
    for (auto i = dice_.roll(8); i > 0; --i) {
      if (last.empty() || !dice_.once_in(6)) last = listed_serial(parts, part);  // else the same once more
      auto at = now - Seconds(static_cast<long long>(dice_.roll(40'000'000)));
      if (rarely()) at = now + dice_.one_of(std::vector<Seconds>{kMinute, kDay, 30 * 365 * kDay, -80 * 365 * kDay});
      builder.add({.serial_hex = last, .not_after = now, .revoked_at = at, .reason = dice_.one_of(kReasons)});
    }
  }

  std::uint64_t some_number(SeenIssuer const& by, std::string const& scope) {
    auto& last = numbers_[{by.name, scope}];
    if (rarely()) {
      std::vector<std::uint64_t> const strange{0,
                                               last,
                                               dice_.roll(last + 1),
                                               last + 1'000'000,
                                               1'000'001,
                                               last + 9'000'000,
                                               ~std::uint64_t{0},
                                               std::uint64_t{1} << 63};
      return dice_.one_of(strange);
    }
    return last += dice_.once_in(4) ? 0 : 1;
  }

  Bytes list(Time now) {
    static std::vector<Seconds> const kFar{Seconds(1), 366 * kDay, 366 * kDay + Seconds(1), 3000 * kDay};
    auto const& by = dice_.one_of(issuers_);
    auto const& addressed = dice_.once_in(16) ? dice_.one_of(issuers_) : by;
    auto const id = dice_.roll(1000);
    if (rarely() && !last_certificate_.empty())  // a certificate in a list's clothes
      return message_of(encode_crl_wanted(id, by.certificate.subject_key_id(), last_certificate_));
    unsigned parts = 1, part = 0;
    CrlHeading heading{.this_update = rarely() ? some_time(now) : now};
    heading.next_update = heading.this_update + (rarely() ? dice_.one_of(kFar) : 7 * kDay);
    if (dice_.once_in(2)) {
      parts = rarely() ? dice_.one_of(std::vector<unsigned>{1, 2, 16, 256, 257, 100'000}) : by.places.parts;
      part = static_cast<unsigned>(dice_.roll(parts + (rarely() ? 1 : 0)));
      auto const base = rarely()   ? std::string("http://evil.example")
                        : rarely() ? dice_.one_of(issuers_).places.base
                                   : by.places.base;
      heading.part_url = base + "/" + std::to_string(parts) + "-" + std::to_string(part) + ".crl";
    }
    heading.number = some_number(by, heading.part_url);
    CrlBuilder builder(rarely() ? root_ : by.certificate, heading, 8);
    add_entries(builder, parts, part, now);
    auto tbs = to_bytes(std::move(builder).finish().tbs());
    if (dice_.once_in(4)) spoil_list(by, tbs);
    last_list_ = tbs;
    return message_of(encode_crl_wanted(id, addressed.certificate.subject_key_id(), tbs));
  }

  // Everything in it is DER as it was, or all but an octet of it.
  void spoil_list(SeenIssuer const& by, Bytes& tbs) {
    auto const replace = [&](Bytes const& what, Bytes const& with) {
      auto const found = std::ranges::search(tbs, what);
      if (!found.empty() && what.size() == with.size()) std::ranges::copy(with, found.begin());
    };
    auto const& other = dice_.one_of(issuers_);
    switch (dice_.roll(5)) {
      case 0:  // another's authority key identifier
        replace(by.certificate.subject_key_id(), other.certificate.subject_key_id());
        break;
      case 1:  // another's place
        replace(to_bytes(as_bytes(by.places.base)), to_bytes(as_bytes(other.places.base)));
        break;
      case 2:  // the reason of an entry
        replace({0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1, 1},
                {0x55, 0x1d, 0x15, 0x04, 3, 0x0a, 1, static_cast<std::uint8_t>(dice_.roll(14))});
        break;
      default:
        tbs = restructured(dice_, tbs, last_list_);
    }
  }

  x509::Certificate const root_;
  std::vector<SeenIssuer> const issuers_;
  Dice dice_;
  std::vector<Profile> profiles_;
  std::vector<x509::PublicKey> keys_;
  std::vector<std::pair<Bytes, Time>> serials_;  // the last ones
  CrlNumbers numbers_;
  std::map<Bytes, Bytes> built_;  // by hash; the last ones
  std::deque<Bytes> order_;
  Bytes last_certificate_, last_list_;
  std::vector<Bytes> sent_;  // the last ones
};

}  // namespace lenscap::ca::test
