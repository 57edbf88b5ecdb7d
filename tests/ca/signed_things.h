// The judge of what a signer has signed. It knows the issuers from outside (seen_issuer.h) and what each profile is to
// be, which is written down here once more; it reads certificates and lists by OpenSSL, and believes neither the signer
// nor the rules by which that judges. What the signer cannot know it does not ask: whether a certificate that a list
// names was revoked, or stands in it twice.
#pragma once

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/ossl.h"
#include "tests/ca/hostile_front.h"

namespace lenscap::ca::test {

// How many were signed in the busiest window of this length.
inline std::size_t most_within(std::vector<Time> const& times, Seconds window) {
  std::size_t most = 0;
  for (std::size_t begin = 0, end = 0; end < times.size(); ++end) {
    while (times[begin] + window <= times[end]) ++begin;
    most = std::max(most, end - begin + 1);
  }
  return most;
}

class SignedThings {
 public:
  SignedThings(x509::Certificate root, std::vector<SeenIssuer> issuers)
      : root_(std::move(root)), issuers_(std::move(issuers)) {}

  // Of a signer in another process: what is given as its clock may be so much later than what it read.
  void answers_take(Seconds most) { slack_ = most; }
  // The signer's clock, which is what it was or has moved. Caps are of time that passed: what it runs back is no time.
  void clock_says(Time now) {
    if (clock_ && now > *clock_) passed_ += now - *clock_;
    clock_ = now;
  }
  // A person said that it is right now, and was ahead before.
  void clock_is_accepted(Time now) {
    clock_ = now;
    latest_ = now;
  }

  // What is wrong with this answer; empty when nothing is. `now`: the signer's clock.
  std::string judge(Shot const& shot, Answer const& answer, Time now) {
    if (auto const* recent = std::get_if<Recent>(&answer)) return judge_recent(shot, *recent);
    auto const* signature = std::get_if<Signature>(&answer);
    if (signature == nullptr) return std::holds_alternative<Refused>(answer) ? "" : "an answer of another kind";
    if (now < latest_ - Seconds(300)) return "signed by a clock that ran back";
    latest_ = std::max(latest_, now);
    Bytes const key_id = piece(shot.message, kIssuerBegin, kKeyId);
    auto const of = std::ranges::find_if(
        issuers_, [&](SeenIssuer const& each) { return each.certificate.subject_key_id() == key_id; });
    if (of == issuers_.end()) return "signed for an issuer that there is not";
    bool const is_list = shot.message.at(0) == kCrlType;
    Bytes const tbs = is_list ? piece(shot.message, kListBegin, shot.message.size()) : shot.tbs;
    if (tbs.empty()) return "signed what nobody put on record";
    auto const algorithm = signature_algorithm(of->certificate.key());
    if (!of->certificate.key().verify(algorithm.hash, tbs, signature->octets)) return "it signed something else";
    hashes_.insert(to_hex(sha256(tbs)));
    ossl::QuietErrors const quiet;
    auto const whole = assemble_certificate(tbs, algorithm, signature->octets);
    return is_list ? judge_list(whole, *of, now) : judge_certificate(whole, *of, asked_profile(shot.message), now);
  }

  std::set<std::string> const& hashes() const { return hashes_; }  // hex, of all that was signed
  // When certificates were signed: of what passed on the signer's clock, what it ran back apart.
  std::vector<Time> const& certificates_at() const { return certificates_at_; }
  // The same without what signs OCSP answers.
  std::vector<Time> const& leaves_at() const { return leaves_at_; }
  // How many, by "issuer profile".
  std::map<std::string, std::size_t> const& certificates() const { return certificates_; }
  std::map<std::string, std::size_t> const& lists() const { return lists_; }  // by issuer
  std::size_t lists_signed() const { return lists_signed_; }
  CrlNumbers const& numbers() const { return numbers_; }

 private:
  static constexpr std::uint8_t kCrlType = 3, kRecentType = 4;
  static constexpr std::size_t kIssuerBegin = 1 + 8 + 4, kKeyId = 20, kListBegin = kIssuerBegin + kKeyId;

  // What conf/profiles and the CA's own profile say.
  struct Rules {
    std::vector<int> usages;
    Seconds lifetime;
    bool takes_rsa;
  };
  static Rules const* rules_of_profile(std::string const& name) {
    static std::map<std::string, Rules> const kRules{
        {"camera-https", {{NID_server_auth}, 90 * kDay, true}},
        {"server", {{NID_server_auth}, 90 * kDay, true}},
        {"short-lived", {{NID_server_auth}, 6 * kDay, false}},
        {"agent", {{NID_client_auth, NID_server_auth}, 30 * kDay, false}},
        {"dot1x", {{NID_client_auth}, 90 * kDay, true}},
        {"ocsp-signer", {{NID_OCSP_sign}, 7 * kDay, false}},
    };
    auto const found = kRules.find(name);
    return found == kRules.end() ? nullptr : &found->second;
  }

  static Bytes piece(Bytes const& octets, std::size_t begin, std::size_t most) {
    if (begin >= octets.size()) return {};
    auto const from = octets.begin() + static_cast<std::ptrdiff_t>(begin);
    return {from, from + static_cast<std::ptrdiff_t>(std::min(most, octets.size() - begin))};
  }
  static std::string text_of(ASN1_STRING const* text) {
    return {reinterpret_cast<char const*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  static Time time_of(ASN1_TIME const* time) {
    std::tm parts{};
    if (ASN1_TIME_to_tm(time, &parts) != 1) return Time::min();
    return from_unix(::timegm(&parts));
  }
  // Behind the issuer's key id.
  static std::string asked_profile(Bytes const& message) {
    auto const length = piece(message, kListBegin, 4);
    auto const name = piece(message, kListBegin + 4, length.empty() ? 0 : length.back());
    return {name.begin(), name.end()};
  }
  static std::vector<int> extensions_of(STACK_OF(X509_EXTENSION) const* all) {
    std::vector<int> nids;
    for (int i = 0; i < sk_X509_EXTENSION_num(all); ++i)
      nids.push_back(OBJ_obj2nid(X509_EXTENSION_get_object(sk_X509_EXTENSION_value(all, i))));
    std::ranges::sort(nids);
    return nids;
  }
  static std::vector<int> sorted(std::vector<int> all) {
    std::ranges::sort(all);
    return all;
  }

  std::string judge_recent(Shot const& shot, Recent const& recent) const {
    if (shot.message.at(0) != kRecentType) return "told what nobody asked for";
    for (auto const& entry : recent.entries.certificates)
      if (!hashes_.contains(entry.tbs_hash)) return "tells of a certificate that was not signed";
    for (auto const& [place, entry] : recent.entries.lists)
      if (!hashes_.contains(entry.tbs_hash)) return "tells of a list that was not signed";
    return "";
  }

  // --- certificates ---

  std::string judge_certificate(Bytes const& der, SeenIssuer const& of, std::string const& profile, Time now) {
    certificates_at_.push_back(Time(passed_));
    if (profile != "ocsp-signer") leaves_at_.push_back(Time(passed_));
    ++certificates_[of.name + " " + profile];
    auto const read = x509::Certificate::from_der(der);
    if (!read) return "not a certificate: " + read.error().detail();
    auto const* rules = rules_of_profile(profile);
    if (rules == nullptr) return "a profile that there is not: " + profile;
    bool const signs_ocsp = profile == "ocsp-signer";
    if (!signs_ocsp && !of.serves(profile)) return of.name + " does not serve " + profile;
    for (auto const& wrong : {serial(*read, now, of, signs_ocsp), chain(*read, of, *rules, now),
                              uses(*read, *rules, signs_ocsp), validity(*read, *rules, signs_ocsp, now),
                              named(*read, of, signs_ocsp), places(*read, of, signs_ocsp), key(*read, *rules)})
      if (!wrong.empty()) return wrong;
    return "";
  }

  // Its time stands in the number, too: whether its issuer signed at that time is by this.
  std::string serial(x509::Certificate const& leaf, Time now, SeenIssuer const& of, bool signs_ocsp) {
    auto const octets = leaf.serial();
    if (octets.size() != 19 || octets[0] != 1) return "a serial number of another form";
    if (!serials_.insert(leaf.serial_hex()).second) return "a serial number twice";
    std::int64_t seconds = 0;
    for (std::size_t i = 1; i <= 4; ++i) seconds = seconds << 8 | octets[i];
    auto const at = from_unix(seconds);
    if (at < now - 10 * kMinute - slack_ || at > now + 5 * kMinute) return "a serial number of another time";
    if (!signs_ocsp && at < of.active_from) return of.name + " signs only later";
    if (!signs_ocsp && at >= of.retired_from) return of.name + " is retired";
    return "";
  }

  // OpenSSL's verifier: signatures, name constraints of both, what the issuer's own uses allow, validity.
  std::string chain(x509::Certificate const& leaf, SeenIssuer const& of, Rules const& rules, Time now) const {
    ossl::X509StorePtr const store(X509_STORE_new());
    ossl::X509StoreCtxPtr const context(X509_STORE_CTX_new());
    std::unique_ptr<STACK_OF(X509), void (*)(STACK_OF(X509)*)> const between(
        sk_X509_new_null(), [](STACK_OF(X509) * all) { sk_X509_free(all); });
    X509_STORE_add_cert(store.get(), root_.native());
    sk_X509_push(between.get(), of.certificate.native());
    X509_STORE_CTX_init(context.get(), store.get(), leaf.native(), between.get());
    auto* param = X509_STORE_CTX_get0_param(context.get());
    // One that was asked for to end soon may have ended on the way, which may take ten minutes.
    auto const at = std::max(leaf.not_before(), std::min(now, leaf.not_after() - Seconds(1)));
    X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(to_unix(at)));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT);
    for (auto const& [usage, purpose] :
         {std::pair(NID_server_auth, X509_PURPOSE_SSL_SERVER), std::pair(NID_client_auth, X509_PURPOSE_SSL_CLIENT)})
      if (std::ranges::find(rules.usages, usage) != rules.usages.end()) {
        if (X509_check_purpose(of.certificate.native(), purpose, 1) != 1) return of.name + " is not for such uses";
        X509_VERIFY_PARAM_set_purpose(param, purpose);
      }
    if (X509_verify_cert(context.get()) != 1)
      return std::string("the chain does not verify: ") +
             X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
    if (X509_check_issued(of.certificate.native(), leaf.native()) != X509_V_OK) return "it names another issuer";
    return "";
  }

  static std::string uses(x509::Certificate const& leaf, Rules const& rules, bool signs_ocsp) {
    auto* const native = leaf.native();
    if (leaf.is_ca() || (X509_get_extension_flags(native) & EXFLAG_CA) != 0) return "a CA";
    if ((X509_get_extension_flags(native) & EXFLAG_INVALID) != 0) return "extensions that contradict each other";
    if ((X509_get_key_usage(native) & (KU_KEY_CERT_SIGN | KU_CRL_SIGN)) != 0) return "a key that signs certificates";
    if ((X509_get_key_usage(native) & KU_DIGITAL_SIGNATURE) == 0) return "a key that signs nothing";
    std::unique_ptr<EXTENDED_KEY_USAGE, void (*)(EXTENDED_KEY_USAGE*)> const usages(
        static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(native, NID_ext_key_usage, nullptr, nullptr)),
        EXTENDED_KEY_USAGE_free);
    std::vector<int> found;
    for (int i = 0; i < sk_ASN1_OBJECT_num(usages.get()); ++i)
      found.push_back(OBJ_obj2nid(sk_ASN1_OBJECT_value(usages.get(), i)));
    if (sorted(found) != sorted(rules.usages)) return "other uses than the profile's";
    if ((X509_get_ext_by_NID(native, NID_id_pkix_OCSP_noCheck, -1) >= 0) != signs_ocsp) return "nocheck, or none";
    return "";
  }

  std::string validity(x509::Certificate const& leaf, Rules const& rules, bool signs_ocsp, Time now) const {
    if (leaf.not_before() < now - 2 * kHour) return "it begins long ago";
    if (leaf.not_after() < now - 10 * kMinute - slack_) return "it ended long ago";
    if (leaf.not_after() - leaf.not_before() >= rules.lifetime) return "longer than the profile allows";
    if (signs_ocsp && leaf.not_before() > now) return "what signs OCSP answers begins later";
    if (leaf.not_before() > now + rules.lifetime + 5 * kMinute) return "it begins when it should have ended";
    return "";
  }

  static std::string named(x509::Certificate const& leaf, SeenIssuer const& of, bool signs_ocsp) {
    bool const has_names = X509_get_ext_by_NID(leaf.native(), NID_subject_alt_name, -1) >= 0;
    if (signs_ocsp && has_names) return "what signs OCSP answers has names";
    auto const* subject = X509_get_subject_name(leaf.native());
    if (X509_NAME_entry_count(subject) > 1) return "more than one name of the subject";
    std::string const common_name = leaf.common_name();
    if (signs_ocsp) return common_name == "OCSP responder" ? "" : "what signs OCSP answers is called " + common_name;
    std::unique_ptr<GENERAL_NAMES, void (*)(GENERAL_NAMES*)> const all(
        static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf.native(), NID_subject_alt_name, nullptr, nullptr)),
        GENERAL_NAMES_free);
    if (sk_GENERAL_NAME_num(all.get()) <= 0) return "no names";
    std::set<std::string> dns;
    for (int i = 0; i < sk_GENERAL_NAME_num(all.get()); ++i) {
      auto const* name = sk_GENERAL_NAME_value(all.get(), i);
      if (name->type == GEN_DNS) {
        auto const text = *dns.insert(text_of(name->d.dNSName)).first;
        bool const is_inside = std::ranges::any_of(
            of.dns, [&](auto const& suffix) { return text == suffix || text.ends_with("." + suffix); });
        if (!is_inside) return of.name + " named " + text;
      } else if (name->type == GEN_IPADD) {
        auto const octets = text_of(name->d.iPAddress);
        auto const address = x509::IpAddress::from_octets(as_bytes(octets));
        bool const is_inside = address.ok() && std::ranges::any_of(of.ip, [&](auto const& block) {
                                 return x509::IpBlock::parse(block)->contains(*address);
                               });
        if (!is_inside) return of.name + " named the address " + to_hex(as_bytes(octets));
      } else {
        return "a name of another type";
      }
    }
    if (!common_name.empty() && !dns.contains(common_name)) return "a common name that is none of its names";
    return "";
  }

  // Its issuer's certificate, the list that would name it, and who answers for it.
  static std::string places(x509::Certificate const& leaf, SeenIssuer const& of, bool signs_ocsp) {
    std::vector<int> expected{NID_basic_constraints,
                              NID_key_usage,
                              NID_ext_key_usage,
                              NID_subject_key_identifier,
                              NID_authority_key_identifier,
                              signs_ocsp ? NID_id_pkix_OCSP_noCheck : NID_subject_alt_name};
    if (!signs_ocsp) expected.insert(expected.end(), {NID_info_access, NID_crl_distribution_points});
    if (extensions_of(X509_get0_extensions(leaf.native())) != sorted(expected)) return "other extensions than ours";
    if (signs_ocsp) return "";
    std::unique_ptr<CRL_DIST_POINTS, void (*)(CRL_DIST_POINTS*)> const lists(
        static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(leaf.native(), NID_crl_distribution_points, nullptr, nullptr)),
        CRL_DIST_POINTS_free);
    if (sk_DIST_POINT_num(lists.get()) != 1) return "not one list that would name it";
    auto const list = url_of(sk_DIST_POINT_value(lists.get(), 0)->distpoint);
    auto const octets = leaf.serial();
    std::uint32_t value = 0;
    for (auto at = octets.end() - 4; at != octets.end(); ++at) value = value << 8 | *at;
    auto const parts = of.places.parts;
    auto const own =
        of.places.base +
        (parts == 1 ? std::string(".crl") : "/" + std::to_string(parts) + "-" + std::to_string(value % parts) + ".crl");
    if (list != own) return "a list at " + list + " would name it, not that at " + own;
    std::unique_ptr<AUTHORITY_INFO_ACCESS, void (*)(AUTHORITY_INFO_ACCESS*)> const access(
        static_cast<AUTHORITY_INFO_ACCESS*>(X509_get_ext_d2i(leaf.native(), NID_info_access, nullptr, nullptr)),
        AUTHORITY_INFO_ACCESS_free);
    for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(access.get()); ++i) {
      auto const* each = sk_ACCESS_DESCRIPTION_value(access.get(), i);
      auto const method = OBJ_obj2nid(each->method);
      auto const url = text_of(each->location->d.uniformResourceIdentifier);
      if (url != (method == NID_ad_OCSP ? of.ocsp_url : of.ca_issuers_url)) return "it sends people to " + url;
    }
    return "";
  }

  std::string key(x509::Certificate const& leaf, Rules const& rules) const {
    if (leaf.key() == root_.key()) return "the root's key";
    for (auto const& each : issuers_)
      if (leaf.key() == each.certificate.key()) return "a key of the CA";
    auto const* native = leaf.key().native();
    bool const is_rsa = EVP_PKEY_get_base_id(native) == EVP_PKEY_RSA;
    if (!is_rsa && EVP_PKEY_get_base_id(native) != EVP_PKEY_EC) return "a key of another type";
    if (is_rsa && (!rules.takes_rsa || EVP_PKEY_get_bits(native) < 2048)) return "an RSA key that may not be";
    return "";
  }

  // --- lists ---

  static std::string url_of(DIST_POINT_NAME const* point) {
    if (point == nullptr || point->type != 0 || sk_GENERAL_NAME_num(point->name.fullname) != 1) return "";
    auto const* name = sk_GENERAL_NAME_value(point->name.fullname, 0);
    return name->type == GEN_URI ? text_of(name->d.uniformResourceIdentifier) : "";
  }

  std::string judge_list(Bytes const& der, SeenIssuer const& of, Time now) {
    auto const* at = der.data();
    std::unique_ptr<X509_CRL, void (*)(X509_CRL*)> const list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())),
                                                              X509_CRL_free);
    if (!list || at != der.data() + der.size()) return "not a list";
    ++lists_signed_;
    ++lists_[of.name];
    if (X509_CRL_get_version(list.get()) != 1) return "a list of another version";
    if (X509_NAME_cmp(X509_CRL_get_issuer(list.get()), X509_get_subject_name(of.certificate.native())) != 0)
      return "a list of another issuer";
    if (X509_CRL_verify(list.get(), of.certificate.key().native()) != 1) return "a list that does not verify";
    std::unique_ptr<AUTHORITY_KEYID, void (*)(AUTHORITY_KEYID*)> const key_id(
        static_cast<AUTHORITY_KEYID*>(X509_CRL_get_ext_d2i(list.get(), NID_authority_key_identifier, nullptr, nullptr)),
        AUTHORITY_KEYID_free);
    if (!key_id || key_id->keyid == nullptr ||
        to_bytes(as_bytes(text_of(key_id->keyid))) != of.certificate.subject_key_id())
      return "a list under another issuer's key id";
    unsigned parts = 1, part = 0;
    std::string scope;
    if (auto wrong = scope_of(list.get(), of, scope, parts, part); !wrong.empty()) return wrong;
    if (auto wrong = number(list.get(), of, scope, now); !wrong.empty()) return wrong;
    auto const this_update = time_of(X509_CRL_get0_lastUpdate(list.get()));
    auto const next_update = time_of(X509_CRL_get0_nextUpdate(list.get()));
    if (this_update < now - 10 * kMinute - slack_ || this_update > now + 5 * kMinute) return "a list of another time";
    if (next_update <= this_update || next_update > this_update + 366 * kDay) return "in force for too long";
    return entries(list.get(), parts, part, this_update);
  }

  // Whole, or a part that is served where this issuer's are.
  static std::string scope_of(X509_CRL* list, SeenIssuer const& of, std::string& scope, unsigned& parts,
                              unsigned& part) {
    std::vector<int> expected{NID_authority_key_identifier, NID_crl_number};
    int critical = 0;
    std::unique_ptr<ISSUING_DIST_POINT, void (*)(ISSUING_DIST_POINT*)> const point(
        static_cast<ISSUING_DIST_POINT*>(
            X509_CRL_get_ext_d2i(list, NID_issuing_distribution_point, &critical, nullptr)),
        ISSUING_DIST_POINT_free);
    if (point) expected.push_back(NID_issuing_distribution_point);
    if (extensions_of(X509_CRL_get0_extensions(list)) != sorted(expected)) return "a list with other extensions";
    if (!point) return "";
    if (critical != 1) return "a part that does not insist on being one";
    scope = url_of(point->distpoint);
    if (!scope.starts_with(of.places.base) ||
        std::sscanf(scope.c_str() + of.places.base.size(), "/%u-%u.crl", &parts, &part) != 2 ||
        scope != of.places.base + "/" + std::to_string(parts) + "-" + std::to_string(part) + ".crl")
      return "a list for another place: " + scope;
    if (parts < 2 || parts > 256 || part >= parts) return "a part that there is not";
    if (point->onlyuser != 0xff || point->onlyCA > 0 || point->indirectCRL > 0 || point->onlyattr > 0 ||
        point->onlysomereasons != nullptr)
      return "a part that says something else";
    return "";
  }

  // Rising, of each issuer and scope, and never so far that there is none after it.
  std::string number(X509_CRL* list, SeenIssuer const& of, std::string const& scope, Time now) {
    ossl::Asn1IntegerPtr const found(
        static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list, NID_crl_number, nullptr, nullptr)));
    std::uint64_t value = 0;
    if (!found || ASN1_INTEGER_get_uint64(&value, found.get()) != 1) return "a list without number";
    auto const last = numbers_.find({of.name, scope});
    if (last != numbers_.end() && value <= last->second) return "the number of a list twice";
    auto const age = static_cast<std::uint64_t>((now - of.certificate.not_before()).count());
    if (value > std::max(3 * age, last == numbers_.end() ? 0 : last->second) + 1'000'000) return "a number far ahead";
    numbers_[{of.name, scope}] = value;
    return "";
  }

  static std::string entries(X509_CRL* list, unsigned parts, unsigned part, Time this_update) {
    static std::set<long> const kReasons{1, 2, 3, 4, 5, 6, 9, 10};
    auto* const all = X509_CRL_get_REVOKED(list);
    for (int i = 0; i < sk_X509_REVOKED_num(all); ++i) {
      auto const* entry = sk_X509_REVOKED_value(all, i);
      auto const* serial = X509_REVOKED_get0_serialNumber(entry);
      if (ASN1_STRING_type(serial) != V_ASN1_INTEGER) return "a negative serial number";
      std::uint32_t value = 0;
      for (auto const c : text_of(serial)) value = value << 8 | static_cast<std::uint8_t>(c);
      if (value % parts != part) return "a serial number of another part";
      if (time_of(X509_REVOKED_get0_revocationDate(entry)) > this_update + 5 * kMinute) return "revoked later";
      auto const* more = X509_REVOKED_get0_extensions(entry);
      if (sk_X509_EXTENSION_num(more) <= 0) continue;
      if (extensions_of(more) != std::vector{NID_crl_reason}) return "an entry that says something else";
      std::unique_ptr<ASN1_ENUMERATED, void (*)(ASN1_ENUMERATED*)> const reason(
          static_cast<ASN1_ENUMERATED*>(X509_REVOKED_get_ext_d2i(entry, NID_crl_reason, nullptr, nullptr)),
          ASN1_ENUMERATED_free);
      if (!reason || !kReasons.contains(ASN1_ENUMERATED_get(reason.get()))) return "a reason that there is not";
    }
    return "";
  }

  x509::Certificate const root_;
  std::vector<SeenIssuer> const issuers_;
  std::optional<Time> clock_;
  Time latest_ = Time::min() + kDay;
  Seconds passed_{0}, slack_{0};
  std::set<std::string> hashes_, serials_;
  CrlNumbers numbers_;
  std::vector<Time> certificates_at_, leaves_at_;
  std::map<std::string, std::size_t> certificates_, lists_;
  std::size_t lists_signed_ = 0;
};

}  // namespace lenscap::ca::test
