// OCSP as the server answers it: for which requests, from what is kept or anew, with which fields for caches, and by a
// signer that it renews by itself. OpenSSL's own functions write the requests, and read and verify the answers.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ocsp.h>

#include <algorithm>

#include "ca/ledger_tables.h"
#include "store/backends.h"
#include "tests/acme/server/fixture.h"

namespace lenscap::acme::test {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;

using RequestPtr = ossl::Ptr<OCSP_REQUEST, OCSP_REQUEST_free>;
using ResponsePtr = ossl::Ptr<OCSP_RESPONSE, OCSP_RESPONSE_free>;
using BasicPtr = ossl::Ptr<OCSP_BASICRESP, OCSP_BASICRESP_free>;

constexpr int kNoNonce = -1;

// For these certificates of this issuer; a nonce of so many octets.
Bytes ask(std::vector<x509::Certificate> const& certificates, x509::Certificate const& issuer, int nonce = kNoNonce,
          EVP_MD const* hash = EVP_sha1()) {
  RequestPtr const request(OCSP_REQUEST_new());
  for (auto const& each : certificates)
    OCSP_request_add0_id(request.get(), OCSP_cert_to_id(hash, each.native(), issuer.native()));
  unsigned char octets[] = "12345678901234567890123456789012";
  if (nonce != kNoNonce) OCSP_request_add1_nonce(request.get(), octets, nonce);
  return ossl::to_der(request.get(), i2d_OCSP_REQUEST);
}

// What an answer says of its first certificate, verified against the root at `now`.
struct Said {
  int response = -1;  // OCSPResponseStatus
  int status = -1;    // V_OCSP_CERTSTATUS_...
  int reason = -1;
  bool has_nonce = false;
  bool is_trusted = false;
  Bytes signer;  // DER of the certificate
  int answers = 0;
};

Said read(std::string const& body, x509::Certificate const& root, x509::Certificate const& issuing, Time now) {
  Said said;
  auto const* at = as_bytes(body).data();
  ResponsePtr const response(d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(body.size())));
  if (!response) return said;
  said.response = OCSP_response_status(response.get());
  BasicPtr const basic(OCSP_response_get1_basic(response.get()));
  ossl::take_errors();
  if (!basic) return said;
  said.answers = OCSP_resp_count(basic.get());
  said.status = OCSP_single_get0_status(OCSP_resp_get0(basic.get(), 0), &said.reason, nullptr, nullptr, nullptr);
  said.has_nonce = OCSP_BASICRESP_get_ext_by_NID(basic.get(), NID_id_pkix_OCSP_Nonce, -1) >= 0;
  said.signer = ossl::to_der(sk_X509_value(OCSP_resp_get0_certs(basic.get()), 0), i2d_X509);
  ossl::X509StorePtr const trusted(X509_STORE_new());
  X509_STORE_add_cert(trusted.get(), root.native());
  X509_VERIFY_PARAM_set_time(X509_STORE_get0_param(trusted.get()), to_unix(now));
  ossl::Ptr<STACK_OF(X509), [](STACK_OF(X509) * list) { sk_X509_free(list); }> const between(sk_X509_new_null());
  sk_X509_push(between.get(), issuing.native());
  said.is_trusted = OCSP_basic_verify(basic.get(), between.get(), trusted.get(), 0) == 1;
  ossl::take_errors();
  return said;
}

class Ocsp : public ::testing::Test {
 protected:
  Ocsp() { start(); }
  void start(bool is_served = true) {
    server.reset();
    ServerOptions options{.settings = "[ocsp]\nlifetime = \"12h\"\n"};
    options.store = std::make_unique<BorrowedStore>(*store, *store);
    auto holder = std::make_unique<ca::test::MemoryKey>(ca.ca.issuing_key);
    options.ca.emplace();
    options.ca->key = holder.get();
    options.ca->issuer = ca::Issuer::make(ca.ca.issuing, {ca.ca.root}, std::move(holder),
                                          ca::test::kHttpUrl + ca::aia_path(ca.ca.issuing), {}, {},
                                          is_served ? ca::test::kHttpUrl + std::string(ca::kOcspPath) : "")
                             .value();
    server.emplace(std::move(options));
  }
  void set_clock(Time at) { server->clock.advance(at - server->clock.now()); }
  void renew(Time at) {
    set_clock(at);
    server->app->ocsp.renew_if_due();
  }
  x509::Certificate issue(std::string const& name = "a.cams.example") {
    return server->app->authority->issue(ca::test::request(names_of({name})), "order of " + name, server->clock.now())
        .value();
  }
  void revoke(std::string const& serial, std::optional<x509::RevocationReason> reason = {}) {
    server->app->store->write([&](store::WriteTxn& txn) {
      return ca::record_revoked(txn, serial, {.at = server->clock.now(), .reason = reason, .by = "a test"}).ok();
    });
  }
  Answer post(Bytes const& request, std::string const& type = "application/ocsp-request") {
    auto web = make_request(net::Method::post, std::string(ca::kOcspPath));
    web.headers.add("Content-Type", type);
    web.body = as_text(request);
    return server->send_web(std::move(web));
  }
  Answer get(std::string const& text, std::vector<std::pair<std::string, std::string>> const& fields = {}) {
    auto web = make_request(net::Method::get, std::string(ca::kOcspPath) + "/" + text);
    for (auto const& [name, value] : fields) web.headers.add(name, value);
    return server->send_web(std::move(web));
  }
  Answer get(x509::Certificate const& certificate) { return get(to_base64(ask({certificate}, ca.ca.issuing))); }
  Said read(Answer const& answer) { return test::read(answer.body, ca.ca.root, ca.ca.issuing, server->clock.now()); }
  Said of(x509::Certificate const& certificate, int nonce = kNoNonce, EVP_MD const* hash = EVP_sha1()) {
    return read(post(ask({certificate}, ca.ca.issuing, nonce, hash)));
  }
  std::string ocsp_health() { return *health().object().find("parts")->as_object()->find("ocsp")->as_string(); }
  Answer health() { return server->send_web(make_request(net::Method::get, "/health")); }

  ca::test::TestCa ca;
  std::unique_ptr<store::Store> store = store::make_memory_store();
  std::optional<TestServer> server;
};

// --- what is answered

TEST_F(Ocsp, GoodRevokedAndUnknown) {
  renew(kNow);
  auto const good = issue();
  auto const revoked = issue("b.cams.example");
  revoke(revoked.serial_hex(), x509::RevocationReason::superseded);
  auto const unknown = ca.issuer
                           ->sign(ca.issuer
                                      ->prepare(ca::test::profile("server"),
                                                ca::test::request(names_of({"c.cams.example"}), "server"), kNow)
                                      .value())
                           .value();
  for (EVP_MD const* hash : {EVP_sha1(), EVP_sha256()}) {
    for (int const nonce : {kNoNonce, 1, 32}) {
      SCOPED_TRACE(EVP_MD_get0_name(hash) + std::string(" ") + std::to_string(nonce));
      EXPECT_EQ(of(good, nonce, hash).status, V_OCSP_CERTSTATUS_GOOD);
      EXPECT_EQ(of(revoked, nonce, hash).status, V_OCSP_CERTSTATUS_REVOKED);
      EXPECT_EQ(of(revoked, nonce, hash).reason, OCSP_REVOKED_STATUS_SUPERSEDED);
      EXPECT_EQ(of(unknown, nonce, hash).status, V_OCSP_CERTSTATUS_UNKNOWN) << "signed by the key, and not on record";
      for (auto const& each : {good, revoked, unknown}) {
        EXPECT_TRUE(of(each, nonce, hash).is_trusted);
        EXPECT_EQ(of(each, nonce, hash).has_nonce, nonce != kNoNonce);
      }
    }
  }
}

// A client may ask for a chain: what is above the issuer is not ours to answer for.
// The key signed it before a restore: the store knows nothing but what a person said of it.
TEST_F(Ocsp, WhatIsNotOnRecordCanBeRevokedAllTheSame) {
  renew(kNow);
  auto draft =
      ca.issuer->prepare(ca::test::profile("server"), ca::test::request(names_of({"c.cams.example"}), "server"), kNow);
  auto const certificate = ca.issuer->sign(*std::move(draft)).value();
  EXPECT_EQ(of(certificate).status, V_OCSP_CERTSTATUS_UNKNOWN);
  server->app->store->write([&](store::WriteTxn& txn) {
    return ca::record_unknown_revoked(txn, certificate.serial_hex(), to_hex(ca.ca.issuing.subject_key_id()),
                                      certificate.not_after(),
                                      {.at = kNow, .reason = x509::RevocationReason::superseded, .by = "a test"})
        .ok();
  });
  EXPECT_EQ(of(certificate).status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(of(certificate).reason, OCSP_REVOKED_STATUS_SUPERSEDED);
}

TEST_F(Ocsp, SeveralAtOnce) {
  renew(kNow);
  auto const leaf = issue();
  RequestPtr const request(OCSP_REQUEST_new());
  OCSP_request_add0_id(request.get(), OCSP_cert_to_id(EVP_sha1(), leaf.native(), ca.ca.issuing.native()));
  OCSP_request_add0_id(request.get(), OCSP_cert_to_id(EVP_sha1(), ca.ca.issuing.native(), ca.ca.root.native()));
  auto const said = read(post(ossl::to_der(request.get(), i2d_OCSP_REQUEST)));
  EXPECT_EQ(said.answers, 2);
  EXPECT_EQ(said.status, V_OCSP_CERTSTATUS_GOOD);
}

TEST_F(Ocsp, Refusals) {
  renew(kNow);
  auto const leaf = issue();
  auto const broken = issue("b.cams.example");
  store->write([&](store::WriteTxn& txn) {
    txn.put(ca::tables::kRecords, broken.serial_hex(), "{");
    return true;
  });
  struct Case {
    char const* name;
    Bytes request;
    int response;
  };
  Case const cases[] = {
      {"good", ask({leaf}, ca.ca.issuing), OCSP_RESPONSE_STATUS_SUCCESSFUL},
      {"no request", to_bytes("hello"), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST},
      {"nothing", {}, OCSP_RESPONSE_STATUS_MALFORMEDREQUEST},
      {"too many certificates", ask(std::vector(17, leaf), ca.ca.issuing), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST},
      {"a nonce of 33 octets", ask({leaf}, ca.ca.issuing, 33), OCSP_RESPONSE_STATUS_MALFORMEDREQUEST},
      {"another issuer's", ask({leaf}, ca.ca.root), OCSP_RESPONSE_STATUS_UNAUTHORIZED},
      {"a hash that nobody here knows", ask({leaf}, ca.ca.issuing, kNoNonce, EVP_sha384()),
       OCSP_RESPONSE_STATUS_UNAUTHORIZED},
      {"a record that cannot be read", ask({broken}, ca.ca.issuing), OCSP_RESPONSE_STATUS_INTERNALERROR},
  };
  for (Case const& c : cases) {
    auto const answer = post(c.request);
    EXPECT_EQ(answer.status, 200) << c.name << ": that is where clients look";
    EXPECT_EQ(answer.header("Content-Type"), "application/ocsp-response") << c.name;
    EXPECT_EQ(read(answer).response, c.response) << c.name;
    auto const by_get = get(to_base64(c.request));
    if (!c.request.empty()) {
      EXPECT_EQ(read(by_get).response, c.response) << c.name;
      EXPECT_EQ(by_get.header("Cache-Control") == "no-store", c.response != OCSP_RESPONSE_STATUS_SUCCESSFUL) << c.name;
    }
  }
  EXPECT_THAT(server->log_lines(), Contains(HasSubstr("ocsp.not_answered")));
}

TEST_F(Ocsp, MediaTypeOfAPost) {  // RFC 9110 8.3.1
  renew(kNow);
  auto const request = ask({issue()}, ca.ca.issuing);
  for (auto const* type : {"application/ocsp-request", "Application/OCSP-Request",
                           "application/ocsp-request; charset=binary", "application/ocsp-request ;x=y"})
    EXPECT_EQ(read(post(request, type)).response, OCSP_RESPONSE_STATUS_SUCCESSFUL) << type;
  for (auto const* type : {"application/octet-stream", "application/ocsp-requests", "application/ocsp", ""})
    EXPECT_EQ(post(request, type).status, 415) << type;
}

// RFC 6960 appendix A.1 wants base64 that is percent-encoded. What clients do is another matter.
TEST_F(Ocsp, FormsOfAGet) {
  renew(kNow);
  auto const leaf = issue();
  // The last octets are a nonce: of three lengths one needs no padding, and slashes and plusses come as they are
  // wanted.
  Bytes request;
  std::string text;
  for (int length = 1; length <= 32 && (text.find('/') == text.npos || text.find("==") == text.npos); ++length) {
    RequestPtr const one(OCSP_REQUEST_new());
    OCSP_request_add0_id(one.get(), OCSP_cert_to_id(EVP_sha1(), leaf.native(), ca.ca.issuing.native()));
    std::vector<unsigned char> slashes(static_cast<std::size_t>(length), 0xff);
    OCSP_request_add1_nonce(one.get(), slashes.data(), length);
    request = ossl::to_der(one.get(), i2d_OCSP_REQUEST);
    text = to_base64(request);
  }
  ASSERT_THAT(text, AllOf(HasSubstr("/"), HasSubstr("==")));
  auto const replaced = [](std::string in, std::string_view what, std::string_view by) {
    for (auto at = in.find(what); at != in.npos; at = in.find(what, at + by.size())) in.replace(at, what.size(), by);
    return in;
  };
  auto const encoded = replaced(replaced(replaced(text, "/", "%2F"), "+", "%2B"), "=", "%3D");
  struct Case {
    char const* name;
    std::string text;
    bool is_fine;
  };
  for (Case const& c : {
           Case{"as RFC 6960 has it", encoded, true},
           Case{"in lower case", replaced(replaced(replaced(text, "/", "%2f"), "+", "%2b"), "=", "%3d"), true},
           Case{"as base64 has it", text, true},
           Case{"slashes alone are encoded", replaced(text, "/", "%2F"), true},
           Case{"without padding", replaced(text, "=", ""), true},
           Case{"with half of it", text.substr(0, text.size() - 1), true},
           Case{"with a slash more", text + "/", false},
           Case{"of the other alphabet", replaced(text, "/", "_"), false},
           Case{"with a space", text.substr(0, 8) + "%20" + text.substr(8), false},
           Case{"encoded twice", replaced(encoded, "%", "%25"), false},
           Case{"cut", text.substr(0, 40), false},
       })
    EXPECT_EQ(read(get(c.text)).response,
              c.is_fine ? OCSP_RESPONSE_STATUS_SUCCESSFUL : OCSP_RESPONSE_STATUS_MALFORMEDREQUEST)
        << c.name;
  EXPECT_EQ(get("").status, 404) << "no request at all";
}

TEST_F(Ocsp, NotServedWhereCertificatesNameNone) {
  start(false);
  server->app->ocsp.start();
  EXPECT_EQ(post(ask({issue()}, ca.ca.issuing)).status, 404);
  EXPECT_EQ(get(issue()).status, 404);
  EXPECT_EQ(ocsp_health(), "not served");
  EXPECT_THAT(server->log_lines(), Not(Contains(HasSubstr("ocsp."))));
  start(true);
  server->app->ocsp.start();
  start(false);
  server->app->ocsp.start();
  EXPECT_THAT(server->log_lines(), Contains(HasSubstr("ocsp.no_longer_served"))) << "certificates name one now";
}

// --- what is kept

TEST_F(Ocsp, FieldsForCaches) {  // RFC 5019 6.2
  renew(kNow);
  auto const answer = get(issue());
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(answer.header("Content-Type"), "application/ocsp-response");
  EXPECT_EQ(answer.header("Last-Modified"), to_http_date(kNow));
  EXPECT_EQ(answer.header("Expires"), to_http_date(kNow + 12 * kHour));
  EXPECT_EQ(answer.header("Cache-Control"), "public, no-transform, must-revalidate, max-age=21600");
  EXPECT_EQ(answer.header("ETag").size(), 34u);
}

TEST_F(Ocsp, ConditionalRequests) {
  renew(kNow);
  auto const leaf = issue();
  auto const text = to_base64(ask({leaf}, ca.ca.issuing));
  auto const tag = get(text).header("ETag");
  auto const again = get(text, {{"If-None-Match", tag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_EQ(again.body, "");
  EXPECT_EQ(again.header("ETag"), tag);
  EXPECT_EQ(get(text, {{"If-Modified-Since", to_http_date(kNow)}}).status, 304);
  revoke(leaf.serial_hex());
  EXPECT_EQ(get(text, {{"If-None-Match", tag}}).status, 200) << "it is another answer now";
}

// A signature of ECDSA is another each time: the same octets are the same signature.
TEST_F(Ocsp, OneSignatureForManyClients) {
  renew(kNow);
  auto const leaf = issue();
  auto const first = get(leaf).body;
  set_clock(kNow + 6 * kHour - Seconds(1));
  EXPECT_EQ(get(leaf).body, first);
  EXPECT_EQ(get(leaf).header("Cache-Control"), "public, no-transform, must-revalidate, max-age=1");
  EXPECT_EQ(post(ask({leaf}, ca.ca.issuing)).body, first) << "by whichever method";
  auto const other = issue("b.cams.example");
  EXPECT_NE(get(other).body, first);
  set_clock(kNow + 6 * kHour);
  EXPECT_NE(get(leaf).body, first) << "half of its time is over";
  EXPECT_EQ(get(leaf).header("Last-Modified"), to_http_date(kNow + 6 * kHour));
}

TEST_F(Ocsp, ARevocationIsInTheNextAnswer) {
  renew(kNow);
  auto const leaf = issue();
  auto const other = issue("b.cams.example");
  EXPECT_EQ(read(get(leaf)).status, V_OCSP_CERTSTATUS_GOOD);
  auto const of_other = get(other).body;
  revoke(leaf.serial_hex(), x509::RevocationReason::key_compromise);
  EXPECT_EQ(read(get(leaf)).status, V_OCSP_CERTSTATUS_REVOKED);
  EXPECT_EQ(get(leaf).body, get(leaf).body) << "and is kept in its turn";
  EXPECT_EQ(get(other).body, of_other) << "nobody else's is made anew";
}

TEST_F(Ocsp, NothingIsKeptThatIsForOneClient) {
  renew(kNow);
  auto const leaf = issue();
  auto const stranger = ca.issuer
                            ->sign(ca.issuer
                                       ->prepare(ca::test::profile("server"),
                                                 ca::test::request(names_of({"c.cams.example"}), "server"), kNow)
                                       .value())
                            .value();
  for (auto const& text : {to_base64(ask({leaf}, ca.ca.issuing, 16)), to_base64(ask({stranger}, ca.ca.issuing)),
                           to_base64(ask({leaf, leaf}, ca.ca.issuing))}) {
    auto const answer = get(text);
    EXPECT_EQ(read(answer).response, OCSP_RESPONSE_STATUS_SUCCESSFUL);
    EXPECT_EQ(answer.header("Cache-Control"), "no-store");
    EXPECT_EQ(answer.header("ETag"), "");
    EXPECT_NE(get(text).body, answer.body);
  }
  EXPECT_FALSE(of(leaf).has_nonce) << "and nobody gets another's nonce";
}

// However many certificates there are, no more than so many answers are in memory.
TEST_F(Ocsp, TheOldestAnswersAreForgotten) {
  renew(kNow);
  server->app->ocsp.limits.kept = 2;
  std::vector<x509::Certificate> leaves;
  std::vector<std::string> first;
  for (int i = 0; i < 5; ++i) {
    leaves.push_back(issue("c" + std::to_string(i) + ".cams.example"));
    first.push_back(get(leaves.back()).body);
  }
  EXPECT_EQ(get(leaves[4]).body, first[4]);
  EXPECT_EQ(get(leaves[3]).body, first[3]);
  EXPECT_EQ(get(leaves[2]).body, first[2]);
  EXPECT_NE(get(leaves[0]).body, first[0]);
}

// Who asks for what must be signed for him alone gets so many signatures, and the others go on.
TEST_F(Ocsp, AFlood) {
  renew(kNow);
  server->app->ocsp.limits.signed_for_one = {3, kMinute};
  auto const leaf = issue();
  auto const stranger = ca.issuer
                            ->sign(ca.issuer
                                       ->prepare(ca::test::profile("server"),
                                                 ca::test::request(names_of({"c.cams.example"}), "server"), kNow)
                                       .value())
                            .value();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(of(stranger).status, V_OCSP_CERTSTATUS_UNKNOWN);
  EXPECT_EQ(of(stranger).response, OCSP_RESPONSE_STATUS_TRYLATER);
  auto const without = of(leaf, 16);
  EXPECT_EQ(without.status, V_OCSP_CERTSTATUS_GOOD) << "what can be kept is answered from there";
  EXPECT_FALSE(without.has_nonce);
  set_clock(kNow + 20 * Seconds(1));
  EXPECT_TRUE(of(leaf, 16).has_nonce);
  server->app->ocsp.limits.signed_for_many = {1, kMinute};
  auto const other = issue("b.cams.example");
  auto const third = issue("d.cams.example");
  EXPECT_EQ(of(leaf).status, V_OCSP_CERTSTATUS_GOOD) << "there is one";
  EXPECT_EQ(of(other).response, OCSP_RESPONSE_STATUS_TRYLATER) << "one was signed for the nonce that was passed over";
  set_clock(kNow + 2 * kMinute);
  EXPECT_EQ(of(other).status, V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(of(third).response, OCSP_RESPONSE_STATUS_TRYLATER);
  EXPECT_EQ(of(other).status, V_OCSP_CERTSTATUS_GOOD);
}

// --- the signer

x509::Certificate parse(Bytes const& der) { return x509::Certificate::from_der(der).value(); }

TEST_F(Ocsp, TheSignerIsIssuedLikeAnyCertificate) {
  renew(kNow);
  auto const signer = parse(of(issue()).signer);
  EXPECT_EQ(signer.names(), x509::NameSet());
  store->read([&](store::ReadTxn& txn) {
    auto const record = ca::find_by_serial(txn, signer.serial_hex());
    ASSERT_TRUE(record);
    EXPECT_EQ(record->status, ca::CertificateStatus::issued);
    EXPECT_EQ(record->profile, "ocsp-signer");
    EXPECT_EQ(record->subscriber, "") << "nobody's";
  });
  auto const policy = make_policy(server->app->settings, *server->app->authority, server->clock.now());
  EXPECT_TRUE(std::ranges::none_of(policy.profiles, [](auto const& p) { return p.name == "ocsp-signer"; }))
      << "and nobody else gets one";
}

TEST_F(Ocsp, TheSignerIsRenewedAtHalfOfItsLife) {
  renew(kNow);
  auto const leaf = issue();
  auto const first = of(leaf).signer;
  Time const half = parse(first).not_before() + Seconds((7 * kDay - Seconds(1)) / 2);
  renew(half - Seconds(1));
  EXPECT_EQ(of(leaf).signer, first);
  renew(half);
  auto const second = of(leaf).signer;
  EXPECT_NE(second, first);
  EXPECT_FALSE(parse(second).key() == parse(first).key());
  EXPECT_TRUE(of(leaf).is_trusted);
  // From an answer's last moment to the signer's: longer than an answer may be good.
  EXPECT_GT(parse(first).not_after() - half, 3 * kDay);
}

TEST_F(Ocsp, ASignerThatWasRevokedIsReplaced) {
  renew(kNow);
  auto const leaf = issue();
  auto const first = of(leaf).signer;
  revoke(parse(first).serial_hex());
  renew(kNow + kMinute);
  EXPECT_NE(of(leaf).signer, first) << "nothing of the old one is kept";
}

TEST_F(Ocsp, WithoutTheKeyTheOldSignerGoesOn) {
  renew(kNow);
  auto const leaf = issue();
  EXPECT_EQ(ocsp_health(), "ok");
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  Time const half = kNow + 4 * kDay;
  renew(half);
  EXPECT_THAT(server->log_lines(), Contains(AllOf(HasSubstr("\"warning\""), HasSubstr("ocsp.signer_not_made"),
                                                  HasSubstr("no token in the slot"))));
  EXPECT_TRUE(of(leaf).is_trusted);
  EXPECT_EQ(health().status, 200);
  EXPECT_EQ(health().text("status"), "degraded");
  EXPECT_THAT(ocsp_health(), HasSubstr("still good"));

  Time const end = parse(of(leaf).signer).not_after();
  renew(end - kHour);
  EXPECT_EQ(get(leaf).header("Expires"), to_http_date(end)) << "no answer is good for longer than its signer";
  renew(end);
  EXPECT_EQ(of(leaf).response, OCSP_RESPONSE_STATUS_TRYLATER);
  EXPECT_EQ(health().status, 503);
  EXPECT_THAT(health().text("why"), HasSubstr("ocsp: "));
  server->key->instead = nullptr;
  renew(end);
  EXPECT_EQ(of(leaf).status, V_OCSP_CERTSTATUS_GOOD);
  EXPECT_EQ(health().text("status"), "ok");
}

TEST_F(Ocsp, WithoutTheKeyAtTheStartClientsTryLater) {
  auto const leaf = issue();
  server->key->instead = [](ByteView) -> Result<Bytes> { return Error(Errc::unavailable, "no token in the slot"); };
  server->app->ocsp.start();
  EXPECT_EQ(of(leaf).response, OCSP_RESPONSE_STATUS_TRYLATER);
  EXPECT_EQ(health().status, 503);
}

}  // namespace
}  // namespace lenscap::acme::test
