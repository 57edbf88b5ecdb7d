// Signs the answers of a fakes::DnsServer for one zone, as DNSSEC does (RFC 4034, ECDSA P-256 of RFC 6605); what is not
// there is denied by an NSEC record that is made for the question. Names outside the zone are left alone.
#pragma once

#include <algorithm>
#include <atomic>
#include <ctime>

#include "base/x509/key.h"
#include "tests/fakes/dns_server.h"

namespace lenscap::fakes {

class DnsSigner {
 public:
  // What goes wrong, if anything.
  enum class Fault { none, no_signature, expired, over_other_data, by_another_key };

  DnsSigner(DnsServer& server, std::string zone) : zone_(std::move(zone)) {
    auto const point = key_.public_key().ec_point();
    key_data_ = dns_u16(257) + "\x03" + static_cast<char>(kAlgorithm) + std::string(as_text(point.x)) +
                std::string(as_text(point.y));
    server.set_records(zone_, kDnsDnskey, {key_data_});
    server.sign_with([this](auto const& name, int type, auto const& data) { return sign(name, type, data); });
  }
  DnsSigner(DnsSigner const&) = delete;
  DnsSigner& operator=(DnsSigner const&) = delete;

  // A line for a file of trust anchors.
  std::string anchor() const {
    return zone_ + ". 3600 IN DNSKEY 257 3 13 " + to_base64(as_bytes(std::string_view(key_data_).substr(4))) + "\n";
  }

  std::atomic<Fault> fault = Fault::none;  // of every answer but the keys

 private:
  static constexpr int kAlgorithm = 13;
  static constexpr std::size_t kTtl = 60;  // as the server has it

  static std::size_t key_tag(std::string const& data) {
    std::size_t sum = 0;
    for (std::size_t i = 0; i < data.size(); ++i) {
      auto const octet = static_cast<std::size_t>(static_cast<unsigned char>(data[i]));
      sum += i % 2 == 0 ? octet << 8 : octet;
    }
    return (sum + (sum >> 16)) & 0xffff;
  }

  static std::string record(std::string const& name, int type, std::string const& data) {
    return dns_wire_name(name) + dns_u16(static_cast<std::size_t>(type)) + dns_u16(1) + dns_u32(kTtl) +
           dns_u16(data.size()) + data;
  }

  std::string signature(std::string const& name, int type, std::vector<std::string> data, Fault how) const {
    // libunbound allows a tenth of a signature's life for clocks that are wrong.
    constexpr std::size_t kDaySeconds = 86'400;
    auto const now = static_cast<std::size_t>(std::time(nullptr));
    auto const begins = now - (how == Fault::expired ? 20 : 1) * kDaySeconds;
    auto const ends = begins + 10 * kDaySeconds;
    auto const labels = 1 + std::count(name.begin(), name.end(), '.');
    auto const head = dns_u16(static_cast<std::size_t>(type)) + static_cast<char>(kAlgorithm) +
                      static_cast<char>(labels) + dns_u32(kTtl) + dns_u32(ends) + dns_u32(begins) +
                      dns_u16(key_tag(key_data_)) + dns_wire_name(zone_);
    std::sort(data.begin(), data.end());
    auto text = head;
    for (auto const& each : data) text += record(name, type, how == Fault::over_other_data ? each + "x" : each);
    auto const& key = how == Fault::by_another_key ? other_key_ : key_;
    auto const der = key.sign(HashAlgorithm::sha256, as_bytes(text));
    unsigned char const* in = der.data();
    ossl::EcdsaSigPtr const numbers(d2i_ECDSA_SIG(nullptr, &in, static_cast<long>(der.size())));
    unsigned char out[64];
    BN_bn2binpad(ECDSA_SIG_get0_r(numbers.get()), out, 32);
    BN_bn2binpad(ECDSA_SIG_get0_s(numbers.get()), out + 32, 32);
    return head + std::string(reinterpret_cast<char const*>(out), sizeof out);
  }

  DnsServer::Addition sign(std::string const& name, int type, std::vector<std::string> const& data) const {
    DnsServer::Addition more;
    if (name != zone_ && !name.ends_with("." + zone_)) return more;
    more.no_error = true;
    auto const how = type == kDnsDnskey ? Fault::none : fault.load();
    if (how == Fault::no_signature) return more;
    if (!data.empty()) {
      more.answers = record(name, kDnsRrsig, signature(name, type, data, how));
      more.answer_count = 1;
      return more;
    }
    // The next name is the least that can follow; of types there are only these two.
    auto const nsec = std::string("\1\0", 2) + dns_wire_name(name) + std::string("\0\6\0\0\0\0\0\3", 8);
    more.authorities = record(name, kDnsNsec, nsec) + record(name, kDnsRrsig, signature(name, kDnsNsec, {nsec}, how));
    more.authority_count = 2;
    return more;
  }

  std::string const zone_;
  x509::PrivateKey const key_ = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::PrivateKey const other_key_ = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  std::string key_data_;
};

}  // namespace lenscap::fakes
