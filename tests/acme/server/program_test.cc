// The program lenscap-ca as people use it: init, serve, and the commands beside a running server and without one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>

#include "acme/wire/jws.h"
#include "base/json.h"
#include "base/time.h"
#include "tests/fakes/ca_process.h"

namespace lenscap {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

class Program : public ::testing::Test {
 protected:
  // One CA for all tests: its keys take seconds to make.
  static void SetUpTestSuite() { ca_ = std::make_unique<fakes::CaProcess>(); }
  static void TearDownTestSuite() { ca_.reset(); }
  static fakes::CaProcess& ca() { return *ca_; }

  static e2e::Ran curl(std::vector<std::string> const& words) {
    std::vector<std::string> all{"curl", "--silent", "--show-error", "--max-time", "20", "--cacert", ca().root()};
    all.insert(all.end(), words.begin(), words.end());
    return ca().programs().run(std::move(all));
  }
  static json::Object json_of(e2e::Ran const& ran) {
    auto object = json::parse_object(ran.out);
    EXPECT_TRUE(object.ok()) << ran.all();
    return object.ok() ? *object : json::Object();
  }

 private:
  static inline std::unique_ptr<fakes::CaProcess> ca_;
};

TEST_F(Program, InitSaysWhatItMadeAndWhatToDoNext) {
  auto const hash = json::need_string(json_of(ca().run({"root", "show", "--output", "json"})), "sha256").value();
  for (auto const& text : {hash, std::string("eab create"), std::string("serve"), std::string("root seal")})
    EXPECT_THAT(ca().init_output(), HasSubstr(text));
  auto const openssl =
      ca().programs().run({"openssl", "x509", "-in", ca().root(), "-noout", "-fingerprint", "-sha256"});
  std::string plain;
  for (auto c : openssl.out)
    if (std::isxdigit(static_cast<unsigned char>(c))) plain += static_cast<char>(std::tolower(c));
  EXPECT_TRUE(plain.ends_with(hash)) << openssl.out;
  struct stat status {};
  for (auto const* key : {"/keys/root.key", "/keys/issuing.key"}) {
    ASSERT_EQ(::stat((ca().state() + key).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
  }
}

TEST_F(Program, InitRefuses) {
  struct Case {
    char const* name;
    char const* dir;
    std::vector<std::string> words;
    int code;
    char const* says;
  };
  Case const cases[] = {
      {"a CA that is there", "state", {"--url", "https://localhost", "--permit-dns", "localhost"}, 5, "exists"},
      {"nothing permitted", "a", {"--url", "https://localhost"}, 2, "permit"},
      {"its own name outside",
       "b",
       {"--url", "https://pki.other.example", "--permit-dns", "cams.example"},
       2,
       "pki.other.example"},
      {"plain http", "c", {"--url", "http://localhost", "--permit-dns", "localhost"}, 2, "https"},
      {"bad directory name",
       "d",
       {"--url", "https://localhost", "--permit-dns", "localhost", "--exclude-directory", "Example"},
       2,
       "\"Example\" cannot be excluded"},
      {"excluded itself",
       "d",
       {"--url", "https://pki.example", "--permit-dns", "example", "--exclude-dns", "pki.example"},
       2,
       "would not be trusted"},
      {"no usage for its own server",
       "d",
       {"--url", "https://localhost", "--permit-dns", "localhost", "--usage", "clientAuth"},
       2,
       "serverAuth"},
      {"room below a root of its own",
       "d",
       {"--url", "https://localhost", "--permit-dns", "localhost", "--path-length", "1"},
       2,
       "what a parent is asked for"},
      {"bad network", "d", {"--url", "https://localhost", "--permit-ip", "10.0.0.1/8"}, 2, "10.0.0.1/8"},
      {"no name", "e", {}, 2, "--name"},
      {"no such option", "e", {"--url", "https://localhost", "--passphrase", "secret"}, 2, "--passphrase"},
  };
  for (auto const& c : cases) {
    std::vector<std::string> words{"init", "--passphrase-file", ca().path("passphrases")};
    if (!c.words.empty()) words.insert(words.end(), {"--name", "X"});
    words.insert(words.end(), c.words.begin(), c.words.end());
    auto const ran = ca().run_on(ca().path(c.dir), std::move(words));
    EXPECT_EQ(ran.code, c.code) << c.name << ": " << ran.all();
    EXPECT_THAT(ran.all(), HasSubstr(c.says)) << c.name;
  }
  for (auto const* dir : {"a", "b", "c", "d", "e"})
    EXPECT_FALSE(std::filesystem::exists(ca().path(dir) + "/keys")) << dir;
}

// Whatever init cannot do, it can be run again, or says how to go on.
TEST_F(Program, ABrokenOffInitLeavesNoHalfCa) {
  auto const state = ca().path("broken");
  auto const init = std::vector<std::string>{"init",
                                             "--name",
                                             "X",
                                             "--url",
                                             "https://localhost",
                                             "--permit-dns",
                                             "localhost",
                                             "--passphrase-file",
                                             ca().path("passphrases")};
  std::filesystem::create_directories(state);
  std::ofstream(state + "/profiles") << "in the way";
  auto const refused = ca().run_on(state, init);
  EXPECT_EQ(refused.code, 1) << refused.all();
  EXPECT_THAT(refused.all(), HasSubstr("profiles"));
  EXPECT_FALSE(std::filesystem::exists(state + "/keys"));
  std::filesystem::remove(state + "/profiles");
  ASSERT_EQ(ca().run_on(state, init).code, 0);

  // Ended between the keys and the last step, with a root of its own and without.
  auto below_a_parent = init;
  below_a_parent.emplace_back("--intermediate");
  auto const other = ca().path("broken-intermediate");
  ASSERT_EQ(ca().run_on(other, below_a_parent).code, 0);
  for (auto const& [where, words] : {std::pair(state, init), std::pair(other, below_a_parent)}) {
    std::filesystem::rename(where + "/ca.toml", where + "/ca.toml.new");
    auto const again = ca().run_on(where, words);
    EXPECT_EQ(again.code, 5) << again.all();
    EXPECT_THAT(again.all(), HasSubstr("mv " + where + "/ca.toml.new " + where + "/ca.toml"));
  }
}

// Every profile that `init` lays down can be offered; one that the issuing certificate is not good for ends the start.
TEST_F(Program, OffersEveryProfileThatTheIssuerIsGoodFor) {
  fakes::CaProcess both;
  auto const offer = [&](std::string const& state) {
    auto const file = state + "/ca.toml";
    auto text = fakes::CaProcess::read(file);
    text.replace(text.find("[ca]\n"), 5,
                 "[ca]\nprofiles = [\"camera-https\", \"camera-https-cn\", \"server\", \"dot1x\", \"short-lived\", "
                 "\"agent\"]\n");
    std::ofstream(file) << text;
  };
  offer(both.state());
  both.serve();
  EXPECT_EQ(both.stop(), 0) << both.log();

  auto const state = ca().path("servers_alone");
  auto const made =
      ca().run_on(state, {"init", "--name", "X", "--url", "https://localhost", "--permit-dns", "localhost", "--usage",
                          "serverAuth", "--passphrase-file", ca().path("passphrases")});
  ASSERT_EQ(made.code, 0) << made.all();
  offer(state);
  auto const refused = ca().run_on(state, {"serve"});
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.all(), HasSubstr("profile dot1x is for clientAuth"));
}

TEST_F(Program, AFreshCaHasEmptyLists) {
  fakes::CaProcess fresh;
  for (auto const* what : {"eab", "cert", "account"}) {
    auto const ran = fresh.run({what, "list", "--output", "json"});
    EXPECT_EQ(ran.code, 0) << what << ": " << ran.all();
    EXPECT_THAT(ran.out, HasSubstr("[]")) << what;
  }
}

TEST_F(Program, APassphraseBesideTheDataIsTold) {
  auto const toml = ca().state() + "/ca.toml";
  auto const before = fakes::CaProcess::read(toml);
  auto const line = before.find("passphrase = \"file:");
  ASSERT_NE(line, std::string::npos) << before;
  ca().serve();
  EXPECT_EQ(ca().stop(), 0);
  EXPECT_THAT(ca().log(), Not(HasSubstr("secrets.not_sealed")));

  std::filesystem::copy_file(ca().path("passphrases"), ca().state() + "/pass");
  auto text = before;
  text.replace(line, text.find('\n', line) - line, "passphrase = \"file:" + ca().state() + "/../state/pass\"");
  std::ofstream(toml) << text;
  ca().serve();
  EXPECT_EQ(ca().stop(), 0);
  EXPECT_THAT(ca().log(), HasSubstr("secrets.not_sealed"));
  std::ofstream(toml) << before;
  std::filesystem::remove(ca().state() + "/pass");
}

// What is missing at the end of a list, or of an auditor's export, nobody would see.
TEST_F(Program, WhatCannotBePrintedFails) {
  for (std::string const words :
       {"root export", "root show", "root status", "issuer list", "eab list", "eab create --grant-dns cams.example",
        "account list", "cert list", "key list", "audit list", "audit verify", "audit export",
        "audit export --format csv", "store verify", "doctor", "explain gate.cams.example"})
    for (std::string const output : {"", "--output json "}) {
      auto const ran = ca().programs().run({"sh", "-c",
                                            std::string(LENSCAP_BIN_DIR) + "/lenscap-ca --state " + ca().state() + " " +
                                                output + words + " > /dev/full"});
      EXPECT_EQ(ran.code, 1) << output << words << "\n" << ran.all();
      EXPECT_THAT(ran.err, HasSubstr("No space left")) << output << words;
    }
}

TEST_F(Program, HelpHasExamplesAndUnknownWordsAreUsage) {
  for (std::vector<std::string> words : {std::vector<std::string>{"init"},
                                         {"serve"},
                                         {"root", "show"},
                                         {"root", "export"},
                                         {"eab", "create"},
                                         {"eab", "list"},
                                         {"eab", "revoke"},
                                         {"cert", "list"},
                                         {"cert", "show"},
                                         {"cert", "revoke"},
                                         {"key", "block"},
                                         {"key", "unblock"},
                                         {"key", "list"},
                                         {"account", "list"},
                                         {"account", "deactivate"},
                                         {"account", "agree"}}) {
    words.emplace_back("--help");
    auto const ran = ca().run(words);
    EXPECT_EQ(ran.code, 0);
    EXPECT_THAT(ran.out, HasSubstr("Examples:"));
  }
  EXPECT_EQ(ca().run({"dance"}).code, 2);
  EXPECT_EQ(ca().run({}).code, 2);
  EXPECT_EQ(ca().run_on("/nonexistent", {"serve"}).code, 1);
}

TEST_F(Program, CommandsWorkWithAndWithoutTheServer) {
  auto const create = std::vector<std::string>{"--output", "json", "eab", "create", "--grant-dns", "cams.example"};
  auto const offline = json_of(ca().run(create));
  ca().serve();
  auto const online = json_of(ca().run(create));
  auto const kids = std::vector{json::need_string(offline, "kid").value(), json::need_string(online, "kid").value()};
  auto const table = ca().run({"eab", "list"});
  EXPECT_EQ(ca().run({"eab", "revoke", kids.at(0)}).code, 0);
  EXPECT_EQ(ca().run({"eab", "revoke", "nobody"}).code, 4);
  EXPECT_EQ(ca().run({"account", "deactivate", "nobody"}).code, 4);
  EXPECT_EQ(ca().run({"eab", "create", "--grant-dns", "other.example"}).code, 5);
  EXPECT_EQ(ca().run({"eab", "create"}).code, 2);
  EXPECT_EQ(ca().run({"eab", "create", "--grant-dns", "cams.example", "--bind-by", "soon"}).code, 2);
  for (auto const& kid : kids) EXPECT_THAT(table.out, HasSubstr(kid));
  EXPECT_THAT(table.out, Not(HasSubstr(json::need_string(online, "mac_key").value())));
  auto const join = ca().run({"eab", "create", "--join", "--grant-dns", "cams.example"});
  EXPECT_TRUE(join.out.starts_with("lenscap1.")) << join.out;

  auto const certificates = ca().run({"cert", "list"});
  EXPECT_THAT(certificates.out, HasSubstr("localhost"));
  auto const serial = json::need_string(
      *json_of(ca().run({"--output", "json", "cert", "list"})).find("certificates")->as_array()->front().as_object(),
      "serial");
  EXPECT_THAT(ca().run({"cert", "show", serial.value()}).out, HasSubstr("BEGIN CERTIFICATE"));
  EXPECT_EQ(ca().run({"cert", "show", "a front door"}).code, 2);
  EXPECT_EQ(ca().run({"cert", "show", std::string(41, '0')}).code, 2);
  auto const revoke = std::vector<std::string>{"cert", "revoke", serial.value(), "--reason", "superseded"};
  EXPECT_EQ(ca().run({"cert", "revoke", serial.value(), "--reason", "boredom"}).code, 5);
  EXPECT_EQ(ca().run({"cert", "revoke", "0100"}).code, 4);
  EXPECT_THAT(ca().run(revoke).out, HasSubstr("localhost"));
  EXPECT_THAT(ca().run(revoke).all(), HasSubstr("was revoked at"));
  EXPECT_THAT(ca().run({"cert", "list"}).out, HasSubstr("revoked"));
  EXPECT_EQ(ca().stop(), 0);
  EXPECT_THAT(ca().log(), HasSubstr("server.stopped"));
  EXPECT_THAT(ca().run({"cert", "show", serial.value()}).out, HasSubstr("superseded"));
  EXPECT_EQ(ca().run({"cert", "show", "0100"}).code, 4);
  EXPECT_THAT(ca().run({"eab", "list"}).out, HasSubstr("revoked"));
  EXPECT_EQ(ca().run({"account", "list", "--output", "json"}).code, 0);
  EXPECT_EQ(ca().run({"account", "deactivate", "nobody"}).code, 4);
  EXPECT_EQ(ca().run({"account", "deactivate"}).code, 2);
  EXPECT_EQ(ca().run({"account", "agree", "nobody"}).code, 2);  // no terms are set
}

// Lists of weak keys are long, and come from elsewhere: all of a file or nothing.
TEST_F(Program, BlocksTheKeysOfAFile) {
  auto const file = ca().path("weak-keys");
  std::set<std::string> hashes;
  {
    std::ofstream out(file);
    out << "# weak keys\n\n";
    for (int i = 0; i < 1'234; ++i) {
      auto const digits = std::to_string(i);
      hashes.insert(std::string(64 - digits.size(), 'a') + digits);
    }
    for (auto const& hash : hashes) out << hash << "  # of one\r\n";
    out << std::string(40, 'a') << "\n";
  }
  auto const refused = ca().run({"key", "block", "--list", file});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("weak-keys:1237:"));
  auto const listed = [] {  // more than our own reader takes at once
    auto const text = ca().run({"--output", "json", "key", "list"}).out;
    std::size_t count = 0;
    for (auto at = text.find("key_sha256"); at != text.npos; at = text.find("key_sha256", at + 1)) ++count;
    return count;
  };
  EXPECT_EQ(listed(), 0U);

  std::ofstream(file) << std::accumulate(hashes.begin(), hashes.end(), std::string(),
                                         [](auto const& all, auto const& one) { return all + one + "\n"; });
  EXPECT_THAT(ca().run({"key", "block", "--list", file, "--why", "weak"}).out, HasSubstr("1234 keys are blocked now"));
  EXPECT_THAT(ca().run({"key", "block", "--list", file}).out, HasSubstr("1234 were already"));
  EXPECT_EQ(listed(), hashes.size());
  for (auto const& hash : {*hashes.begin(), *hashes.rbegin()}) EXPECT_EQ(ca().run({"key", "unblock", hash}).code, 0);
  EXPECT_EQ(ca().run({"key", "unblock", *hashes.begin()}).code, 4);
  EXPECT_EQ(ca().run({"key", "block"}).code, 2);
}

// Whoever looks at a certificate with openssl copies the serial from there.
TEST_F(Program, SerialsAreTakenAsOpensslPrintsThem) {
  fakes::CaProcess fresh;
  fresh.serve();
  EXPECT_EQ(fresh.stop(), 0);  // it has made its own certificate
  auto const own = json_of(fresh.run({"--output", "json", "cert", "list"}));
  auto const serial = json::need_string(*own.find("certificates")->as_array()->front().as_object(), "serial").value();
  auto const shown = fresh.run({"cert", "show", serial}).out;
  auto const pem = shown.substr(shown.find("-----BEGIN"));
  auto const line = fresh.programs().run({"openssl", "x509", "-noout", "-serial"}, pem).out;
  auto const capitals = line.substr(line.find('=') + 1, line.find('\n') - line.find('=') - 1);
  auto const text = fresh.programs().run({"openssl", "x509", "-noout", "-text"}, pem).out;
  constexpr std::string_view kAbove = "Serial Number:\n            ";
  auto const at = text.find(kAbove) + kAbove.size();
  auto const colons = text.substr(at, text.find('\n', at) - at);
  ASSERT_NE(capitals, serial);
  ASSERT_NE(colons.find(':'), std::string::npos) << text;

  for (auto const& as_printed : {capitals, colons, serial}) {
    EXPECT_EQ(fresh.run({"cert", "show", as_printed}).out, shown) << as_printed;
    auto const one = json_of(fresh.run({"--output", "json", "cert", "list", "--serial", as_printed}));
    EXPECT_EQ(one.find("certificates")->as_array()->size(), 1U) << as_printed;
  }
  // As Python and Go print the number.
  auto const number = serial.substr(serial.find_first_not_of('0'));
  ASSERT_NE(number.size() % 2, 0U) << "our serials begin with 01";
  for (auto const& as_number : {number, "0x" + number, "00" + serial})
    EXPECT_EQ(fresh.run({"cert", "show", as_number}).out, shown) << as_number;
  EXPECT_EQ(fresh.run({"cert", "revoke", number, "--unknown"}).code, 5) << "it is on record";
  for (auto const& none : {"0", "0x", "00000", "1g"}) EXPECT_EQ(fresh.run({"cert", "show", none}).code, 2) << none;
  EXPECT_EQ(fresh.run({"cert", "revoke", colons}).code, 0);
  EXPECT_THAT(fresh.run({"cert", "revoke", capitals}).all(), HasSubstr("was revoked at"));
}

TEST_F(Program, CertificatesBySerialAndByStatus) {
  fakes::CaProcess fresh;
  for (int i = 0; i < 3; ++i) {  // each start makes the server's certificate anew
    fresh.serve();
    EXPECT_EQ(fresh.stop(), 0);
  }
  auto const serials = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--output", "json", "cert", "list"});
    auto const ran = fresh.run(more);
    EXPECT_EQ(ran.code, 0) << ran.all();
    std::vector<std::string> all;
    auto const list = json_of(ran);
    for (auto const& one : *list.find("certificates")->as_array())
      all.push_back(json::need_string(*one.as_object(), "serial").value());
    return all;
  };
  auto const all = serials({});
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(serials({"--status", "issued"}), all);
  EXPECT_EQ(serials({"--status", "revoked"}), std::vector<std::string>{});
  ASSERT_EQ(fresh.run({"cert", "revoke", all[1]}).code, 0);
  EXPECT_EQ(serials({"--status", "issued"}), (std::vector{all[0], all[2]}));
  EXPECT_EQ(serials({"--status", "revoked"}), std::vector{all[1]});
  EXPECT_EQ(serials({"--status", "revoked", "--name", "localhost"}), std::vector{all[1]});
  EXPECT_EQ(serials({"--status", "revoked", "--serial", all[0]}), std::vector<std::string>{});
  EXPECT_EQ(serials({"--serial", all[1].substr(0, 2)}), all);
  EXPECT_EQ(serials({"--serial", all[1].substr(0, 20)}), std::vector{all[1]});
  EXPECT_EQ(serials({"--serial", all[1].substr(0, 2), "--after", all[0]}), (std::vector{all[1], all[2]}));
  EXPECT_EQ(serials({"--status", "issued", "--limit", "1"}), std::vector{all[0]});

  EXPECT_EQ(fresh.run({"cert", "list", "--status", "lost"}).code, 2);
  EXPECT_EQ(fresh.run({"cert", "list", "--serial", "x"}).code, 2);
  EXPECT_EQ(fresh.run({"cert", "list", "--serial", "01", "--name", "localhost"}).code, 2);
}

// Requests without a good signature leave the database's file as it was, octet by octet.
TEST_F(Program, TheStoreIsTheSameAfterUnauthenticatedRequests) {
  ca().serve();
  auto const directory = ca().directory();
  auto const new_account = ca().base() + "/acme/new-account";
  auto const new_order = ca().base() + "/acme/new-order";
  std::string const order = R"({"identifiers":[{"type":"dns","value":"cam1.cams.example"}]})";
  auto const nonce = [] {
    auto const head = curl({"--head", ca().base() + "/acme/new-nonce"}).out;
    constexpr std::string_view kField = "Replay-Nonce: ";
    auto const at = head.find(kField) + kField.size();
    return head.substr(at, head.find('\r', at) - at);
  };
  auto const sign = [&](x509::PrivateKey const& by, std::string const& url, std::string const& kid,
                        std::string const& payload) {
    return acme::sign_jws(by, {.url = url, .nonce = nonce(), .kid = kid}, payload);
  };
  auto const post = [](std::string const& url, std::string const& body) {
    return curl({"--include", "--header", "Content-Type: application/jose+json", "--data-binary", body, url}).out;
  };
  auto const problem = [](std::string const& answer) {
    auto const document = json::parse_object(answer.substr(answer.find("\r\n\r\n") + 4));
    constexpr std::string_view kUrn = "urn:ietf:params:acme:error:";
    auto const type = document.ok() ? json::get_string(*document, "type").value().value_or("") : "no JSON: " + answer;
    return type.starts_with(kUrn) ? type.substr(kUrn.size()) : type;
  };
  // One account is there, so that something can be forged in its name.
  auto const eab =
      json_of(ca().run({"--output", "json", "eab", "create", "--grant-dns", "cams.example", "--uses", "many"}));
  auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  SecretBytes const mac_key(from_base64url(json::need_string(eab, "mac_key").value()).value());
  json::Object const binding_of_key{
      {"externalAccountBinding", acme::make_eab(json::need_string(eab, "kid").value(), mac_key,
                                                acme::MacAlgorithm::hs256, new_account, key.public_key())}};
  auto const made = post(new_account, sign(key, new_account, "", json::write(binding_of_key)));
  auto const location = made.find("Location: ");
  ASSERT_NE(location, std::string::npos) << made;
  auto const kid = made.substr(location + 10, made.find('\r', location) - location - 10);

  auto const database = ca().state() + "/db/data.mdb";
  auto const before = fakes::CaProcess::read(database);
  ASSERT_FALSE(before.empty());
  for (auto const* path :
       {"/acme/directory", "/acme/new-nonce", "/acme/new-account", "/acme/new-order", "/health", "/x"}) {
    auto const url = ca().base() + path;
    curl({url});
    curl({"--head", url});
    for (auto const* body : {"", "{}", "nonsense", R"({"protected":"e30","payload":"e30","signature":"AAAA"})"})
      curl({"--header", "Content-Type: application/jose+json", "--data-binary", body, url});
    curl({"--request", "DELETE", url});
    curl({"--header", "Host: evil.example", url});
  }
  EXPECT_EQ(
      curl({ca().web() + "/health"}).out,
      R"({"status":"ok","parts":{"store":"ok","issuer":"ok","clock":"ok","audit":"ok","crl":"ok","root_crl":"ok","ocsp":"not served","room":"ok"}})");
  EXPECT_EQ(fakes::CaProcess::read(database), before);

  // Well-formed and signed, and still by nobody who may write: each gets as far as a request can.
  auto const nobody = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  auto const absent = ca().base() + "/acme/account/06h0mc3670u7a3skp9s7s2l34t2btm139dc0";
  SecretBytes const wrong_mac(Bytes(32, 1));
  auto const binding = [&](std::string const& eab_kid) {
    return json::write(
        json::Object{{"externalAccountBinding", acme::make_eab(eab_kid, wrong_mac, acme::MacAlgorithm::hs256,
                                                               new_account, nobody.public_key())}});
  };
  auto const once = sign(key, directory, kid, "");
  EXPECT_EQ(problem(post(directory, once)), "");
  struct Case {
    char const* name;
    std::string url, body;
    char const* problem;
  };
  std::vector<Case> const cases{
      {"no binding", new_account, sign(nobody, new_account, "", "{}"), "externalAccountRequired"},
      {"only existing", new_account, sign(nobody, new_account, "", R"({"onlyReturnExisting":true})"),
       "accountDoesNotExist"},
      {"unknown EAB key", new_account, sign(nobody, new_account, "", binding("nobody")), "unauthorized"},
      {"wrong MAC", new_account, sign(nobody, new_account, "", binding(json::need_string(eab, "kid").value())),
       "unauthorized"},
      {"unknown account", new_order, sign(nobody, new_order, absent, order), "accountDoesNotExist"},
      {"forged for an account that is there", new_order, sign(nobody, new_order, kid, order), "malformed"},
      {"forged deactivation", kid, sign(nobody, kid, kid, R"({"status":"deactivated"})"), "malformed"},
      {"the same request again", directory, once, "badNonce"},
  };
  for (auto const& c : cases) {
    EXPECT_EQ(problem(post(c.url, c.body)), c.problem) << c.name;
    EXPECT_EQ(fakes::CaProcess::read(database), before) << c.name;
  }
  // By the account's own key, so its refusals are counted, and on record by the next minute.
  EXPECT_EQ(problem(post(new_order, sign(key, new_account, kid, order))), "unauthorized");
  EXPECT_EQ(ca().stop(), 0);
}

TEST_F(Program, RootAndIssuingCertificateOverPlainHttp) {
  ca().serve();
  auto const hash = json::need_string(json_of(ca().run({"root", "show", "--output", "json"})), "sha256").value();
  ASSERT_EQ(ca().run({"root", "export", "--format", "der", "--out", ca().path("root.der")}).code, 0);
  EXPECT_EQ(curl({"--output", ca().path("fetched.der"), ca().web() + "/roots/" + hash}).code, 0);
  EXPECT_EQ(fakes::CaProcess::read(ca().path("fetched.der")), fakes::CaProcess::read(ca().path("root.der")));
  EXPECT_EQ(curl({ca().web() + "/roots/" + hash + ".pem"}).out, ca().run({"root", "export"}).out);
  EXPECT_EQ(ca().run({"root", "export", "--chain"}).out,
            fakes::CaProcess::read(ca().issuing()) + fakes::CaProcess::read(ca().root()));
  // The URL that stands in the server's own certificate gives its issuer.
  auto const leaf =
      ca().programs().run({"openssl", "s_client", "-connect", ca().base().substr(8), "-servername", "localhost"});
  auto const text = ca().programs().run({"openssl", "x509", "-noout", "-text"}, leaf.out).out;
  auto const at = text.find("CA Issuers - URI:");
  ASSERT_NE(at, std::string::npos) << text;
  auto const url = text.substr(at + 17, text.find('\n', at) - at - 17);
  EXPECT_EQ(curl({"--output", ca().path("issuing.der"), url}).code, 0);
  auto const pem = ca().programs().run({"openssl", "x509", "-inform", "DER", "-in", ca().path("issuing.der")});
  EXPECT_EQ(pem.out, fakes::CaProcess::read(ca().issuing()));
  EXPECT_THAT(curl({"--output", "/dev/null", "--write-out", "%{http_code}", ca().web() + "/acme/directory"}).out,
              "404");
  EXPECT_EQ(ca().stop(), 0);
}

// What systemd hears of a service of Type=notify (sd_notify(3)), by a socket of the test's own.
class Supervisor {
 public:
  explicit Supervisor(std::string path) : path_(std::move(path)), fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  }
  ~Supervisor() { ::close(fd_); }
  Supervisor(Supervisor const&) = delete;
  Supervisor& operator=(Supervisor const&) = delete;

  std::vector<std::string> words(std::chrono::microseconds watchdog) const {
    return {"env", "NOTIFY_SOCKET=" + path_, "WATCHDOG_USEC=" + std::to_string(watchdog.count())};
  }
  std::string next(std::chrono::milliseconds at_most = std::chrono::seconds(20)) const {
    timeval const patience{at_most.count() / 1000, at_most.count() % 1000 * 1000};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char buffer[256];
    auto const got = ::recv(fd_, buffer, sizeof buffer, 0);
    return got < 0 ? std::string("nothing") : std::string(buffer, static_cast<std::size_t>(got));
  }

 private:
  std::string const path_;
  int const fd_;
};

TEST_F(Program, TellsItsSupervisorWhenItIsReadyAndThatItLives) {
  Supervisor const supervisor(ca().path("notify"));
  ca().serve(supervisor.words(std::chrono::milliseconds(200)));
  EXPECT_EQ(supervisor.next(), "READY=1");
  EXPECT_EQ(supervisor.next(), "WATCHDOG=1");
  EXPECT_EQ(supervisor.next(), "WATCHDOG=1");
  ca().signal(SIGHUP);
  auto told = supervisor.next();
  while (told == "WATCHDOG=1") told = supervisor.next();
  EXPECT_THAT(told, StartsWith("RELOADING=1\nMONOTONIC_USEC="));
  // It opens the key twice, each time for half a second and more.
  int during = 0;
  for (told = supervisor.next(); told == "WATCHDOG=1"; told = supervisor.next()) ++during;
  EXPECT_EQ(told, "READY=1");
  EXPECT_GE(during, 3) << "a long step is no hang";
  EXPECT_EQ(ca().stop(), 0);
  auto last = supervisor.next();
  while (last == "WATCHDOG=1") last = supervisor.next();
  EXPECT_EQ(last, "STOPPING=1");
}

// A signal begins no new wait: however often one comes, the watchdog hears of us in its time.
TEST_F(Program, TheWatchdogHearsOfItInTimeWhateverSignalsCome) {
  using std::chrono::milliseconds, std::chrono::steady_clock;
  constexpr milliseconds kWatchdog{6000};  // it has half of that to spare
  Supervisor const supervisor(ca().path("notify-often"));
  ca().serve(supervisor.words(kWatchdog));
  ASSERT_EQ(supervisor.next(), "READY=1");
  auto last = steady_clock::now();
  auto const end = last + 3 * kWatchdog;
  auto longest = milliseconds(0);
  int heard = 0;
  for (auto signal_at = last; last < end && steady_clock::now() < end;) {
    if (steady_clock::now() >= signal_at) {
      ca().signal(heard == 2 ? SIGHUP : SIGCHLD);  // one of them a reload
      signal_at += milliseconds(500);
    }
    auto const left = std::chrono::ceil<milliseconds>(signal_at - steady_clock::now());
    if (supervisor.next(std::max(left, milliseconds(1))) != "WATCHDOG=1") continue;
    longest = std::max(longest, std::chrono::ceil<milliseconds>(steady_clock::now() - last));
    last = steady_clock::now();
    ++heard;
  }
  EXPECT_GE(heard, 4);
  EXPECT_LT(longest, kWatchdog);
  EXPECT_EQ(ca().stop(), 0);
}

// What Prometheus reads, by a reader of its format that is not ours. Labels are of known sets: nothing of what a client
// sends is among them.
TEST_F(Program, CountsForPrometheus) {
  auto const file = ca().state() + "/ca.toml";
  auto const before = fakes::CaProcess::read(file);
  auto text = before;
  text.replace(text.find("[server]\n"), 9, "[server]\nmetrics = [\"127.0.0.1:0\"]\n");
  std::ofstream(file) << text;
  ca().serve();
  std::ofstream(file) << before;
  auto const ports = fakes::CaProcess::read(ca().path("ports"));
  auto const at = ports.find("metrics 127.0.0.1 ");
  ASSERT_NE(at, ports.npos) << ports;
  auto const metrics = "http://127.0.0.1:" + ports.substr(at + 18, ports.find('\n', at) - at - 18);
  auto const read = [&] {
    auto const answer = curl({"--include", metrics + "/metrics"}).out;
    EXPECT_THAT(answer, HasSubstr("Content-Type: text/plain; version=0.0.4"));
    auto const body = answer.substr(answer.find("\r\n\r\n") + 4);
    auto const judged = ca().programs().run({"python3", LENSCAP_SOURCE_DIR "/tests/acme/server/read_metrics.py"}, body);
    EXPECT_EQ(judged.code, 0) << judged.all();
    return judged.out;
  };
  auto const value = [](std::string const& samples, std::string const& name) {
    auto const found = ("\n" + samples).find("\n" + name + " ");
    return found == std::string::npos ? -1.0 : std::stod(samples.substr(found + name.size() + 1));
  };
  auto const first = read();
  std::string const fetched = R"(lenscap_http_requests_total{method="GET",route="/acme/directory",status="2xx"})";
  std::string const malformed = R"(lenscap_acme_problems_total{type="urn:ietf:params:acme:error:malformed"})";
  EXPECT_EQ(value(first, fetched), 0) << first;
  EXPECT_EQ(value(first, malformed), 0);
  for (int i = 0; i < 3; ++i) curl({ca().directory()});
  curl({"--header", "Content-Type: application/jose+json", "--data-binary", "{}", ca().base() + "/acme/order/chosen"});
  curl({ca().base() + "/chosen/by/a/client"});
  auto const then = read();
  EXPECT_EQ(value(then, fetched), 3) << then;
  EXPECT_EQ(value(then, R"(lenscap_http_request_seconds_count{method="GET",route="/acme/directory"})"), 3);
  EXPECT_EQ(value(then, malformed), 1);
  EXPECT_THAT(then, Not(HasSubstr("chosen")));
  EXPECT_EQ(value(then, R"(lenscap_validations_total{challenge="http-01",result="valid"})"), 0);
  EXPECT_EQ(value(then, R"(lenscap_certificates_total{result="issued"})"), 0);
  EXPECT_EQ(value(then, "lenscap_signer_ready{}"), 1);
  EXPECT_EQ(value(then, "lenscap_audit_trail_good{}"), 1);
  EXPECT_GT(value(then, "lenscap_store_bytes{}"), 0);
  EXPECT_GE(value(then, "lenscap_connections_open{}"), 0);
  EXPECT_GE(value(then, R"(lenscap_crl_age_seconds{issuer="default",scope=""})"), 0);
  auto const now = static_cast<double>(to_unix(SystemClock().now()));
  EXPECT_GT(value(then, R"(lenscap_issuer_end_timestamp_seconds{issuer="default"})"), now);
  EXPECT_GT(value(then, "lenscap_server_certificate_due_timestamp_seconds{}"), now);
  EXPECT_GT(value(then, R"(lenscap_crl_next_update_timestamp_seconds{issuer="default",scope=""})"), now);
  EXPECT_EQ(value(then, "lenscap_crl_good{}"), 1);
  EXPECT_EQ(value(then, "lenscap_ocsp_good{}"), -1) << "none is served";
  EXPECT_GT(value(then, "lenscap_store_commit_seconds_count{}"), 0);
  EXPECT_GT(value(then, "lenscap_store_used_bytes{}"), 0);
  EXPECT_EQ(value(then, "lenscap_store_max_bytes{}"), static_cast<double>(std::uint64_t{64} << 30));
  EXPECT_GT(value(then, "lenscap_disk_free_bytes{}"), 0);
  EXPECT_GE(value(then, "lenscap_room_shortage{}"), 0);
  EXPECT_GE(value(then, "lenscap_audit_entries_unsigned{}"), 0);
  EXPECT_EQ(value(then, "lenscap_backup_timestamp_seconds{}"), 0);
  EXPECT_EQ(value(then, R"(lenscap_revocations_total{reason="superseded"})"), 0);
  EXPECT_EQ(std::count(first.begin(), first.end(), '\n'), std::count(then.begin(), then.end(), '\n'))
      << "requests make no new rows";
  for (auto const& elsewhere : {ca().base(), ca().web()})
    EXPECT_THAT(curl({"--include", elsewhere + "/metrics"}).out, HasSubstr(" 404 "));
  EXPECT_THAT(curl({"--include", metrics + "/acme/directory"}).out, HasSubstr(" 404 "));
  EXPECT_EQ(ca().stop(), 0);
}

// A listening socket of the supervisor is taken instead of the settings' address (sd_listen_fds(3)).
TEST_F(Program, TakesSocketsFromItsSupervisor) {
  auto const starter = std::string(
      "import os,socket,sys\n"
      "s=socket.socket();s.bind(('127.0.0.1',0));s.listen(16)\n"
      "open(sys.argv[1],'w').write(str(s.getsockname()[1]))\n"
      "os.dup2(s.fileno(),3)\n"
      "os.set_inheritable(3,True)\n"
      "os.environ.update(LISTEN_FDS='1',LISTEN_PID=str(os.getpid()),LISTEN_FDNAMES='acme')\n"
      "os.execv(sys.argv[2],sys.argv[2:])\n");
  ca().serve({"python3", "-c", starter, ca().path("port")});
  auto const port = fakes::CaProcess::read(ca().path("port"));
  auto const answer = curl({"--connect-to", "::127.0.0.1:" + port, ca().directory()});
  EXPECT_THAT(answer.out, HasSubstr("newOrder")) << answer.all() << ca().log();
  EXPECT_NE(ca().base().substr(ca().base().rfind(':') + 1), port);
  EXPECT_EQ(curl({ca().directory()}).code, 7);  // nobody listens at the settings' address
  EXPECT_EQ(ca().stop(), 0);
}

}  // namespace
}  // namespace lenscap
