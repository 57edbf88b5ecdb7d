// Everything that a parent can get wrong, given to the program: issuer install, issuer import and root import refuse it
// in plain words, and not an octet of the state directory is another one afterwards.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "tests/fakes/ca_process.h"
#include "tests/fakes/faulty_parents.h"

namespace lenscap {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// Mode and content of everything below a folder, but for what tells LMDB who reads the store.
std::map<std::string, std::string> tree_of(std::string const& folder) {
  std::map<std::string, std::string> found;
  for (auto const& each : fs::recursive_directory_iterator(folder))
    if (each.path().filename() != "lock.mdb")
      found[each.path()] = std::to_string(static_cast<int>(each.status().permissions())) + " " +
                           (each.is_regular_file() ? fakes::CaProcess::read(each.path()) : "");
  return found;
}

// One CA that has its chain, which is then to be renewed, and one that still waits for it.
class RefusedParents : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    parent_ = std::make_unique<fakes::Corporation>();
    ca_ = std::make_unique<fakes::CaProcess>("", "", parent_.get());
    fs::copy(ca_->state(), waiting(), fs::copy_options::recursive);
    for (auto const* file : {"/keys/chain.pem", "/keys/issuing.pem"}) fs::remove(waiting() + file);
  }
  static void TearDownTestSuite() {
    ca_.reset();
    parent_.reset();
  }
  static std::string waiting() { return ca_->path("waiting"); }
  static std::string request() { return ca_->path("issuing.csr"); }

  static void expect_refused(std::vector<std::string> words, fakes::FaultyParent const& c,
                             fakes::Corporation const& from) {
    for (auto const& file : c.files) words.push_back(from.path(file));
    for (auto const& state : {ca_->state(), waiting()}) expect_refused_on(state, words, c.says);
  }
  static void expect_refused_on(std::string const& state, std::vector<std::string> const& words, char const* says,
                                int code = 2) {
    auto const before = tree_of(state);
    auto const refused = ca_->run_on(state, words);
    EXPECT_EQ(refused.code, code) << refused.all();
    EXPECT_THAT(refused.err, HasSubstr(says));
    EXPECT_EQ(refused.out, "");
    EXPECT_TRUE(tree_of(state) == before) << state;
  }
  // A copy of the CA that waits for its chain, to be spoilt.
  static std::string another(std::string const& name) {
    fs::copy(waiting(), ca_->path(name), fs::copy_options::recursive);
    return ca_->path(name);
  }
  static std::string passphrases() { return ca_->path("passphrases"); }

 private:
  static inline std::unique_ptr<fakes::Corporation> parent_;
  static inline std::unique_ptr<fakes::CaProcess> ca_;
};

TEST_F(RefusedParents, ByIssuerInstall) {
  for (auto c : fakes::faulty_issuers()) {
    if (c.is_about_key) continue;
    SCOPED_TRACE(c.says + (" by " + c.change));
    std::erase(c.files, "issuing.key");
    fakes::Corporation corporation(c.corporation);
    fs::copy_file(request(), corporation.path("issuing.csr"));
    corporation.sign(corporation.path("issuing.csr"));
    corporation.shell(c.change);
    expect_refused({"issuer", "install"}, c, corporation);
  }
}

TEST_F(RefusedParents, ByIssuerImport) {
  for (auto const& c : fakes::faulty_issuers()) {
    SCOPED_TRACE(c.says + (" by " + c.change));
    fakes::Corporation corporation(c.corporation);
    corporation.issue_with_key(c.key);
    corporation.shell(c.change);
    expect_refused({"issuer", "import"}, c, corporation);
  }
}

TEST_F(RefusedParents, ByRootImport) {
  for (auto const& c : fakes::faulty_signers()) {
    SCOPED_TRACE(c.says + (" by " + c.change));
    fakes::Corporation corporation(c.corporation);
    corporation.shell(c.change);
    expect_refused({"root", "import"}, c, corporation);
  }
}

// Signed by nobody but itself, which a parent's answer never is.
TEST_F(RefusedParents, ACertificateThatOurOwnKeySigned) {
  fakes::Corporation corporation;
  corporation.write("use.ext", "subjectKeyIdentifier=hash\n" + std::string(fakes::faults::kIssuerUse));
  corporation.shell("openssl x509 -req -in '" + request() + "' -signkey '" + waiting() +
                    "/keys/issuing.key' -passin 'file:" + passphrases() + "' -extfile use.ext -out issuing.pem");
  expect_refused({"issuer", "install"},
                 {.says = "is signed by its own key and not by a parent", .files = {"issuing.pem"}}, corporation);
}

// What comes with a key is for another command, which the refusal names; also where the key cannot be seen.
TEST_F(RefusedParents, FilesWithAKeyByIssuerInstall) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  corporation.write("words", "words of another house\n");
  corporation.shell(
      "openssl pkcs12 -export -inkey issuing.key -in issuing.pem -certfile root.pem -passout file:words -out by.p12");
  corporation.shell("openssl pkcs8 -topk8 -in issuing.key -passout file:words -out shut.key");
  corporation.shell(
      "certtool --to-p12 --load-privkey issuing.key --load-certificate issuing.pem --p12-name x --outder "
      "--password \"$(cat words)\" --pkcs-cipher aes-256 --outfile by-certtool.p12");
  for (auto const* file : {"by.p12", "by-certtool.p12", "shut.key"})
    expect_refused({"issuer", "install"},
                   {.says = "it is encrypted: for a key that comes with its certificate use issuer import",
                    .files = {file, "root.pem"}},
                   corporation);
  expect_refused({"issuer", "install"},
                 {.says = "issuing.key holds a private key", .files = {"issuing.key", "issuing.pem", "root.pem"}},
                 corporation);
}

TEST_F(RefusedParents, AKeyForWhichTheSettingsHaveAnotherPlace) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  auto const state = another("elsewhere");
  auto settings = fakes::CaProcess::read(state + "/ca.toml");
  std::string const place = "\"file:keys/issuing.key\"";
  auto const at = settings.find(place);
  ASSERT_NE(at, settings.npos) << settings;
  std::ofstream(state + "/ca.toml") << settings.replace(at, place.size(), "\"file:keys/other.key\"");
  expect_refused_on(state,
                    {"issuer", "import", corporation.path("issuing.key"), corporation.issuing(), corporation.root()},
                    "names another place than file:keys/issuing.key");
}

// The parent has signed the request that lies there, and the key beside it is another one: of a back-up, perhaps.
TEST_F(RefusedParents, ACertificateForARequestWhoseKeyIsGone) {
  fakes::Corporation corporation;
  corporation.issue_with_key();
  auto const state = another("exchanged");
  fs::copy_file(corporation.path("issuing.csr"), state + "/keys/issuing.csr", fs::copy_options::overwrite_existing);
  expect_refused_on(state, {"issuer", "install", corporation.issuing(), corporation.root()},
                    "is not the one that the request was made for", 5);
}

}  // namespace
}  // namespace lenscap
