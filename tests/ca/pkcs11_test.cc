// Keys in a token: SoftHSM holds them, `openssl` made them and judges what they signed.
#include "ca/key_holders/pkcs11.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <sstream>
#include <thread>

#include "tests/ca/fixture.h"
#include "tests/fakes/soft_hsm.h"

namespace lenscap::ca::test {
namespace {

using fakes::SoftHsm;
using ::testing::HasSubstr;
using ::testing::Not;

class Pkcs11 : public ::testing::Test {
 protected:
  SoftHsm hsm;

  static Result<std::unique_ptr<KeyHolder>> open(std::string const& path, std::string_view pin = SoftHsm::kPin) {
    return open_key_holder("pkcs11:" + path, "/nowhere", SecretBytes(pin));
  }
  std::string verify(KeyHolder& key, HashAlgorithm hash, std::string const& file) {
    static constexpr char const* kNames[] = {"sha256", "sha384", "sha512"};
    std::string const data = "to be signed";
    auto const signature = key.sign(hash, to_bytes(data));
    if (!signature.ok()) return signature.error().detail();
    put_file(hsm.path("data"), data);
    put_file(hsm.path("signature"), std::string(as_text(*signature)));
    return run(std::string("openssl dgst -") + kNames[static_cast<int>(hash)] + " -verify " + hsm.path(file + ".pub") +
               " -signature " + hsm.path("signature") + " " + hsm.path("data"))
        .output;
  }
};

TEST_F(Pkcs11, SignsWhatOpensslVerifies) {
  struct Case {
    char const* name;
    std::vector<std::string> kind;
    x509::KeyType type;
  };
  Case const cases[] = {
      {"P-256", {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}, x509::KeyType::ec_p256},
      {"P-384", {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-384"}, x509::KeyType::ec_p384},
      {"P-521", {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-521"}, x509::KeyType::ec_p521},
      {"RSA-2048", {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"}, x509::KeyType::rsa},
      {"RSA-4096", {"-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:4096"}, x509::KeyType::rsa},
  };
  hsm.add_token("ca");
  int id = 10;
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    hsm.add_key("ca", c.name, std::to_string(++id), c.name, c.kind);
    auto const key = open(SoftHsm::with_module("token=ca;object=" + std::string(c.name)));
    ASSERT_TRUE(key.ok()) << key.error().detail();
    EXPECT_EQ((*key)->public_key().type(), c.type);
    // Thirty times, so that numbers with zeros in front are among them.
    for (int i = 0; i < 30; ++i)
      for (auto const hash : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512}) {
        auto const signature = (*key)->sign(hash, to_bytes("again"));
        ASSERT_TRUE(signature.ok()) << signature.error().detail();
        EXPECT_TRUE((*key)->public_key().verify(hash, to_bytes("again"), *signature));
        auto const of_digest = (*key)->sign_digest(hash, digest(hash, to_bytes("again")));
        ASSERT_TRUE(of_digest.ok()) << of_digest.error().detail();
        EXPECT_TRUE((*key)->public_key().verify(hash, to_bytes("again"), *of_digest));
      }
    for (auto const hash : {HashAlgorithm::sha256, HashAlgorithm::sha384, HashAlgorithm::sha512})
      EXPECT_THAT(verify(**key, hash, c.name), HasSubstr("Verified OK"));
  }
}

TEST_F(Pkcs11, AKeyIsFoundByWhatTheUriSays) {
  hsm.add_token("ca");
  hsm.add_token("other");
  hsm.add_key("ca", "issuing", "01", "right");
  hsm.add_key("ca", "issuing", "02", "same_label");
  hsm.add_key("other", "issuing", "01", "other_token");
  struct Case {
    char const* path;
    char const* file;
  };
  for (auto const& [path, file] :
       {Case{"token=ca;id=%01", "right"}, Case{"token=ca;object=issuing;id=%02", "same_label"},
        Case{"token=other;object=issuing", "other_token"},
        Case{"token=other;object=issuing;type=private", "other_token"}}) {
    SCOPED_TRACE(path);
    auto const key = open(SoftHsm::with_module(path));
    ASSERT_TRUE(key.ok()) << key.error().detail();
    EXPECT_THAT(verify(**key, HashAlgorithm::sha256, file), HasSubstr("Verified OK"));
  }
  // Debian's package tells p11-kit of SoftHSM's module.
  auto const key = open("token=ca;id=%01");
  ASSERT_TRUE(key.ok()) << key.error().detail();
  EXPECT_THAT(verify(**key, HashAlgorithm::sha256, "right"), HasSubstr("Verified OK"));
}

struct Token {
  std::string slot, serial;
};

// As softhsm2-util tells of them.
std::vector<Token> tokens_called(std::string const& label) {
  std::istringstream told(run("softhsm2-util --show-slots").output);
  std::vector<Token> found;
  Token at;
  for (std::string line; std::getline(told, line);) {
    auto const value = [&](std::string const& name) -> std::optional<std::string> {
      auto const begin = line.find(name);
      if (begin == line.npos) return std::nullopt;
      auto text = line.substr(begin + name.size());
      text.erase(0, text.find_first_not_of(' '));
      text.erase(text.find_last_not_of(" \n") + 1);
      return text;
    };
    if (line.starts_with("Slot ")) at.slot = *value("Slot ");
    if (auto const serial = value("Serial number:")) at.serial = *serial;
    if (value("Label:") == label) found.push_back(at);
  }
  return found;
}

// Tokens with one label, keys with another: each part of a URI that RFC 7512 has for a token, a slot or a module.
TEST_F(Pkcs11, EachPartOfTheUriChooses) {
  hsm.add_token("twin");
  hsm.add_token("twin");
  auto const twins = tokens_called("twin");
  ASSERT_EQ(twins.size(), 2U);
  ASSERT_NE(twins[0].slot, twins[1].slot);
  for (std::string const file : {"first", "second"}) {
    hsm.run({"openssl", "genpkey", "-out", hsm.path(file), "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"});
    hsm.run({"openssl", "pkey", "-in", hsm.path(file), "-pubout", "-out", hsm.path(file + ".pub")});
    hsm.run({"softhsm2-util", "--import", hsm.path(file), "--serial", twins[file == "first" ? 0 : 1].serial, "--label",
             "a key; 100% ü", "--id", "01", "--pin", SoftHsm::kPin});
  }
  std::string const key = ";object=a%20%6b%65%79%3b%20100%25%20%c3%bc";
  std::string const path = std::string("module-path=") + SoftHsm::kModule;
  auto const serial = [&](int at) { return "serial=" + twins[static_cast<std::size_t>(at)].serial; };
  struct Case {
    std::string uri;
    char const* file;
  };
  for (auto const& [uri, file] :
       {Case{serial(0) + key + "?" + path, "first"}, Case{serial(1) + key + "?" + path, "second"},
        Case{"slot-id=" + twins[0].slot + key + "?" + path, "first"},
        Case{"token=twin;slot-id=" + twins[1].slot + key + "?" + path, "second"},
        Case{"manufacturer=SoftHSM%20project;model=SoftHSM%20v2;" + serial(1) + key + "?" + path, "second"},
        Case{"slot-manufacturer=SoftHSM%20project;" + serial(0) + key + "?" + path, "first"},
        Case{serial(0) + ";id=%01?" + path, "first"},
        // RFC 7512 2.5: a query attribute that nobody knows is ignored.
        Case{serial(1) + key + "?x-acme-hint=hunter2&" + path + "&colour=blue", "second"},
        Case{serial(0) + key + "?module-name=softhsm2", "first"},
        Case{serial(1) + key + "?module-name=SoftHSM2", "second"}}) {
    SCOPED_TRACE(uri);
    auto const found = open(uri);
    ASSERT_TRUE(found.ok()) << found.error().detail();
    EXPECT_THAT(verify(**found, HashAlgorithm::sha256, file), HasSubstr("Verified OK"));
  }
  struct Refused {
    std::string uri;
    char const* says;
  };
  for (auto const& [uri, says] :
       {Refused{"token=twin" + key + "?" + path, "add serial="},
        Refused{"manufacturer=Another;" + serial(0) + key + "?" + path, "no token matches"},
        Refused{"model=Another;" + serial(0) + key + "?" + path, "no token matches"},
        Refused{"slot-id=0;" + serial(0) + key + "?" + path, "no token matches"},
        Refused{"slot-manufacturer=Another;" + serial(0) + key + "?" + path, "no token matches"},
        Refused{"slot-id=first;" + serial(0) + key + "?" + path, "URI"},
        Refused{serial(0) + ";object=a%20key?" + path, "no such private key"},
        // And one of the path that nobody knows matches nothing.
        Refused{"x-acme-shelf=4;" + serial(0) + key + "?" + path, "does not know"},
        Refused{"colour=blue;" + serial(0) + key + "?" + path, "does not know"},
        Refused{serial(0) + key + "?module-name=absent", "it knows: "},
        Refused{serial(0) + key + "?module-name=..%2f..%2ftmp%2fsofthsm2", "a plain name"},
        Refused{serial(0) + key + "?module-name=libsofthsm2.so", "a plain name"},
        Refused{serial(0) + key + "?module-name=", "a plain name"},
        Refused{serial(0) + key + "?module-name=softhsm2&" + path, "leave one of them out"},
        Refused{serial(0) + ";object=absent?pin-vaule=hunter2&" + path, "no such private key"}}) {
    SCOPED_TRACE(uri);
    auto const refused = open(uri);
    ASSERT_FALSE(refused.ok());
    EXPECT_EQ(refused.error().code(), Errc::settings);
    EXPECT_THAT(refused.error().detail(), HasSubstr(says));
    EXPECT_THAT(refused.error().detail(), Not(HasSubstr("hunter2")));
  }
}

TEST_F(Pkcs11, WhatIsRefusedAndWhy) {
  hsm.add_token("ca");
  hsm.add_token("twin");
  hsm.add_token("twin");
  hsm.add_key("ca", "issuing", "01", "first");
  hsm.add_key("ca", "issuing", "02", "second");
  hsm.add_key("ca", "good", "03", "good");
  hsm.add_key("ca", "secp256k1", "05", "secp256k1", {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:secp256k1"});
  hsm.run({"p11tool", "--batch", "--provider", SoftHsm::kModule, "--login", "--set-pin", SoftHsm::kPin,
           "--generate-privkey=rsa", "--bits=2048", "--mark-decrypt", "--no-mark-sign", "--label=decrypting", "--id=06",
           "pkcs11:token=ca"});
  hsm.add_key("ca", "lonely", "07", "lonely");
  hsm.tool("ca", {"--delete-object", "--type", "pubkey", "--id", "07"});
  struct Case {
    char const* name;
    std::string path;
    std::string_view pin;
    Errc code;
    char const* says;
  };
  auto const pin = SoftHsm::kPin;
  auto const in = SoftHsm::with_module;
  Case const cases[] = {
      {"no URI", "token=%zz", pin, Errc::settings, "pkcs11: URI"},
      {"a PIN in the URI", in("token=ca;object=good") + "&pin-value=hunter2", pin, Errc::settings, "does not belong"},
      {"a PIN's source", in("token=ca;object=good") + "&pin-source=file:/hunter2", pin, Errc::settings,
       "does not belong"},
      {"no key named", in("token=ca"), pin, Errc::settings, "object= or id="},
      {"a certificate named", in("token=ca;object=good;type=cert"), pin, Errc::settings, "no private key"},
      {"no module", "token=ca;object=good?module-path=/nowhere/module.so", pin, Errc::settings, "cannot be loaded"},
      {"no such token", in("token=cb;object=good"), pin, Errc::settings, "there are: "},
      {"two tokens", in("token=twin;object=good"), pin, Errc::settings, "add serial="},
      {"another's PIN", in("token=ca;object=good"), "hunter2", Errc::wrong_passphrase, "not the token's PIN"},
      {"no PIN", in("token=ca;object=good"), "", Errc::wrong_passphrase, "wants its PIN"},
      {"no such key", in("token=ca;object=absent"), pin, Errc::settings, "no such private key"},
      {"two keys", in("token=ca;object=issuing"), pin, Errc::settings, "name its id="},
      {"may not sign", in("token=ca;object=decrypting"), pin, Errc::settings, "may not sign"},
      {"another curve", in("token=ca;object=secp256k1"), pin, Errc::settings, "curve"},
      {"no public key", in("token=ca;object=lonely"), pin, Errc::settings, "public key with the private key's id"},
  };
  for (Case const& c : cases) {
    SCOPED_TRACE(c.name);
    auto const key = open(c.path, c.pin);
    ASSERT_FALSE(key.ok());
    EXPECT_EQ(key.error().code(), c.code);
    EXPECT_THAT(key.error().detail(), HasSubstr(c.says));
    EXPECT_THAT(key.error().detail(), Not(HasSubstr("hunter2")));
  }
  EXPECT_TRUE(open(in("token=ca;object=good")).ok());
}

// A token that was pulled out, or that another program has changed: no signature until the same key is back.
TEST_F(Pkcs11, AKeyThatGoesAwayIsSoughtAnew) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  auto const opened = open(SoftHsm::with_module("token=ca;object=issuing"));
  ASSERT_TRUE(opened.ok()) << opened.error().detail();
  auto& key = **opened;
  EXPECT_THAT(verify(key, HashAlgorithm::sha256, "issuing"), HasSubstr("Verified OK"));

  hsm.remove_key("ca", "01");
  auto const away = key.sign(HashAlgorithm::sha256, to_bytes("x"));
  ASSERT_FALSE(away.ok());
  EXPECT_EQ(away.error().code(), Errc::unavailable);

  hsm.add_key("ca", "issuing", "01", "another");
  auto const another = key.sign(HashAlgorithm::sha256, to_bytes("x"));
  ASSERT_FALSE(another.ok());
  EXPECT_EQ(another.error().code(), Errc::unavailable);
  EXPECT_THAT(another.error().detail(), HasSubstr("another key"));

  hsm.remove_key("ca", "01");
  hsm.import("ca", "issuing", "01", "issuing");
  EXPECT_THAT(verify(key, HashAlgorithm::sha256, "issuing"), HasSubstr("Verified OK"));
}

TEST_F(Pkcs11, ManyThreadsAtOnce) {
  hsm.add_token("ca");
  hsm.add_key("ca", "issuing", "01", "issuing");
  auto const opened = open(SoftHsm::with_module("token=ca;object=issuing"));
  ASSERT_TRUE(opened.ok()) << opened.error().detail();
  auto& key = **opened;
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 20; ++i) {
        auto const data = to_bytes("certificate " + std::to_string(100 * t + i));
        auto const signature = key.sign(HashAlgorithm::sha256, data);
        if (signature.ok() && key.public_key().verify(HashAlgorithm::sha256, data, *signature)) ++good;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(good, 160);
}

}  // namespace
}  // namespace lenscap::ca::test
