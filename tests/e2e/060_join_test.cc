// Who may join, and what its cameras may be called: a join string with another root's hash, with a used key, with a
// revoked key, and a second time; names outside the key's scope and outside the CA's constraints. Every refusal says
// why and what to do, no account and no certificate comes of it, and the camera is left as it was.
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/bytes.h"
#include "tests/e2e/site.h"

namespace lenscap::e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Join : public SiteTest {
 protected:
  static std::size_t accounts() { return objects(site().ca_json({"account", "list"}), "accounts").size(); }
  static json::Object opened(std::string const& word) {
    auto const content = from_base64url(word.substr(word.find('.') + 1));
    return *json::parse_object(as_text(*content));
  }
  static std::string closed(json::Object const& content) {
    return "lenscap1." + to_base64url(as_bytes(json::write(content)));
  }
};

TEST_F(Join, AnotherRootsHash) {
  Agent agent(site(), "hash");
  std::string const word = site().join_word(Site::whole_scope());
  json::Object content = opened(word);
  content.set("root_sha256", std::string(64, '0'));
  std::size_t const before = accounts();
  Ran const refused = agent.join_with(closed(content));
  EXPECT_NE(refused.code, 0);
  EXPECT_THAT(refused.err, AnyOf(HasSubstr("somebody may be between this agent and its server. Nothing was sent"),
                                 HasSubstr("when asked for its root certificate")));
  EXPECT_EQ(accounts(), before);
  EXPECT_EQ(agent.run({"enroll", "--all"}).code, 0) << "there is nothing to do";
  // The true one still works.
  EXPECT_EQ(agent.join_with(word).code, 0);
  EXPECT_EQ(accounts(), before + 1);
}

TEST_F(Join, WordThatIsNone) {
  Agent agent(site(), "none");
  for (std::string const& word :
       {std::string("lenscap1.e30"), std::string("hello"), std::string(), std::string(90000, 'A')}) {
    Ran const refused = agent.join_with(word);
    EXPECT_EQ(refused.code, 2) << refused.all();
    EXPECT_NE(refused.err, "");
  }
}

TEST_F(Join, KeyThatWasUsed) {
  std::string const word = site().join_word(Site::whole_scope());
  Agent first(site(), "used-first");
  Ran const joined = first.join_with(word);
  EXPECT_EQ(joined.code, 0) << joined.all();
  EXPECT_THAT(joined.out, AllOf(HasSubstr("Joined " + site().url()), HasSubstr("not sealed")));
  Agent second(site(), "used-second");
  std::size_t const before = accounts();
  Ran const refused = second.join_with(word);
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("used"));
  EXPECT_EQ(accounts(), before);
}

TEST_F(Join, KeyThatWasRevoked) {
  Agent agent(site(), "revoked");
  std::string const word = site().join_word(Site::whole_scope());
  std::string const kid = text(opened(word), "eab_kid");
  EXPECT_EQ(site().ca({"eab", "revoke", kid}).code, 0);
  std::size_t const before = accounts();
  Ran const refused = agent.join_with(word);
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, HasSubstr("revoked"));
  EXPECT_EQ(accounts(), before);
  auto const keys = objects(site().ca_json({"eab", "list"}), "keys");
  json::Object const* key = find_row(keys, "kid", kid);
  ASSERT_NE(key, nullptr);
  EXPECT_EQ(text(*key, "status"), "revoked");
  // Another word is taken by the same agent.
  EXPECT_EQ(agent.join_with(site().join_word(Site::whole_scope())).code, 0);
}

TEST_F(Join, Twice) {
  Agent agent(site(), "twice");
  agent.join();
  std::size_t const before = accounts();
  Ran const refused = agent.join_with(site().join_word(Site::whole_scope()));
  EXPECT_EQ(refused.code, 5) << refused.all();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("belongs to " + site().url()), HasSubstr("--state")));
  EXPECT_EQ(accounts(), before);
}

TEST_F(Join, BeforeAnythingElse) {
  Agent agent(site(), "alone");
  Camera const camera = site().camera("G7");
  ASSERT_EQ(agent.add({camera}).code, 0) << "an inventory can be made before";
  Ran const refused = agent.run({"enroll", "--all"});
  EXPECT_EQ(refused.code, 4) << refused.all();
  EXPECT_THAT(refused.err, AllOf(HasSubstr("has not joined a server"), HasSubstr("lenscap-ca eab create --join")));
  EXPECT_EQ(site().ours_on(camera), std::vector<std::string>());
}

// A name that is nobody's to ask for: the camera's new key is taken away again, and it serves what it served.
TEST_F(Join, NamesOutsideTheScope) {
  struct Case {
    char const* name;
    std::vector<std::string> scope;
    std::string camera_name;
    std::string address;       // of the camera; empty: one that the CA can vouch for
    std::string refused_name;  // empty: its address
    char const* why;
  };
  constexpr char const* kScope = "may not ask for this name";
  constexpr char const* kConstraints = "the issuer's name constraints permit only";
  std::vector<Case> const cases{
      {"dns",
       {"--grant-dns", "hall.cams.example", "--grant-ip", "127.0.0.0/8"},
       "gate.cams.example",
       "",
       "gate.cams.example",
       kScope},
      {"ip", {"--grant-dns", "cams.example", "--grant-ip", site().network(29)}, "gate.cams.example", "", "", kScope},
      // No scope grants what the constraints exclude (see below), so it is the scope that says no.
      {"foreign-dns",
       {"--grant-dns", "cams.example", "--grant-ip", "127.0.0.0/8"},
       "www.bank.example",
       "",
       "www.bank.example",
       kScope},
      {"constraints-ip",
       {"--grant-dns", "cams.example", "--grant-ip", "127.0.0.0/8"},
       "gate.cams.example",
       "127.19." + std::to_string(getpid() % 256) + ".",
       "",
       kConstraints},
  };
  for (Case const& c : cases) {
    for (char const* generation : {"G3", "G7"}) {
      SCOPED_TRACE(std::string(c.name) + " " + generation);
      Agent agent(site(), std::string("scope-") + c.name + generation);
      std::vector<std::string> scope = c.scope;
      for (char const* profile : {"camera-https", "camera-https-cn"}) {
        scope.emplace_back("--profile");
        scope.emplace_back(profile);
      }
      ASSERT_EQ(agent.join_with(site().join_word(scope)).code, 0);
      static int host = 0;
      Camera const camera = site().camera(generation, c.address.empty() ? "" : c.address + std::to_string(++host));
      auto const ids = site().ids_on(camera);
      json::Object const state = site().camsim().state(camera.serial);
      ASSERT_EQ(agent.add({camera}, {"--name", c.camera_name}).code, 0);
      int code = -1;
      auto const results = objects(agent.run_json({"enroll", "--all"}, &code), "results");
      EXPECT_EQ(code, 1);
      ASSERT_THAT(results, SizeIs(1));
      EXPECT_EQ(text(results[0], "status"), "Failed");
      EXPECT_EQ(text(results[0], "error"), "rejected_identifier");
      std::string const refused = c.refused_name.empty() ? camera.address : c.refused_name;
      EXPECT_THAT(text(results[0], "description"), HasSubstr(refused)) << "it says which name";
      EXPECT_THAT(text(results[0], "description"), HasSubstr(c.why));
      EXPECT_EQ(text(agent.status_of(camera), "status"), "Refused by the CA");
      EXPECT_EQ(agent.run({"status"}).code, 6);
      EXPECT_EQ(site().served(camera), camera.certificate_sha256);
      EXPECT_EQ(site().ids_on(camera), ids) << "the key that was made is gone again";
      json::Object const after = site().camsim().state(camera.serial);
      EXPECT_EQ(json::write(*after.find("tls")), json::write(*state.find("tls")));
      EXPECT_THAT(site().issued_for(c.camera_name), IsEmpty());
      EXPECT_THAT(site().issued_for(camera.address), IsEmpty());
    }
  }
}

TEST_F(Join, ScopeOutsideTheConstraintsIsNotMade) {
  for (auto const& scope : std::vector<std::vector<std::string>>{
           {"--grant-dns", "bank.example"}, {"--grant-ip", "10.0.0.0/8"}, {"--grant-dns", "example"}}) {
    std::vector<std::string> words{"eab", "create"};
    words.insert(words.end(), scope.begin(), scope.end());
    std::size_t const before = objects(site().ca_json({"eab", "list"}), "keys").size();
    Ran const refused = site().ca(words);
    EXPECT_NE(refused.code, 0) << scope[1];
    EXPECT_THAT(refused.err, HasSubstr("cams.example")) << "it says what is permitted";
    EXPECT_EQ(objects(site().ca_json({"eab", "list"}), "keys").size(), before);
  }
}

}  // namespace
}  // namespace lenscap::e2e
