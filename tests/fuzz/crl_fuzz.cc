// A revocation list that the signer's judge passes is the same in whatever pieces it comes, and OpenSSL reads in it
// what the judge saw: the number, the time, the issuer, and entries with positive numbers of certificates.
#include <openssl/err.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstdint>

#include "ca/crl.h"
#include "ca/crl_rules.h"

using namespace lenscap;

namespace {

constexpr char const* kIssuer =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBkjCCATigAwIBAgIBATAKBggqhkjOPQQDAjAvMRgwFgYDVQQKDA9FeGFtcGxl\n"
    "IENhbWVyYXMxEzARBgNVBAMMCklzc3VpbmcgQ0EwHhcNMjYxMTI5MTIwMDQwWhcN\n"
    "MzYxMTI2MTIwMDQwWjAvMRgwFgYDVQQKDA9FeGFtcGxlIENhbWVyYXMxEzARBgNV\n"
    "BAMMCklzc3VpbmcgQ0EwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAR2X6HA7Q5W\n"
    "CofLzDHc5cbotpBlmwhN9ZQub2NDxauNNhj42pHsPsO/gtWbe94UtML5xqhGOxg+\n"
    "+LTAVEXLGAUCo0UwQzASBgNVHRMBAf8ECDAGAQH/AgEAMA4GA1UdDwEB/wQEAwIB\n"
    "BjAdBgNVHQ4EFgQUD4Te0jYhZIfxwd3XO6DcWCBSp54wCgYIKoZIzj0EAwIDSAAw\n"
    "RQIhAJuIYgGexYqpoVYw7nfkwVi/PfWhPohltZV3hSagM11JAiBKg/iZgwkJ4bzW\n"
    "nJ+poyRobJY8eu1OIhTjtqH6jXpHLQ==\n"
    "-----END CERTIFICATE-----\n";
constexpr char const* kBase = "http://pki.cams.example/crl/0f84ded236216487f1c1ddd73ba0dc582052a79e";

using CrlPtr = ossl::Ptr<X509_CRL, X509_CRL_free>;
using NumberPtr = ossl::Ptr<ASN1_INTEGER, ASN1_INTEGER_free>;

Result<ca::SeenCrl> judge(x509::Certificate const& issuer, ByteView tbs, std::size_t piece, Time now) {
  static ca::CrlPlaces const places{.base = kBase, .parts = 4};
  ca::CrlJudge judge(issuer, places);
  while (!tbs.empty()) {
    auto const octets = tbs.first(std::min(piece, tbs.size()));
    CHECK_OK(judge.add(octets));
    tbs = tbs.subspan(octets.size());
  }
  return std::move(judge).finish(now);
}

std::string told(Result<ca::SeenCrl> const& seen) {
  return seen ? seen->scope + " " + std::to_string(seen->number) : seen.error().detail();
}

void compare(x509::Certificate const& issuer, Bytes const& tbs, ca::SeenCrl const& seen) {
  auto octets = Bytes(ca::kCrlFrontRoom);
  octets.insert(octets.end(), tbs.begin(), tbs.end());
  auto const der =
      ca::assemble_crl(std::move(octets), ca::kCrlFrontRoom, ca::signature_algorithm(issuer.key()), Bytes(64, 1));
  unsigned char const* at = der.data();
  CrlPtr const list(d2i_X509_CRL(nullptr, &at, static_cast<long>(der.size())));
  if (!list || at != der.data() + der.size()) bug("OpenSSL cannot read it");
  NumberPtr const number(
      static_cast<ASN1_INTEGER*>(X509_CRL_get_ext_d2i(list.get(), NID_crl_number, nullptr, nullptr)));
  std::uint64_t value = 0;
  if (!number || ASN1_INTEGER_get_uint64(&value, number.get()) != 1 || value != seen.number) bug("another number");
  auto const* from = X509_CRL_get0_lastUpdate(list.get());
  auto at_that_time = static_cast<std::time_t>(to_unix(seen.this_update));
  auto just_before = at_that_time - 1;
  if (X509_cmp_time(from, &at_that_time) > 0 || X509_cmp_time(from, &just_before) < 0) bug("another time");
  unsigned char const* name = nullptr;
  std::size_t octets_of_name = 0;
  X509_NAME_get0_der(X509_CRL_get_issuer(list.get()), &name, &octets_of_name);
  if (!std::ranges::equal(ByteView(name, octets_of_name), issuer.subject_der())) bug("another issuer");
  auto const* entries = X509_CRL_get_REVOKED(list.get());
  for (int i = 0; i < sk_X509_REVOKED_num(entries); ++i) {
    auto const* serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(entries, i));
    if (ASN1_STRING_type(serial) != V_ASN1_INTEGER) bug("a certificate with a negative number");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  static auto const issuer = x509::Certificate::from_pem(kIssuer).value();
  Time const now = from_unix(1'800'000'000);
  Bytes const tbs(data, data + size);
  auto const seen = judge(issuer, tbs, std::max<std::size_t>(size, 1), now);
  for (std::size_t const piece : {1, 2, 7, 64})
    if (told(judge(issuer, tbs, piece, now)) != told(seen)) bug("in pieces it is another list");
  if (seen) compare(issuer, tbs, *seen);
  ERR_clear_error();
  return 0;
}
