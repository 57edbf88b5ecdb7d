#include "acme/wire/renewal_info.h"

#include "acme/wire/read_members.h"

namespace lenscap::acme {
namespace {

constexpr std::size_t kKeyIdOctetsMax = 64;   // SHA-512 of a key
constexpr std::size_t kSerialOctetsMax = 21;  // RFC 5280 4.1.2.2: 20, and some of older issuers carry a sign octet more

Error bad(std::string_view why) {
  return {Errc::malformed, "this is no certificate's identifier: " + std::string(why) +
                               "; it is the authority key identifier, a dot, and the serial number, each as base64url "
                               "without padding"};
}

Bytes without_sign_octet(Bytes const& serial) {
  return serial.size() > 1 && serial[0] == 0 ? Bytes(serial.begin() + 1, serial.end()) : serial;
}

}  // namespace

Result<CertificateId> CertificateId::parse(std::string_view text) {
  auto const dot = text.find('.');
  if (dot == std::string_view::npos || text.find('.', dot + 1) != std::string_view::npos)
    return bad("it needs one dot");
  auto key_id = from_base64url(text.substr(0, dot));
  auto serial = from_base64url(text.substr(dot + 1));
  if (!key_id.ok() || !serial.ok()) return bad("a part is not base64url");
  if (key_id->empty() || key_id->size() > kKeyIdOctetsMax) return bad("the key identifier has no possible length");
  if (serial->empty() || serial->size() > kSerialOctetsMax) return bad("the serial number has no possible length");
  // The content octets of a DER INTEGER have one form (X.690 8.3.2), and a serial number is not negative.
  if (((*serial)[0] & 0x80) != 0) return bad("the serial number is negative; the sign octet 00 is missing");
  if (serial->size() > 1 && (*serial)[0] == 0 && ((*serial)[1] & 0x80) == 0)
    return bad("the serial number begins with a superfluous 00");
  return CertificateId{*std::move(key_id), *std::move(serial)};
}

Result<CertificateId> CertificateId::of(x509::Certificate const& certificate) {
  CertificateId id{certificate.authority_key_id(), certificate.serial()};
  if (id.key_id.empty()) return Error(Errc::malformed, "the certificate has no authority key identifier");
  if (id.serial.empty()) id.serial = {0};
  if ((id.serial[0] & 0x80) != 0) id.serial.insert(id.serial.begin(), 0);
  return id;
}

std::string CertificateId::text() const { return to_base64url(key_id) + "." + to_base64url(serial); }

std::string CertificateId::serial_hex() const { return to_hex(without_sign_octet(serial)); }

json::Object to_json(RenewalInfoObject const& info) {
  json::Object object{
      {"suggestedWindow", json::Object{{"start", to_rfc3339(info.start)}, {"end", to_rfc3339(info.end)}}}};
  if (!info.explanation_url.empty()) object.set("explanationURL", info.explanation_url);
  return object;
}

Result<RenewalInfoObject> parse_renewal_info(std::string_view body) {
  TRY(auto const object, json::parse_object(body, kObjectLimits));
  TRY(auto const window, json::need_object(object, "suggestedWindow"));
  TRY(auto const start, get_time(window, "start"));
  TRY(auto const end, get_time(window, "end"));
  if (!start || !end) return Error(Errc::malformed, "suggestedWindow: start and end are needed");
  if (*end <= *start) return Error(Errc::malformed, "suggestedWindow: the end is not after the start");
  TRY(auto url, json::get_string(object, "explanationURL"));
  return RenewalInfoObject{*start, *end, std::move(url).value_or("")};
}

}  // namespace lenscap::acme
