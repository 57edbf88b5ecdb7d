// Every command of both programs speaks JSON to a program: with --output json it prints one object. The commands are
// found as a person finds them, by the help of each; one that is new and that nobody asks here for JSON fails the test.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "tests/e2e/site.h"
#include "tests/fakes/corporation.h"

namespace lenscap::e2e {
namespace {

using Words = std::vector<std::string>;

// What has no object to print, and why.
std::map<std::string, std::string> const& without() {
  static std::map<std::string, std::string> const all{
      {"lenscap-ca serve", "runs until it is stopped; its log is JSON, an object a line"},
      {"lenscap-ca signer", "runs until it is stopped, started by serve or by a supervisor; its log is JSON"},
      {"lenscap-ca audit export", "is as long as the trail: --format says JSON, an object a line, or CSV"},
      {"lenscap-ca audit accept-break", "needs a trail that somebody changed: 120_audit_test.cc reads its JSON"},
      {"lenscap-agent run", "runs until it is stopped; its log is JSON, an object a line"},
  };
  return all;
}

// "  show      What it is": the first words of the lines below "Subcommands:".
Words subcommands_in(std::string const& help) {
  Words found;
  auto const begin = help.find("\nSubcommands:\n");
  if (begin == help.npos) return found;
  std::istringstream lines(help.substr(begin + 14));
  for (std::string line; std::getline(lines, line) && !line.empty();)
    if (line.size() > 2 && line.starts_with("  ") && line[2] != ' ')
      found.push_back(line.substr(2, line.find(' ', 2) - 2));
  return found;
}

class JsonOutput : public testing::Test {
 protected:
  static constexpr char const* kTerms = "terms_of_service = \"https://www.cams.example/terms\"\n";

  Site site{kTerms};
  std::set<std::string> spoken;

  // Every command that does something by itself.
  void walk(std::string const& program, Words const& below, std::set<std::string>& all) {
    Words words{std::string(LENSCAP_BIN_DIR) + "/" + program};
    words.insert(words.end(), below.begin(), below.end());
    words.emplace_back("--help");
    auto const help = site.programs().run(words);
    ASSERT_EQ(help.code, 0) << help.all();
    auto const names = subcommands_in(help.out);
    auto name = program;
    for (auto const& word : below) name += " " + word;
    bool const is_free_to_choose = help.out.find("[SUBCOMMAND]") != help.out.npos;
    if (names.empty() || is_free_to_choose) all.insert(name);
    for (auto const& each : names) {
      auto deeper = below;
      deeper.push_back(each);
      walk(program, deeper, all);
    }
  }

  json::Object speak(std::string const& command, Ran const& ran) {
    spoken.insert(command);
    // What doctor finds is its exit code, and here it finds something; what explain says of a name is its.
    bool const is_judge = command == "lenscap-ca doctor" || command == "lenscap-ca explain";
    EXPECT_TRUE(ran.code == 0 || is_judge) << command << " ended with " << ran.code << "\n" << ran.all();
    auto object = json::parse_object(ran.out, {.bytes = 1 << 20, .members = 100'000});
    EXPECT_TRUE(object.ok()) << command << " ended with " << ran.code << " and printed\n" << ran.all();
    return object.ok() ? *std::move(object) : json::Object();
  }
  json::Object ca_on(std::string const& state, std::string const& command, Words const& more = {}) {
    Words words{std::string(LENSCAP_BIN_DIR) + "/lenscap-ca", "--state", state, "--output", "json"};
    std::istringstream each(command);
    for (std::string word; each >> word;) words.push_back(word);
    words.insert(words.end(), more.begin(), more.end());
    return speak("lenscap-ca " + command, site.programs().run(words, {}, 120, command == "eab create"));
  }
  json::Object ca(std::string const& command, Words const& more = {}) { return ca_on(site.ca_folder(), command, more); }
  json::Object agent(Agent& who, std::string const& command, Words more = {}, std::string const& input = {}) {
    more.insert(more.begin(), {"--output", "json", command});
    return speak("lenscap-agent " + command, who.run(more, input));
  }

  std::string words_file(std::string const& name, std::string const& text) {
    auto const file = site.folder(name);
    std::ofstream(file) << text << "\n";
    std::filesystem::permissions(file, std::filesystem::perms::owner_read);
    return file;
  }

  void speak_to_agent() {
    Agent who(site, "json");
    auto const camera = site.camera("G7");
    agent(who, "join", {"-"}, site.join_word(Site::whole_scope()) + "\n");
    agent(who, "add",
          {at(camera), "--http-port", std::to_string(kHttpPort), "--password-file", site.password_file(),
           "--accept-fingerprint", camera.certificate_sha256});
    agent(who, "enroll", {"--all"});
    agent(who, "status");
    agent(who, "results");
    agent(who, "verify", {camera.serial});
    agent(who, "renew", {"--due"});
    agent(who, "remove", {camera.serial});
  }

  void speak_to_ca() {
    ca("root show");
    ca("root export");
    ca("root export", {"--format", "der", "--out", site.folder("root.cer")});
    auto const key = ca("eab create", {"--grant-dns", "cams.example"});
    ca("eab list");
    ca("eab revoke", {text(key, "kid")});
    auto const account = text(objects(ca("account list"), "accounts").at(0), "account");
    ca("account agree", {account});
    ca("account deactivate", {account});
    auto const serial = text(objects(ca("cert list"), "certificates").at(0), "serial");
    ca("cert show", {serial});
    ca("cert revoke", {serial, "--reason", "superseded", "--dry-run"});
    ca("cert revoke", {serial, "--reason", "superseded"});
    ca("cert revoke", {"--where", "issuer=default", "--dry-run"});
    ca("cert revoke", {"--where", "issued-after=2020-01-01", "--reason", "superseded"});
    auto const hash = std::string(64, '5');
    ca("key block", {hash, "--why", "in a public repository"});
    ca("key list");
    ca("key unblock", {hash});
    ca("audit list");
    ca("audit head", {"--out", site.folder("head.json")});
    ca("audit verify", {"--head", site.folder("head.json")});
    auto const trail = site.folder("trail.jsonl");
    std::ofstream(trail) << site.programs()
                                .run({std::string(LENSCAP_BIN_DIR) + "/lenscap-ca", "--state", site.ca_folder(),
                                      "audit", "export"})
                                .out;
    ca("audit verify", {"--export", trail, "--head", site.folder("head.json")});
    ca("store verify");
    ca("doctor");
    ca("explain", {"gate.cams.example"});
    ca("explain", {"www.bank.example"});
    auto const words = words_file("backup.words", "the words of the back-ups");
    ca("backup create", {site.folder("ca.backup"), "--passphrase-file", words});
    ca("backup verify", {site.folder("ca.backup"), "--passphrase-file", words});
    auto const restored = site.folder("restored");
    ca_on(restored, "restore", {site.folder("ca.backup"), "--passphrase-file", words});
    ca_on(restored, "restore confirm");
    std::ifstream passphrases(site.folder("passphrases"));
    std::string root_words;
    std::getline(passphrases, root_words);
    std::getline(passphrases, root_words);
    auto const of_root = words_file("root.words", root_words);
    ca("issuer create", {"--site", "plant4", "--permit-dns", "p4.cams.example", "--passphrase-file", of_root});
    ca("issuer roll-over", {"--passphrase-file", of_root});
    ca("issuer list");
    ca("root crl", {"--passphrase-file", of_root});
    ca("issuer revoke", {"plant4", "--dry-run"});
    ca("issuer revoke", {"plant4", "--passphrase-file", of_root});
    auto const of_next = words_file("next.words", "the words of the next root");
    ca("root roll-over", {"--passphrase-file", of_root, "--new-passphrase-file", of_next});
    ca("root roll-over", {"--lead"});
    ca("root status");
    ca("root seal", {"--to", site.folder("medium"), "--passphrase-file", of_next});
    std::ofstream(restored + "/ca.toml", std::ios::app) << "[signer]\nsocket = \"" << site.folder("socket") << "\"\n";
    ca_on(restored, "signer split",
          {"--to", site.folder("signer"), "--passphrase-file", site.folder("passphrases"), "--new-passphrase-file",
           words_file("signer.words", "the words of the signer alone")});
  }

  void speak_of_a_new_root() {
    ca_on(site.folder("own"), "init",
          {"--name", "Cameras", "--permit-dns", "cams.example", "--permit-ip", "10.20.0.0/15", "--url",
           "https://ca.cams.example", "--passphrase-file", site.folder("passphrases")});
  }

  void speak_below_a_parent() {
    fakes::Corporation parent;
    auto const state = site.folder("below");
    ca_on(state, "init",
          {"--intermediate", "--name", "Cameras", "--permit-dns", "cams.example", "--permit-ip", "10.20.0.0/15",
           "--url", "https://ca.cams.example", "--passphrase-file", site.folder("passphrases")});
    auto const other = site.folder("below-too");  // a chain is installed once
    auto const third = site.folder("below-a-root");
    for (auto const& each : {other, third})
      std::filesystem::copy(state, each, std::filesystem::copy_options::recursive);
    auto const request = site.folder("issuing.csr");
    ca_on(state, "issuer csr", {"--out", request});
    parent.sign(request);
    ca_on(state, "issuer install", {parent.issuing(), parent.root()});
    ca_on(state, "issuer roll-over", {"--after", "0s"});
    ca_on(state, "issuer csr", {"--out", request});
    parent.sign(request);
    ca_on(state, "issuer install", {parent.issuing(), parent.root()});
    ca_on(third, "root import", {parent.path("root.key"), parent.root()});
    parent.issue_with_key();
    ca_on(other, "issuer import", {parent.path("issuing.key"), parent.issuing(), parent.root()});
  }
};

TEST_F(JsonOutput, OfEveryCommandIsOneObject) {
  speak_to_agent();
  speak_to_ca();
  speak_of_a_new_root();
  speak_below_a_parent();
  std::set<std::string> all;
  walk("lenscap-ca", {}, all);
  walk("lenscap-agent", {}, all);
  EXPECT_GT(all.size(), 35U) << "commands are not found in the help any more";
  for (auto const& command : all)
    EXPECT_NE(spoken.contains(command), without().contains(command))
        << command << " must print an object with --output json and be asked for it here, or have a reason not to";
  for (auto const& [command, why] : without()) EXPECT_TRUE(all.contains(command)) << command;
  EXPECT_EQ(site.stop_server(), 0) << site.server_log();
}

}  // namespace
}  // namespace lenscap::e2e
