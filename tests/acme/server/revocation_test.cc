// Revocation as strangers see it. lenscap-ca runs as a process; certificates are ordered and revoked by ACME and by
// command; curl fetches the lists from the URL that stands in the certificates; openssl and certtool judge.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <sstream>

#include "acme/wire/jws.h"
#include "base/json.h"
#include "tests/e2e/page.h"
#include "tests/fakes/ca_process.h"

namespace lenscap {
namespace {

using fakes::CaProcess;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kOcsp = "[ocsp]\nserve = true\n";
// Every revocation makes a list at once.
constexpr char const* kAtOnce = "[crl]\nafter_revocation = \"0s\"\n";

std::string upper(std::string hex) {
  for (char& c : hex)
    if (c >= 'a' && c <= 'f') c = static_cast<char>(c - 'a' + 'A');
  return hex;
}

// A client of the server, by curl, with an account that is granted all names.
class User {
 public:
  explicit User(CaProcess& ca) : ca_(ca) {
    auto const eab =
        json::parse_object(
            ca_.run({"--output", "json", "eab", "create", "--grant-dns", "cams.example", "--uses", "many"}).out)
            .value();
    SecretBytes const mac_key(from_base64url(json::need_string(eab, "mac_key").value()).value());
    auto const url = ca_.base() + "/acme/new-account";
    kid_ =
        field(post(url, json::write(json::Object{{"externalAccountBinding",
                                                  acme::make_eab(json::need_string(eab, "kid").value(), mac_key,
                                                                 acme::MacAlgorithm::hs256, url, key_.public_key())}})),
              "Location");
  }

  // The certificate's file: the leaf, and those above it.
  std::string issue(std::string const& name) {
    auto const order = try_order(name);
    auto const csr = ca_.path(name + ".csr");
    EXPECT_EQ(ca_.programs()
                  .run({"openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/", "-addext", "subjectAltName=DNS:" + name, "-outform", "DER", "-keyout",
                        ca_.path(name + ".key"), "-out", csr})
                  .code,
              0);
    auto const finalized = post(field(order, "Location") + "/finalize",
                                R"({"csr":")" + to_base64url(as_bytes(CaProcess::read(csr))) + R"("})");
    auto const url = json::need_string(json::parse_object(body(finalized)).value(), "certificate").value();
    auto const file = ca_.path(name + ".pem");
    std::ofstream(file) << body(post(url, ""));
    return file;
  }
  // The whole answer.
  std::string try_order(std::string const& name) {
    return post(ca_.base() + "/acme/new-order", R"({"identifiers":[{"type":"dns","value":")" + name + R"("}]})");
  }
  std::string revoke(std::string const& file) {
    auto const der = ca_.path("leaf.der");
    EXPECT_EQ(ca_.programs().run({"openssl", "x509", "-in", file, "-outform", "DER", "-out", der}).code, 0);
    return post(ca_.base() + "/acme/revoke-cert",
                R"({"reason":1,"certificate":")" + to_base64url(as_bytes(CaProcess::read(der))) + R"("})");
  }

 private:
  static std::string field(std::string const& answer, std::string const& name) {
    auto const at = answer.find(name + ": ");
    EXPECT_NE(at, std::string::npos) << answer;
    return at == std::string::npos ? ""
                                   : answer.substr(at + name.size() + 2, answer.find('\r', at) - at - name.size() - 2);
  }
  static std::string body(std::string const& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
  std::string curl(std::vector<std::string> words) {
    words.insert(words.begin(), {"curl", "--silent", "--show-error", "--max-time", "20", "--cacert", ca_.root()});
    return ca_.programs().run(std::move(words)).out;
  }
  std::string post(std::string const& url, std::string const& payload) {
    auto const nonce = field(curl({"--head", ca_.base() + "/acme/new-nonce"}), "Replay-Nonce");
    auto const jws = acme::sign_jws(key_, {.url = url, .nonce = nonce, .kid = kid_}, payload);
    return curl({"--include", "--header", "Content-Type: application/jose+json", "--data-binary", jws, url});
  }

  CaProcess& ca_;
  x509::PrivateKey key_ = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  std::string kid_;
};

class Revocation : public ::testing::Test {
 protected:
  // The commands of a page, or of sections of it, one after the other, each as `fill_in` has made it, with what came of
  // it.
  template <class FillIn>
  std::vector<std::pair<std::string, e2e::Ran>> run_page(std::string const& page, FillIn const& fill_in,
                                                         std::vector<std::string> const& sections = {}) {
    std::filesystem::create_directories(ca->path("bin"));
    auto const program = ca->path("bin/lenscap-ca");
    std::ofstream(program) << "#!/bin/sh\nexec " LENSCAP_BIN_DIR "/lenscap-ca --state " + ca->state() + " \"$@\"\n";
    std::filesystem::permissions(program, std::filesystem::perms::owner_all);
    std::string script;
    if (!sections.empty())
      script = e2e::script_of_sections(page, sections);
    else
      for (auto const& block : e2e::blocks_of(page)) script += block;
    std::vector<std::pair<std::string, e2e::Ran>> ran;
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
      line = fill_in(line);
      ran.emplace_back(
          line, run({"env", "-C", ca->path(""), "PATH=" + ca->path("bin") + ":/usr/bin:/bin", "sh", "-c", line}));
    }
    return ran;
  }
  void start(std::string const& tables) {
    ca.emplace("", tables);
    ca->serve();
  }
  e2e::Ran run(std::vector<std::string> words) { return ca->programs().run(std::move(words)); }
  std::string serial_of(std::string const& leaf) {
    auto const said = run({"openssl", "x509", "-in", leaf, "-noout", "-serial"}).out;  // serial=0169...
    return said.substr(7, said.find('\n') - 7);
  }
  // Where the certificate says that its list is.
  std::string list_of(std::string const& leaf) {
    auto const text = run({"openssl", "x509", "-in", leaf, "-noout", "-ext", "crlDistributionPoints"}).out;
    auto const at = text.find("URI:");
    EXPECT_NE(at, std::string::npos) << text;
    return text.substr(at + 4, text.find('\n', at) - at - 4);
  }
  // The list, now, as a file of PEM beside that of DER.
  std::string fetch(std::string const& url) {
    auto const der = ca->path("list.crl");
    EXPECT_EQ(run({"curl", "--silent", "--show-error", "--fail", "--output", der, url}).code, 0) << url;
    auto const pem = ca->path("list" + std::to_string(++fetched_) + ".pem");
    EXPECT_EQ(run({"openssl", "crl", "-inform", "DER", "-in", der, "-out", pem}).code, 0);
    return pem;
  }
  std::string text_of(std::string const& list) { return run({"openssl", "crl", "-in", list, "-noout", "-text"}).out; }
  // Fetched until it names the serial: the file.
  std::string fetch_with(std::string const& url, std::string const& serial) {
    std::string list;
    EXPECT_TRUE(e2e::until([&] {
      list = fetch(url);
      return text_of(list).find("Serial Number: " + upper(serial)) != std::string::npos;
    })) << serial;
    return list;
  }
  int number_of(std::string const& list) {
    auto const said = run({"openssl", "crl", "-in", list, "-noout", "-crlnumber"}).out;  // crlNumber=0x1A
    return std::stoi(said.substr(said.find("0x") + 2), nullptr, 16);
  }
  e2e::Ran verify(std::string const& leaf, std::string const& list, std::vector<std::string> const& more = {}) {
    std::vector<std::string> words{"openssl",    "verify",      "-crl_check", "-CAfile", ca->root(),
                                   "-untrusted", ca->issuing(), "-CRLfile",   list};
    words.insert(words.end(), more.begin(), more.end());
    words.push_back(leaf);
    return run(std::move(words));
  }

  std::optional<CaProcess> ca;

 private:
  int fetched_ = 0;
};

TEST_F(Revocation, IsInTheListThatTheCertificateNames) {
  start(kAtOnce);
  User user(*ca);
  auto const one = user.issue("cam1.cams.example");
  auto const two = user.issue("cam2.cams.example");
  auto const three = user.issue("cam3.cams.example");
  auto const url = list_of(one);
  EXPECT_EQ(list_of(two), url);
  auto const before = fetch(url);
  EXPECT_EQ(verify(one, before).code, 0) << verify(one, before).all();

  EXPECT_EQ(ca->run({"cert", "revoke", serial_of(one), "--reason", "superseded"}).code, 0);
  auto const by_command = fetch_with(url, serial_of(one));
  EXPECT_THAT(verify(one, by_command).all(), HasSubstr("certificate revoked"));
  EXPECT_THAT(text_of(by_command), HasSubstr("Superseded"));
  EXPECT_THAT(user.revoke(two), HasSubstr("HTTP/1.1 200"));
  auto const by_acme = fetch_with(url, serial_of(two));
  EXPECT_THAT(verify(two, by_acme).all(), HasSubstr("certificate revoked"));
  EXPECT_THAT(text_of(by_acme), HasSubstr("Key Compromise"));
  EXPECT_EQ(verify(three, by_acme).code, 0);
  EXPECT_LT(number_of(before), number_of(by_command));
  EXPECT_LT(number_of(by_command), number_of(by_acme));

  // GnuTLS says the same.
  auto const gnutls = run({"certtool", "--crl-info", "--infile", by_acme});
  EXPECT_THAT(gnutls.out, HasSubstr("Revoked certificates (2):"));
  auto const verdict = run({"certtool", "--verify-crl", "--load-ca-certificate", ca->issuing(), "--infile", by_acme});
  EXPECT_EQ(verdict.code, 0) << verdict.all();

  // As a cache would ask.
  auto const head = run({"curl", "--silent", "--head", url}).out;
  EXPECT_THAT(head, HasSubstr("Content-Type: application/pkix-crl\r\n"));
  EXPECT_THAT(head, HasSubstr("Content-Length: " + std::to_string(CaProcess::read(ca->path("list.crl")).size())));
  auto const tag = head.substr(head.find("ETag: ") + 6, head.find('\r', head.find("ETag: ")) - head.find("ETag: ") - 6);
  EXPECT_EQ(run({"curl", "--silent", "--output", ca->path("again"), "--write-out", "%{http_code} %{size_download}",
                 "--header", "If-None-Match: " + tag, url})
                .out,
            "304 0");
  EXPECT_THAT(run({"curl", "--silent", ca->web() + "/health"}).out, HasSubstr(R"("crl":"ok")"));

  // A new start makes a new list, with a higher number and the same entries; also of what was revoked meanwhile.
  EXPECT_EQ(ca->stop(), 0);
  EXPECT_EQ(ca->run({"cert", "revoke", serial_of(three)}).code, 0);
  ca->serve();
  auto const after = fetch(url);
  EXPECT_LT(number_of(by_acme), number_of(after));
  for (auto const& leaf : {one, two, three})
    EXPECT_THAT(verify(leaf, after).all(), HasSubstr("certificate revoked")) << leaf;
  EXPECT_EQ(ca->stop(), 0);
}

TEST_F(Revocation, OfAPartIsNoProofForTheCertificatesOfAnother) {
  start(std::string(kAtOnce) + "shards = 2\n");
  User user(*ca);
  // Serial numbers are random: after so many there are some of both parts, or the world ends first.
  std::map<std::string, std::string> leaf_of;  // by the URL of its list
  for (int i = 0; i < 64 && leaf_of.size() < 2; ++i) {
    auto const leaf = user.issue("cam" + std::to_string(i) + ".cams.example");
    leaf_of[list_of(leaf)] = leaf;
  }
  ASSERT_EQ(leaf_of.size(), 2u);
  auto const& [url, leaf] = *leaf_of.begin();
  auto const& [other_url, other_leaf] = *std::next(leaf_of.begin());
  EXPECT_EQ(ca->run({"cert", "revoke", serial_of(leaf)}).code, 0);
  auto const list = fetch_with(url, serial_of(leaf));
  auto const other_list = fetch(other_url);
  EXPECT_THAT(text_of(list), HasSubstr("X509v3 Issuing Distribution Point: critical"));
  EXPECT_THAT(text_of(other_list), Not(HasSubstr(upper(serial_of(leaf)))));

  EXPECT_THAT(verify(leaf, list, {"-extended_crl"}).all(), HasSubstr("certificate revoked"));
  EXPECT_EQ(verify(other_leaf, other_list, {"-extended_crl"}).code, 0);
  EXPECT_THAT(verify(leaf, other_list, {"-extended_crl"}).all(), HasSubstr("different CRL scope"));
  EXPECT_THAT(verify(other_leaf, list, {"-extended_crl"}).all(), HasSubstr("different CRL scope"));
  EXPECT_EQ(ca->stop(), 0);
}

// The commands of docs/revoke.md, as they stand there.
TEST_F(Revocation, TheCommandsOfItsPage) {
  start(std::string(kAtOnce) + kOcsp);
  User user(*ca);
  auto const leaf = user.issue("cam1.cams.example");
  auto const serial = serial_of(leaf);
  auto const fill_in = [&](std::string line) {
    line = std::regex_replace(line, std::regex("\\bSERIAL\\b"), serial);
    line = std::regex_replace(line, std::regex("\\bURL\\b"), list_of(leaf));
    line = std::regex_replace(line, std::regex("\\bRESPONDER\\b"), ca->web() + "/ocsp");
    if (line.starts_with("curl")) fetch_with(list_of(leaf), serial);  // a list with the revocation is there
    return line;
  };
  auto const ran = run_page("revoke.md", fill_in);
  EXPECT_EQ(ran.size(), 15u);
  std::string said;
  for (auto const& [line, result] : ran) {
    EXPECT_EQ(result.code == 0, !line.starts_with("openssl verify")) << line << ": " << result.all();
    said += result.all();
  }
  EXPECT_THAT(said, HasSubstr(list_of(leaf)));
  EXPECT_THAT(said, HasSubstr("Serial Number: " + serial));
  EXPECT_THAT(said, HasSubstr("certificate revoked"));
  EXPECT_THAT(said, HasSubstr(ca->web() + "/ocsp\n"));
  EXPECT_THAT(ran.back().second.all(), HasSubstr("camera.pem: revoked"));
  EXPECT_EQ(ca->stop(), 0);
}

// Those of docs/when-a-key-is-stolen.md: afterwards neither the camera's certificate nor the account is of use.
TEST_F(Revocation, TheCommandsForStolenKeys) {
  start(kAtOnce);
  User user(*ca);
  auto const camera = user.issue("cam1.cams.example");
  auto const another = user.issue("cam2.cams.example");
  auto const only = [&](char const* kind, char const* list, char const* member) {
    auto const all = json::parse_object(ca->run({kind, "list", "--output", "json"}).out).value();
    return json::need_string(*all.find(list)->as_array()->front().as_object(), member).value();
  };
  auto const kid = only("eab", "keys", "kid");
  auto const account = only("account", "accounts", "account");
  auto const fill_in = [&](std::string line) {
    line = std::regex_replace(line, std::regex("\\bSERVED_NAME\\b"), "cam1.cams.example");
    line = std::regex_replace(line, std::regex("\\bKEY\\b"), std::string(64, '7'));
    line = std::regex_replace(line, std::regex("\\bKID\\b"), kid);
    line = std::regex_replace(line, std::regex("\\bSERIAL\\b"), "0x169aabbccdd");  // as a number
    return std::regex_replace(line, std::regex("\\bACCOUNT\\b"), account);
  };
  // That about the issuing key is walked through in revoke_issuer_test.cc.
  auto const ran = run_page("when-a-key-is-stolen.md", fill_in,
                            {"Keep what there is to see", "A camera's key", "A key that somebody else has published",
                             "An account's key, or the agent's machine"});
  EXPECT_EQ(ran.size(), 16u);
  for (auto const& [line, result] : ran) EXPECT_EQ(result.code, 0) << line << ": " << result.all();
  EXPECT_THAT(ran.back().second.out, HasSubstr("1 certificates are now revoked."));  // the other one was before
  fetch_with(list_of(camera), "0169AABBCCDD");
  for (auto const& words : {std::vector<std::string>{"--issuer", "default"},
                            {"--unknown", "--issuer", "plant9"},
                            {"--unknown", "--until", "2020-01-01"},
                            {"--unknown", "--name", "cam1.cams.example"}}) {
    std::vector<std::string> command{"cert", "revoke", "0169aabbcc00"};
    command.insert(command.end(), words.begin(), words.end());
    EXPECT_EQ(ca->run(command).code, 2) << words.back();
  }
  EXPECT_EQ(ca->run({"store", "verify"}).code, 0);
  for (auto const& leaf : {camera, another}) {
    auto const list = fetch_with(list_of(leaf), serial_of(leaf));
    EXPECT_THAT(verify(leaf, list).all(), HasSubstr("certificate revoked"));
  }
  EXPECT_THAT(user.try_order("cam3.cams.example"), HasSubstr("urn:ietf:params:acme:error:unauthorized"));
  EXPECT_EQ(ca->stop(), 0);
}

TEST_F(Revocation, OfAllThatAreSelected) {
  start(kAtOnce);
  User user(*ca);
  std::vector<std::string> leaves;
  for (int i = 0; i < 3; ++i) leaves.push_back(user.issue("cam" + std::to_string(i) + ".cams.example"));
  std::vector<std::string> const words{"cert", "revoke", "--where", "under=cams.example"};
  auto dry = words;
  dry.insert(dry.end(), {"--dry-run"});
  EXPECT_THAT(ca->run(dry).out, HasSubstr("3 certificates would be revoked."));
  EXPECT_THAT(ca->run(dry).out, HasSubstr("cam1.cams.example"));
  EXPECT_THAT(ca->run(words).out, HasSubstr("3 certificates are now revoked."));
  EXPECT_THAT(ca->run(words).out, HasSubstr("0 certificates are now revoked."));
  auto const list = fetch_with(list_of(leaves[2]), serial_of(leaves[2]));
  for (auto const& leaf : leaves) EXPECT_THAT(verify(leaf, list).all(), HasSubstr("certificate revoked")) << leaf;
  EXPECT_EQ(ca->run({"cert", "revoke"}).code, 2);
  EXPECT_EQ(ca->stop(), 0);
}

TEST_F(Revocation, OfOneThatIsOnlyLookedAt) {
  start(kAtOnce);
  User user(*ca);
  auto const leaf = user.issue("cam1.cams.example");
  auto const serial = serial_of(leaf);
  auto const dry = ca->run({"cert", "revoke", serial, "--reason", "superseded", "--dry-run"});
  EXPECT_EQ(dry.code, 0) << dry.all();
  EXPECT_THAT(dry.out, HasSubstr(" (cam1.cams.example) would be revoked."));
  EXPECT_THAT(ca->run({"cert", "list", "--status", "revoked"}).out, Not(HasSubstr("cam1.cams.example")));
  EXPECT_EQ(ca->run({"cert", "revoke", "01", "--dry-run"}).code, 4);
  EXPECT_EQ(ca->run({"cert", "revoke", "01", "--unknown", "--dry-run"}).code, 2);
  EXPECT_THAT(ca->run({"cert", "revoke", "--device", "cam1.cams.example"}).out,
              HasSubstr("1 certificates are now revoked."));
  EXPECT_THAT(ca->run({"cert", "revoke", serial, "--dry-run"}).all(), HasSubstr("was revoked at"));
  EXPECT_EQ(ca->run({"cert", "revoke", serial, "--reason", "keyCompromise", "--dry-run"}).code, 0);
  EXPECT_EQ(ca->stop(), 0);
}

// Asked by OpenSSL by POST, by GnuTLS by POST, and by curl by GET; OpenSSL and GnuTLS verify against the root alone.
TEST_F(Revocation, IsInTheNextOcspAnswer) {
  start(kOcsp);
  User user(*ca);
  auto const leaf = user.issue("cam1.cams.example");
  auto const other = user.issue("cam2.cams.example");
  auto const url = run({"openssl", "x509", "-in", leaf, "-noout", "-ocsp_uri"}).out;
  ASSERT_EQ(url, ca->web() + "/ocsp\n");
  auto const responder = url.substr(0, url.size() - 1);
  // GnuTLS wants all that it trusts in one file, and the root alone does not tell it who issued.
  auto const chain = ca->path("chain.pem");
  std::ofstream(chain) << ca->run({"root", "export", "--chain"}).out;

  // What OpenSSL says after verifying; `more` comes before the certificate.
  auto const openssl = [&](std::string const& certificate, std::vector<std::string> const& more = {}) {
    std::vector<std::string> words{"openssl", "ocsp",     "-url",    responder,
                                   "-CAfile", ca->root(), "-issuer", ca->issuing()};
    words.insert(words.end(), more.begin(), more.end());
    words.insert(words.end(), {"-cert", certificate});
    return run(std::move(words)).all();
  };
  auto const gnutls = [&](std::string const& certificate, std::vector<std::string> const& more = {}) {
    std::vector<std::string> words{"ocsptool",    "--ask=" + responder, "--load-issuer", ca->issuing(),
                                   "--load-cert", certificate,          "--load-trust",  chain};
    words.insert(words.end(), more.begin(), more.end());
    return run(std::move(words)).all();
  };
  for (std::vector<std::string> const& how : {std::vector<std::string>{}, {"-no_nonce"}, {"-sha256"}}) {
    EXPECT_THAT(openssl(leaf, how), HasSubstr("Response verify OK"));
    EXPECT_THAT(openssl(leaf, how), HasSubstr(": good"));
    EXPECT_THAT(openssl(leaf, how), Not(HasSubstr("no nonce in response")));
  }
  for (std::vector<std::string> const& how : {std::vector<std::string>{}, {"--nonce"}}) {
    EXPECT_THAT(gnutls(leaf, how), HasSubstr("Verifying OCSP Response: Success"));
    EXPECT_THAT(gnutls(leaf, how), HasSubstr("Certificate Status: good"));
  }

  EXPECT_EQ(ca->run({"cert", "revoke", serial_of(leaf), "--reason", "superseded"}).code, 0);
  EXPECT_THAT(openssl(leaf, {"-no_nonce"}), HasSubstr(": revoked"));
  EXPECT_THAT(openssl(leaf), HasSubstr("Reason: superseded"));
  EXPECT_THAT(gnutls(leaf), HasSubstr("Certificate Status: revoked"));
  EXPECT_THAT(openssl(other, {"-no_nonce"}), HasSubstr(": good"));
  EXPECT_THAT(user.revoke(other), HasSubstr("HTTP/1.1 200"));
  EXPECT_THAT(openssl(other, {"-no_nonce"}), HasSubstr("Reason: keyCompromise"));

  // What was never issued, and what another CA issued.
  EXPECT_THAT(run({"openssl", "ocsp", "-url", responder, "-CAfile", ca->root(), "-issuer", ca->issuing(), "-serial",
                   "0x0badcafe"})
                  .all(),
              HasSubstr(": unknown"));
  EXPECT_THAT(
      run({"openssl", "ocsp", "-url", responder, "-CAfile", ca->root(), "-issuer", ca->root(), "-cert", leaf}).all(),
      HasSubstr("unauthorized (6)"));

  // By GET, as browsers and caches ask: the request in the path, in base64 that is percent-encoded.
  auto const asked = ca->path("request");
  EXPECT_EQ(run({"openssl", "ocsp", "-no_nonce", "-issuer", ca->issuing(), "-cert", leaf, "-reqout", asked}).code, 0);
  std::string encoded;
  for (char const c : to_base64(as_bytes(CaProcess::read(asked))))
    encoded += c == '/' ? "%2F" : c == '+' ? "%2B" : c == '=' ? "%3D" : std::string(1, c);
  EXPECT_LT((responder + "/" + encoded).size(), 255u) << "RFC 5019 5";
  auto const answer = ca->path("answer");
  EXPECT_EQ(run({"curl", "--silent", "--show-error", "--fail", "--output", answer, responder + "/" + encoded}).code, 0);
  EXPECT_THAT(run({"openssl", "ocsp", "-no_nonce", "-respin", answer, "-CAfile", ca->root(), "-issuer", ca->issuing(),
                   "-cert", leaf})
                  .all(),
              AllOf(HasSubstr("Response verify OK"), HasSubstr("Reason: superseded")));
  auto const head = run({"curl", "--silent", "--head", responder + "/" + encoded}).out;
  EXPECT_THAT(head, HasSubstr("Content-Type: application/ocsp-response\r\n"));
  EXPECT_THAT(head, HasSubstr("must-revalidate"));
  EXPECT_THAT(run({"curl", "--silent", ca->web() + "/health"}).out, HasSubstr(R"("ocsp":"ok")"));

  // What it issued to itself keeps every promise of the store.
  EXPECT_EQ(ca->run({"store", "verify"}).code, 0) << ca->run({"store", "verify"}).all();
  EXPECT_EQ(ca->stop(), 0);
}

TEST_F(Revocation, NoListIsNamedWhereNoneIsServed) {
  start("[crl]\nserve = false\n");
  User user(*ca);
  auto const leaf = user.issue("cam1.cams.example");
  EXPECT_THAT(run({"openssl", "x509", "-in", leaf, "-noout", "-text"}).out, Not(HasSubstr("CRL Distribution")));
  EXPECT_THAT(run({"openssl", "x509", "-in", leaf, "-noout", "-text"}).out, Not(HasSubstr("OCSP")));
  EXPECT_THAT(run({"curl", "--silent", ca->web() + "/health"}).out, HasSubstr(R"("crl":"not served")"));
  EXPECT_THAT(run({"curl", "--silent", ca->web() + "/health"}).out, HasSubstr(R"("ocsp":"not served")"));
  EXPECT_EQ(ca->stop(), 0);
}

}  // namespace
}  // namespace lenscap
