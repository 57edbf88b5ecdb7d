// A front end in wrong hands: it knows the CA's settings and its builder, and asks the signer for whatever it likes,
// mostly for what it must not get. Each message follows from the seed. Beside it the judge, who knows what the front
// end had in mind with each message and believes no answer.
#pragma once

#include <openssl/x509.h>

#include <algorithm>
#include <random>

#include "ca/crl.h"
#include "tests/ca/signing_bench.h"

namespace lenscap::ca::test {

// What was sent, and what may have been signed for it.
struct Shot {
  Bytes message;  // without its length
  Bytes tbs;      // of the certificate that the front end wants
};

class HostileFront {
 public:
  // The CA's settings: where its lists are served, in how many parts.
  HostileFront(GeneratedCa const& ca, std::uint64_t seed, std::string const& http_url = kHttpUrl,
               unsigned parts = kCrlParts)
      : ca_(ca),
        random_(seed),
        places_{.base = http_url + crl_path(ca.issuing), .parts = parts},
        url_(http_url + aia_path(ca.issuing)) {
    for (auto const type : {x509::KeyType::ec_p256, x509::KeyType::ec_p384, x509::KeyType::rsa})
      keys_.push_back(x509::PrivateKey::generate(type).public_key());
    keys_.push_back(x509::PrivateKey::generate(x509::KeyType::rsa, 1024).public_key());
    keys_.push_back(x509::PrivateKey::generate(x509::KeyType::ed25519).public_key());
    keys_.push_back(ca.issuing.key());
  }

  Shot next(Time now) {
    if (rarely() && !sent_.empty()) return one_of(sent_);  // the same once more
    Shot shot = roll(12) == 0 ? list(now) : certificate(now);
    if (roll(3) == 0) spoil(shot.message);
    last_ = shot;
    sent_.push_back(shot);
    if (sent_.size() > kRemembered) sent_.erase(sent_.begin());
    return shot;
  }

 private:
  static constexpr std::size_t kRemembered = 100;

  std::size_t roll(std::size_t sides) { return std::uniform_int_distribution<std::size_t>(0, sides - 1)(random_); }
  bool rarely() { return roll(16) == 0; }
  template <class T>
  T const& one_of(std::vector<T> const& all) {
    return all[roll(all.size())];
  }

  Time some_time(Time now) {
    static std::vector<Seconds> const kShifts{Seconds(0),  -Seconds(30), -kHour,   kHour,
                                              -400 * kDay, 400 * kDay,   30 * kDay};
    return now + one_of(kShifts) + Seconds(static_cast<long long>(roll(100)));
  }

  IssueRequest wish(Time now) {
    static std::vector<std::string> const kGood{"a.cams.example", "b.cams.example", "deep.er.cams.example",
                                                "*.line.cams.example", "cams.example"};
    static std::vector<std::string> const kBad{
        "evil.example", "cams.example.evil.example", "xcams.example", "example", "*.example", "localhost"};
    static std::vector<std::string> const kGoodIp{"10.20.0.1", "10.21.255.254"};
    static std::vector<std::string> const kBadIp{"10.22.0.0", "192.0.2.1", "fd00::1", "127.0.0.1"};
    std::vector<std::string> dns, ip;
    for (auto i = roll(4); i > 0; --i) dns.push_back(one_of(rarely() ? kBad : kGood));
    for (auto i = roll(3); i > 0; --i) ip.push_back(one_of(rarely() ? kBadIp : kGoodIp));
    auto const& key = roll(4) == 0 ? one_of(keys_) : keys_.front();
    IssueRequest wanted{.profile = roll(4) == 0 ? "server" : "camera-https",
                        .key = key,
                        .names = names(dns, ip),
                        .common_name = roll(2) == 0 ? one_of(kGood) : one_of(kBad)};
    if (rarely()) wanted.not_before = some_time(now);
    if (rarely()) wanted.not_after = some_time(now);
    return wanted;
  }

  Shot certificate(Time now) {
    auto const wanted = wish(now);
    auto const at = rarely() ? some_time(now) : now;
    auto serial = rarely() && !serials_.empty() ? one_of(serials_) : new_serial(at);
    if (rarely()) serial = {roll(2) == 0 ? std::uint8_t{1} : std::uint8_t{0x7f}, 2, 3};
    // A random serial number would make each run another one.
    for (std::size_t i = 5; i < serial.size() && serial.size() == 19 && !rarely(); ++i)
      serial[i] = static_cast<std::uint8_t>(roll(256));
    serials_.push_back(serial);
    auto rules = wanted.profile == "server" ? server_ : camera_;
    auto const hash = rarely() ? Sha256{} : rules.hash();
    if (rarely()) rules.lifetime = 4000 * kDay;
    if (rarely()) rules.extended_key_usage = {ExtendedKeyUsage::client_auth, ExtendedKeyUsage::server_auth};
    auto what = build_template(rules, wanted, view(serial), serial, at);
    if (rarely()) what.is_ca = true;
    if (rarely()) what.names.dns.insert(x509::DnsName::parse("evil.example").value());
    if (rarely()) what.not_after += kDay;
    if (rarely()) what.issuer_name = ca_.root.subject_der();
    Shot shot;
    shot.tbs = encode_tbs(what, signature_algorithm(ca_.issuing.key()));
    shot.message = message_of(
        encode(CertificateWanted{.id = roll(1000),
                                 .issuer = rarely() ? ca_.root.subject_key_id() : ca_.issuing.subject_key_id(),
                                 .request = wanted,
                                 .profile_hash = hash,
                                 .serial = serial,
                                 .prepared_at = at,
                                 .tbs_hash = sha256(shot.tbs)}));
    return shot;
  }

  Shot list(Time now) {
    Shot shot;
    if (rarely() && !last_.tbs.empty()) {  // a certificate in a list's clothes
      shot.message = message_of(encode_crl_wanted(1, ca_.issuing.subject_key_id(), last_.tbs));
      return shot;
    }
    number_ += roll(4) == 0 ? 0 : 1;
    CrlHeading heading{.number = rarely() ? roll(number_ + 1) : number_,
                       .this_update = rarely() ? some_time(now) : now,
                       .next_update = now + (rarely() ? 3000 : 7) * kDay};
    if (roll(4) == 0)
      heading.part_url = (rarely() ? "http://evil.example" : places_.base) + "/4-" + std::to_string(roll(5)) + ".crl";
    if (heading.next_update <= heading.this_update) heading.next_update = heading.this_update + kDay;
    CrlBuilder builder(rarely() ? ca_.root : ca_.issuing, heading, 8);
    for (auto i = roll(8); i > 0; --i)
      builder.add(
          {.serial_hex = "01020" + std::to_string(roll(10)), .not_after = now, .revoked_at = now - kDay, .reason = {}});
    shot.message =
        message_of(encode_crl_wanted(roll(1000), ca_.issuing.subject_key_id(), std::move(builder).finish().tbs()));
    return shot;
  }

  IssuerView view(Bytes const& serial) const {
    return {ca_.issuing, url_, std::max(ca_.issuing.not_before(), ca_.root.not_before()),
            std::min(ca_.issuing.not_after(), ca_.root.not_after()), places_.url_for(serial)};
  }

  // Some octets changed, taken away, put in, or taken from the message before.
  void spoil(Bytes& message) {
    for (auto times = roll(3) + 1; times > 0 && !message.empty(); --times) {
      auto const at = message.begin() + static_cast<std::ptrdiff_t>(roll(message.size()));
      switch (roll(5)) {
        case 0:
          *at = static_cast<std::uint8_t>(roll(256));
          break;
        case 1:
          *at = static_cast<std::uint8_t>(*at ^ 1U << roll(8));
          break;
        case 2:
          message.erase(at, at + static_cast<std::ptrdiff_t>(
                                     std::min(roll(8) + 1, static_cast<std::size_t>(message.end() - at))));
          break;
        case 3:
          message.insert(at, roll(4) + 1, static_cast<std::uint8_t>(roll(256)));
          break;
        default:
          if (last_.message.empty()) break;
          message.erase(at, message.end());
          message.insert(message.end(), last_.message.begin() + static_cast<std::ptrdiff_t>(roll(last_.message.size())),
                         last_.message.end());
      }
    }
  }

  GeneratedCa const& ca_;
  std::mt19937_64 random_;
  CrlPlaces const places_;
  std::string const url_;
  std::vector<x509::PublicKey> keys_;
  std::vector<Bytes> serials_;
  std::uint64_t number_ = 0;
  Shot last_;
  std::vector<Shot> sent_;  // the last ones
  Profile const camera_ = profile("camera-https"), server_ = profile("server");
};

// Reads what was signed by other means than the signer's, as far as there are any.
class SignedThings {
 public:
  // `dns` and `ip`: what alone may be named.
  explicit SignedThings(GeneratedCa const& ca, std::vector<std::string> dns = {"cams.example"},
                        std::vector<std::string> ip = {"10.20.0.0/15"})
      : ca_(ca), dns_(std::move(dns)), ip_(std::move(ip)) {}

  // What is wrong with this answer; empty when nothing is. `now`: the signer's clock.
  std::string judge(Shot const& shot, Answer const& answer, Time now) {
    auto const* signature = std::get_if<Signature>(&answer);
    bool const was_asked = shot.message.at(0) == kRecentType && std::holds_alternative<Recent>(answer);
    if (signature == nullptr)
      return was_asked || std::holds_alternative<Refused>(answer) ? "" : "an answer of another kind";
    auto const algorithm = signature_algorithm(ca_.issuing.key());
    bool const is_list = shot.message.at(0) == kCrlType;
    Bytes const tbs = is_list ? Bytes(shot.message.begin() + kListBegin, shot.message.end()) : shot.tbs;
    if (!ca_.issuing.key().verify(algorithm.hash, tbs, signature->octets)) return "it signed something else";
    hashes_.insert(to_hex(sha256(tbs)));
    auto const whole = assemble_certificate(tbs, algorithm, signature->octets);
    return is_list ? judge_list(whole) : judge_certificate(whole, now);
  }

  std::set<std::string> const& hashes() const { return hashes_; }
  std::vector<Time> const& certificates_at() const { return certificates_at_; }
  std::size_t lists() const { return lists_; }

 private:
  static constexpr std::uint8_t kCrlType = 3, kRecentType = 4;
  static constexpr std::ptrdiff_t kListBegin = 1 + 8 + 4 + 20;  // behind type, id, and the issuer's key id

  std::string judge_certificate(Bytes const& der, Time now) {
    auto const read = x509::Certificate::from_der(der);
    if (!read) return "not a certificate: " + read.error().detail();
    certificates_at_.push_back(now);
    auto const& leaf = *read;
    // OpenSSL's verifier: name constraints of both, serverAuth, validity.
    if (auto const chain = x509::verify_chain(leaf, {ca_.issuing}, {ca_.root}, std::max(now, leaf.not_before()));
        !chain)
      return "the chain does not verify: " + chain.error().detail();
    if (leaf.is_ca() || (X509_get_extension_flags(leaf.native()) & EXFLAG_CA) != 0) return "a CA";
    if (X509_get_extended_key_usage(leaf.native()) != XKU_SSL_SERVER) return "more uses than the profile's";
    if (!serials_.insert(leaf.serial_hex()).second) return "a serial number twice";
    if (leaf.not_before() < now - 2 * kHour) return "it begins long ago";
    if (leaf.not_after() - leaf.not_before() >= 91 * kDay) return "longer than the profile allows";
    auto const named = leaf.names();
    if (named.empty()) return "no names";
    for (auto const& name : named.dns)
      if (std::ranges::none_of(dns_, [&](auto const& in) { return name.is_within(x509::DnsName::parse(in).value()); }))
        return "named " + name.text();
    for (auto const& address : named.ip)
      if (std::ranges::none_of(ip_, [&](auto const& in) { return x509::IpBlock::parse(in)->contains(address); }))
        return "named " + address.text();
    if (leaf.key() == ca_.issuing.key() || leaf.key() == ca_.root.key()) return "a key of the CA";
    if (auto const good = x509::check_key(leaf.key(), false); !good) return good.error().detail();
    return "";
  }

  std::string judge_list(Bytes const& der) {
    auto const* at = der.data();
    std::unique_ptr<X509_CRL, void (*)(X509_CRL*)> const list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())),
                                                              X509_CRL_free);
    if (!list || at != der.data() + der.size()) return "not a list";
    ++lists_;
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_subject_name(ca_.issuing.native())) != 0)
      return "a list of another issuer";
    std::unique_ptr<ASN1_INTEGER, void (*)(ASN1_INTEGER*)> const number(
        static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list.get(), NID_crl_number, nullptr, nullptr)),
        ASN1_INTEGER_free);
    std::uint64_t value = 0;
    if (!number || ASN1_INTEGER_get_uint64(&value, number.get()) != 1) return "a list without number";
    auto const part = X509_CRL_get_ext_by_NID(list.get(), NID_issuing_distribution_point, -1);
    std::string scope;
    if (part >= 0) {
      auto const* octets = X509_EXTENSION_get_data(X509_CRL_get_ext(list.get(), part));
      scope.assign(reinterpret_cast<char const*>(ASN1_STRING_get0_data(octets)),
                   static_cast<std::size_t>(ASN1_STRING_length(octets)));
      if (scope.find(crl_path(ca_.issuing)) == std::string::npos) return "a list for another place";
    }
    auto const last = numbers_.find(scope);
    if (last != numbers_.end() && value <= last->second) return "the number of a list twice";
    numbers_[scope] = value;
    return "";
  }

  GeneratedCa const& ca_;
  std::vector<std::string> const dns_, ip_;
  std::set<std::string> hashes_, serials_;
  std::map<std::string, std::uint64_t> numbers_;
  std::vector<Time> certificates_at_;
  std::size_t lists_ = 0;
};

// How many were signed in the busiest window of this length.
inline std::size_t most_within(std::vector<Time> const& times, Seconds window) {
  std::size_t most = 0;
  for (std::size_t begin = 0, end = 0; end < times.size(); ++end) {
    while (times[begin] + window <= times[end]) ++begin;
    most = std::max(most, end - begin + 1);
  }
  return most;
}

}  // namespace lenscap::ca::test
