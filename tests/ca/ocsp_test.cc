// OCSP: what requests are read and refused, what the ledger says, and the answers as OpenSSL and GnuTLS judge them.
#include "ca/ocsp.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include "ca/der.h"
#include "store/backends.h"
#include "tests/ca/fixture.h"

namespace lenscap::ca::test {
namespace {

using ::testing::HasSubstr;

// The judges go by the system's clock.
Time const kToday = SystemClock().now();

// --- requests

Bytes octets(std::size_t count) { return Bytes(count, 0x5a); }
Bytes tagged(unsigned number, Bytes const& content) { return der::element(der::context_constructed(number), content); }
Bytes cert_id(Bytes const& algorithm, Bytes const& serial = {0x02, 0x01, 0x07}) {
  return der::sequence({algorithm, der::octet_string(octets(20)), der::octet_string(octets(20)), serial});
}
Bytes const kSha1 = der::sequence({der::oid("1.3.14.3.2.26"), der::null()});
Bytes const kSha1Alone = der::sequence({der::oid("1.3.14.3.2.26")});
Bytes const kSha256 = der::sequence({der::oid("2.16.840.1.101.3.4.2.1"), der::null()});
Bytes single(Bytes const& more = {}) { return der::sequence({cert_id(kSha1), more}); }
Bytes extension(std::string_view oid, Bytes const& value, bool critical = false) {
  return der::sequence({der::oid(oid), critical ? der::boolean_true() : Bytes{}, der::octet_string(value)});
}
Bytes nonce(Bytes const& value, bool critical = false) { return extension("1.3.6.1.5.5.7.48.1.2", value, critical); }
// `before`: version and requestorName; `after`: extensions.
Bytes request(std::initializer_list<ByteView> singles, Bytes const& after = {}, Bytes const& before = {},
              Bytes const& signature = {}) {
  return der::sequence({der::sequence({before, der::sequence(singles), after}), signature});
}
Bytes with_extensions(std::initializer_list<ByteView> all) {
  return request({single()}, tagged(2, der::sequence(all)));
}

TEST(ParseOcspRequest, Accepted) {
  Bytes const archive = extension("1.3.6.1.5.5.7.48.1.6", der::null());
  struct Case {
    char const* name;
    Bytes der;
    std::optional<Bytes> nonce;
  };
  Case const cases[] = {
      {"the least", request({single()}), {}},
      {"SHA-1 without parameters", request({der::sequence({cert_id(kSha1Alone)})}), {}},
      {"SHA-256", request({der::sequence({cert_id(kSha256)})}), {}},
      {"a hash that nobody here knows", request({der::sequence({cert_id(der::sequence({der::oid("1.2.3")}))})}), {}},
      {"version 1, written though it is the default", request({single()}, {}, tagged(0, der::small_integer(0))), {}},
      {"who asks", request({single()}, {}, tagged(1, der::element(der::context(2), as_bytes("a.example")))), {}},
      {"signed", request({single()}, {}, {}, tagged(0, der::sequence({kSha1, der::bit_string(octets(8))}))), {}},
      {"a nonce of one octet", with_extensions({nonce(der::octet_string(octets(1)))}), der::octet_string(octets(1))},
      {"a nonce of 32", with_extensions({nonce(der::octet_string(octets(32)))}), der::octet_string(octets(32))},
      {"a critical nonce", with_extensions({nonce(der::octet_string(octets(8)), true)}), der::octet_string(octets(8))},
      {"an unknown extension", with_extensions({archive, nonce(der::octet_string(octets(8)))}),
       der::octet_string(octets(8))},
      {"an extension of the one request", request({single(tagged(0, der::sequence({archive})))}), {}},
  };
  for (Case const& c : cases) {
    auto const parsed = parse_ocsp_request(c.der);
    ASSERT_TRUE(parsed.ok()) << c.name << ": " << parsed.error().detail();
    EXPECT_EQ(parsed->certificates.size(), 1u) << c.name;
    EXPECT_EQ(parsed->certificates[0].serial_hex, "07") << c.name;
    EXPECT_EQ(parsed->nonce, c.nonce) << c.name;
  }
}

TEST(ParseOcspRequest, Refused) {
  auto many = [](std::size_t count) {
    Bytes list;
    for (std::size_t i = 0; i < count; ++i) list = der::join({list, single()});
    return der::sequence({der::sequence({der::element(der::kSequence, list)})});
  };
  ASSERT_TRUE(parse_ocsp_request(many(kOcspCertificatesMax)).ok());
  Bytes const good = request({single()});
  Bytes cut = good;
  cut.pop_back();
  Bytes longer = good;
  longer.push_back(0);
  Bytes indefinite{0x30, 0x80};
  indefinite.insert(indefinite.end(), good.begin() + 2, good.end());
  indefinite.insert(indefinite.end(), {0, 0});
  Bytes const one_nonce = nonce(der::octet_string(octets(8)));
  struct Case {
    char const* name;
    Bytes der;
    char const* says;
  };
  Case const cases[] = {
      {"nothing", {}, "ends too early"},
      {"something else", to_bytes("GET / HTTP/1.1"), "OCSP request"},
      {"cut short", cut, "ends"},
      {"octets behind", longer, "after its end"},
      {"BER", indefinite, "indefinite"},
      {"too large", Bytes(kOcspRequestBytesMax + 1), "more than 4096 octets"},
      {"no certificate", many(0), "asks for no certificate"},
      {"too many certificates", many(kOcspCertificatesMax + 1), "more than 16 certificates"},
      {"version 2", request({single()}, {}, tagged(0, der::small_integer(1))), "version"},
      {"a serial number that is negative", request({der::sequence({cert_id(kSha1, {0x02, 0x01, 0x87})})}), "negative"},
      {"no serial number", request({der::sequence({cert_id(kSha1, {})})}), "no serialNumber"},
      {"a hash with parameters",
       request({der::sequence({cert_id(der::sequence({der::oid("1.3.14.3.2.26"), der::small_integer(1)}))})}),
       "after its end"},
      {"something behind the CertID", request({single(der::null())}), "after its end"},
      {"something behind the list", request({single()}, der::null()), "after its end"},
      {"something behind the request", request({single()}, {}, {}, der::null()), "after its end"},
      {"a list of no extensions", with_extensions({}), "without any"},
      {"a nonce of no octets", with_extensions({nonce(der::octet_string({}))}), "1 to 32 octets"},
      {"a nonce of 33", with_extensions({nonce(der::octet_string(octets(33)))}), "1 to 32 octets"},
      {"a nonce without its own tag", with_extensions({nonce(octets(8))}), "Nonce"},
      {"a nonce and more", with_extensions({nonce(der::join({der::octet_string(octets(8)), der::null()}))}),
       "after its end"},
      {"two nonces", with_extensions({one_nonce, one_nonce}), "two nonces"},
      {"a critical extension", with_extensions({extension("1.2.3", der::null(), true)}), "critical"},
      {"a critical extension of the one request",
       request({single(tagged(0, der::sequence({extension("1.2.3", der::null(), true)})))}), "critical"},
  };
  for (Case const& c : cases) {
    auto const parsed = parse_ocsp_request(c.der);
    ASSERT_FALSE(parsed.ok()) << c.name;
    EXPECT_EQ(parsed.error().code(), Errc::malformed) << c.name;
    EXPECT_THAT(parsed.error().detail(), HasSubstr(c.says)) << c.name;
  }
}

using CertIdPtr = ossl::Ptr<OCSP_CERTID, OCSP_CERTID_free>;

// As OpenSSL writes it.
OcspCertId id_of(x509::Certificate const& certificate, x509::Certificate const& issuer, EVP_MD const* hash) {
  CertIdPtr const id(OCSP_cert_to_id(hash, certificate.native(), issuer.native()));
  auto const der = ossl::to_der(id.get(), i2d_OCSP_CERTID);
  return parse_ocsp_request(request({der::sequence({der})})).value().certificates[0];
}

TEST(OcspIssuer, KnowsItsCertificates) {
  TestCa const test;
  auto const leaf =
      test.issuer
          ->sign(test.issuer->prepare(profile("server"), ca::test::request(names({"a.cams.example"}), "server"), kNow)
                     .value())
          .value();
  OcspIssuer const issuer(test.ca.issuing);
  OcspIssuer const other(test.ca.root);
  for (EVP_MD const* hash : {EVP_sha1(), EVP_sha256()}) {
    auto const id = id_of(leaf, test.ca.issuing, hash);
    EXPECT_EQ(id.serial_hex, leaf.serial_hex());
    EXPECT_TRUE(issuer.is_of(id)) << EVP_MD_get0_name(hash);
    EXPECT_FALSE(other.is_of(id)) << EVP_MD_get0_name(hash);
    auto one_wrong = id;
    one_wrong.issuer_key_hash.back() ^= 1;
    EXPECT_FALSE(issuer.is_of(one_wrong)) << "another key under the same name";
    one_wrong = id;
    one_wrong.issuer_name_hash.back() ^= 1;
    EXPECT_FALSE(issuer.is_of(one_wrong)) << "another name for the same key";
  }
  EXPECT_FALSE(issuer.is_of(id_of(leaf, test.ca.issuing, EVP_sha384())));
}

// --- what is known

TEST(FindOcspStatus, IsWhatTheLedgerSays) {
  TestCa const test;
  auto const store = store::make_memory_store();
  auto const issuer_id = to_hex(test.ca.issuing.subject_key_id());
  auto const write = [&](auto const& body) {
    store->write([&](store::WriteTxn& txn) {
      EXPECT_TRUE(body(txn).ok());
      return true;
    });
  };
  auto const intend = [&] {
    auto draft =
        test.issuer->prepare(profile("server"), ca::test::request(names({"a.cams.example"}), "server"), kNow).value();
    write([&](store::WriteTxn& txn) { return record_intent(txn, draft, "1"); });
    return draft;
  };
  auto const issue = [&] {
    auto const certificate = test.issuer->sign(intend()).value();
    write([&](store::WriteTxn& txn) { return record_issued(txn, certificate, kNow); });
    return certificate.serial_hex();
  };
  auto const revoke = [&](std::string const& serial, std::optional<x509::RevocationReason> reason) {
    write([&](store::WriteTxn& txn) { return record_revoked(txn, serial, {kNow + kHour, reason, "a test"}); });
    return serial;
  };
  auto const status = [&](std::string const& serial, std::string const& issuer) {
    OcspStatus found;
    store->read([&](store::ReadTxn& txn) { found = find_ocsp_status(txn, issuer, serial); });
    return found;
  };
  using Kind = OcspStatus::Kind;
  auto const key_compromise = x509::RevocationReason::key_compromise;
  EXPECT_EQ(status(issue(), issuer_id), (OcspStatus{Kind::good, {}, {}}));
  EXPECT_EQ(status(revoke(issue(), {}), issuer_id), (OcspStatus{Kind::revoked, kNow + kHour, {}}));
  EXPECT_EQ(status(revoke(issue(), key_compromise), issuer_id),
            (OcspStatus{Kind::revoked, kNow + kHour, key_compromise}));
  EXPECT_EQ(status(intend().serial_hex(), issuer_id).kind, Kind::unknown) << "nobody was given it";
  EXPECT_EQ(status(revoke(intend().serial_hex(), {}), issuer_id).kind, Kind::revoked) << "in case somebody was";
  EXPECT_EQ(status(issue(), "another issuer").kind, Kind::unknown);
  EXPECT_EQ(status("0badcafe", issuer_id).kind, Kind::unknown);
  EXPECT_EQ(status("", issuer_id).kind, Kind::unknown) << "zero";
  EXPECT_EQ(status(std::string(2000, 'a'), issuer_id).kind, Kind::unknown) << "more than a serial number may have";
}

// --- answers

struct Responder {
  TestCa ca{ceremony_settings(), kToday};
  x509::PrivateKey key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  x509::Certificate signer = issue({std::string(kOcspSignerProfile), key.public_key(), {}, {}}, ocsp_signer_profile());
  x509::Certificate leaf = issue(ca::test::request(names({"a.cams.example"})), profile("camera-https"));

  x509::Certificate issue(IssueRequest const& wanted, Profile const& by) const {
    return ca.issuer->sign(ca.issuer->prepare(by, wanted, kToday).value()).value();
  }
  Bytes answer(OcspStatus const& status, EVP_MD const* hash = EVP_sha1(), std::optional<Bytes> with_nonce = {}) const {
    return sign_ocsp_answers({.answers = {{id_of(leaf, ca.ca.issuing, hash).der, status}},
                              .this_update = kToday,
                              .next_update = kToday + kHour,
                              .nonce = std::move(with_nonce)},
                             signer, key);
  }
};

struct Verdicts {
  Outcome openssl, gnutls;
};

Verdicts judge(Responder const& responder, Bytes const& answer) {
  fakes::TempDir dir;
  put_file(dir.path("answer"), std::string(as_text(answer)));
  put_file(dir.path("root.pem"), responder.ca.ca.root.pem());
  put_file(dir.path("issuing.pem"), responder.ca.ca.issuing.pem());
  put_file(dir.path("leaf.pem"), responder.leaf.pem());
  put_file(dir.path("both.pem"), responder.ca.ca.issuing.pem() + responder.ca.ca.root.pem());
  std::string const of_leaf = " --load-issuer " + dir.path("issuing.pem") + " --load-cert " + dir.path("leaf.pem");
  return {run("openssl ocsp -no_nonce -respin " + dir.path("answer") + " -CAfile " + dir.path("root.pem") +
              " -issuer " + dir.path("issuing.pem") + " -cert " + dir.path("leaf.pem") + " -resp_text"),
          run("ocsptool --verify-response --load-response " + dir.path("answer") + " --load-trust " +
              dir.path("both.pem") + of_leaf)};
}

TEST(OcspAnswer, AsOthersReadAndVerifyIt) {
  using Kind = OcspStatus::Kind;
  using enum x509::RevocationReason;
  Responder const responder;
  Time const then = kToday - kDay;
  struct Case {
    char const* name;
    OcspStatus status;
    char const* openssl;
    char const* gnutls;
  };
  Case const cases[] = {
      {"good", {Kind::good, {}, {}}, "leaf.pem: good", "Certificate Status: good"},
      {"unknown", {Kind::unknown, {}, {}}, "leaf.pem: unknown", "Certificate Status: unknown"},
      {"revoked", {Kind::revoked, then, {}}, "leaf.pem: revoked", "Certificate Status: revoked"},
      {"with a reason", {Kind::revoked, then, superseded}, "Reason: superseded", "Certificate Status: revoked"},
      {"with one for which OpenSSL 3.0 has no word",
       {Kind::revoked, then, privilege_withdrawn},
       "Revocation Reason: (UNKNOWN) (0x9)",
       "Certificate Status: revoked"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const verdicts = judge(responder, responder.answer(c.status));
    EXPECT_THAT(verdicts.openssl.output, HasSubstr("Response verify OK"));
    EXPECT_THAT(verdicts.openssl.output, HasSubstr(c.openssl));
    EXPECT_THAT(verdicts.gnutls.output, HasSubstr("Verifying OCSP Response: Success"));
    EXPECT_THAT(verdicts.gnutls.output, HasSubstr(c.gnutls));
  }
  auto const none = judge(responder, responder.answer({Kind::revoked, then, unspecified}));
  EXPECT_THAT(none.openssl.output, ::testing::Not(HasSubstr("Reason:"))) << "no reason is left out";
}

// 4.2.2.2: who may answer is whom the issuer let do nothing else; nobody else's certificate will do.
TEST(OcspAnswer, ByAnythingButTheSignerIsRefused) {
  Responder responder;
  OcspStatus const good{OcspStatus::Kind::good, {}, {}};
  responder.signer =
      responder.issue({"server", responder.key.public_key(), names({"b.cams.example"}), {}}, profile("server"));
  auto const verdicts = judge(responder, responder.answer(good));
  EXPECT_THAT(verdicts.openssl.output, HasSubstr("Response Verify Failure"));
  EXPECT_THAT(verdicts.gnutls.output, HasSubstr("Verifying OCSP Response: Failure"));
}

TEST(OcspAnswer, ChangedOnTheWayIsRefused) {
  Responder const responder;
  auto answer = responder.answer({OcspStatus::Kind::revoked, kToday, {}});
  auto const serial = from_hex(responder.leaf.serial_hex()).value();
  auto const at = std::search(answer.begin(), answer.end(), serial.begin(), serial.end());
  ASSERT_NE(at, answer.end());
  at[18] ^= 1;
  auto const verdicts = judge(responder, answer);
  EXPECT_THAT(verdicts.openssl.output, HasSubstr("Response Verify Failure"));
  EXPECT_THAT(verdicts.gnutls.output, HasSubstr("Verifying OCSP Response: Failure"));
}

TEST(OcspAnswer, RepeatsTheNonceOnlyWhenThereWasOne) {
  Responder const responder;
  OcspStatus const good{OcspStatus::Kind::good, {}, {}};
  auto const text = [&](std::optional<Bytes> const& value) {
    return judge(responder, responder.answer(good, EVP_sha256(), value)).openssl.output;
  };
  EXPECT_THAT(text({}), ::testing::Not(HasSubstr("OCSP Nonce")));
  EXPECT_THAT(text(der::octet_string(octets(4))), HasSubstr("04045A5A5A5A"));
}

// 2.3: no signature, five octets.
TEST(OcspRefusal, Octets) {
  EXPECT_EQ(to_hex(write_ocsp_refusal(OcspRefusal::malformed_request)), "30030a0101");
  EXPECT_EQ(to_hex(write_ocsp_refusal(OcspRefusal::internal_error)), "30030a0102");
  EXPECT_EQ(to_hex(write_ocsp_refusal(OcspRefusal::try_later)), "30030a0103");
  EXPECT_EQ(to_hex(write_ocsp_refusal(OcspRefusal::unauthorized)), "30030a0106");
}

// --- the signer's certificate

TEST(OcspSigner, HoldsNoNamesAndSignsNothingElse) {
  TestCa const test(ceremony_settings(), kNow, 1, true);
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256).public_key();
  std::string const name(kOcspSignerProfile);
  auto const refused = test.issuer->prepare(ocsp_signer_profile(), {name, key, names({"a.cams.example"}), {}}, kNow);
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code(), Errc::bad_csr);
  // Nobody would ask whether it was revoked: so none for a later time.
  IssueRequest const later{name, key, {}, {}, kNow + kDay, kNow + 2 * kDay};
  EXPECT_EQ(test.issuer->prepare(ocsp_signer_profile(), later, kNow).error().code(), Errc::malformed);
  auto const draft = test.issuer->prepare(ocsp_signer_profile(), {name, key, {}, {}}, kNow);
  ASSERT_TRUE(draft.ok()) << draft.error().detail();
  EXPECT_TRUE(draft->what().names.empty());
  EXPECT_EQ(draft->what().not_after - draft->what().not_before + Seconds(1), 7 * kDay);
  EXPECT_EQ(draft->what().crl_url + draft->what().ocsp_url, "") << "where lists and answers are served";
}

}  // namespace
}  // namespace lenscap::ca::test
