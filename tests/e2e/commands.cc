#include "tests/e2e/commands.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <regex>

#include "ca/signing_ledger.h"

namespace lenscap::e2e {
namespace {

// The octets of its file are no measure: a commit that failed may have written pages that belong to no state of it.
// Nothing where it is no store yet.
std::optional<Tree> tables_of(std::string const& folder) {
  auto const store = store::open_read_only("lmdb:" + folder, "/");
  if (!store.ok()) return std::nullopt;
  Tree all;
  (*store)->read([&](store::ReadTxn& txn) {
    for (auto const& name : txn.tables()) {
      auto& text = all[name];
      auto const add = [&](std::string_view part) {
        text += std::to_string(part.size()) + ":" + std::string(part) + "\n";
      };
      txn.scan(store::Table{name}, "", [&](std::string_view key, std::string_view value) {
        add(key);
        add(value);
        return true;
      });
    }
  });
  return all;
}

void copy(std::string const& from, std::string const& to) {
  std::filesystem::copy(from, to, std::filesystem::copy_options::recursive);
}

}  // namespace

Tree tree_of(std::string const& folder) {
  Tree tree;
  for (auto const& entry : std::filesystem::recursive_directory_iterator(folder)) {
    auto const path = entry.path().string();
    auto const is_beside = path.find(".new") != path.npos || path.ends_with(".former") || path.ends_with("lock.mdb") ||
                           path.ends_with("/db/lock");
    if (!entry.is_regular_file() || is_beside) continue;
    auto const tables = path.ends_with("/db/data.mdb") ? tables_of(entry.path().parent_path()) : std::nullopt;
    auto const mode = std::to_string(static_cast<unsigned>(entry.status().permissions()));
    tree[path] = mode + " " + (tables ? "a store" : fakes::CaProcess::read(path));
    if (!tables) continue;
    for (auto const& [name, records] : *tables) tree[path + ":" + name] = records;
  }
  return tree;
}

std::set<std::string> changes(Tree const& before, Tree const& after) {
  std::set<std::string> all;
  for (auto const& [path, text] : after)
    if (!before.contains(path) || before.at(path) != text) all.insert(path);
  for (auto const& [path, text] : before)
    if (!after.contains(path)) all.insert("no " + path);
  return all;
}

// --- what stands where

void Commands::SetUp() {
  corporation.issue_with_key();
  auto const words = [&](char const* name, char const* text) {
    std::ofstream(ca.path(name)) << text;
    std::filesystem::permissions(ca.path(name), std::filesystem::perms(0600));
  };
  words("other-words", "words of another\n");
  words("root-words", "the root's own words\n");
  seal_lightly_with(ca.path("root-words"), ca.state() + "/keys/root.key");
  must({"--state", ca.state(), "backup", "create", ca.path("backup"), "--passphrase-file", ca.path("other-words")});
  must({"--state", ca.path("below"), "init", "--intermediate", "--name", "Example Cameras", "--permit-dns", "localhost",
        "cams.example", "--url", "https://localhost", "--passphrase-file", ca.path("passphrases")});
  seal_lightly_with(ca.path("passphrases"), ca.path("below") + "/keys/issuing.key");
  must({"--state", ca.path("restored"), "restore", ca.path("backup"), "--passphrase-file", ca.path("other-words")});
  // What stands where, copied before each run: the own root, what was restored from it, one without a chain, the same
  // with its chain installed.
  copy(ca.path("below"), ca.path("installed"));
  must({"--state", ca.path("installed"), "issuer", "csr", "--out", corporation.path("our.csr")});
  corporation.sign(corporation.path("our.csr"));
  std::filesystem::rename(corporation.issuing(), corporation.path("ours.pem"));
  corporation.shell(
      "openssl x509 -req -in our.csr -CA root.pem -CAkey root.key -CAcreateserial -days 300 -extfile "
      "issuing.ext -out renewed.pem");
  corporation.sign(corporation.path("issuing.csr"));
  must({"--state", ca.path("installed"), "issuer", "install", corporation.path("ours.pem"), corporation.root()});
  // The same with a request for the next key, and what the parent made of it.
  copy(ca.path("installed"), ca.path("pending"));
  must({"--state", ca.path("pending"), "issuer", "roll-over", "--after", "0s", "--passphrase-file",
        ca.path("passphrases")});
  must({"--state", ca.path("pending"), "issuer", "csr", "--out", corporation.path("next.csr")});
  corporation.sign(corporation.path("next.csr"));
  std::filesystem::rename(corporation.issuing(), corporation.path("next.pem"));
  corporation.sign(corporation.path("issuing.csr"));
  copy(ca.state(), ca.path("two-roots"));
  must({"--state", ca.path("two-roots"), "root", "roll-over", "--passphrase-file", ca.path("root-words"),
        "--new-passphrase-file", ca.path("other-words")});
}

void Commands::must(std::vector<std::string> words) {
  auto const ran = run_here(std::move(words));
  ASSERT_EQ(ran.code, 0) << ran.all();
}

std::function<void()> Commands::on(std::string const& from) {
  return [this, from] { copy(from, state); };
}

void Commands::seal_lightly_with(std::string const& words_file, std::string const& key) {
  std::filesystem::copy_file(words_file, ca.path("once-more"), std::filesystem::copy_options::overwrite_existing);
  auto const resealed =
      ca.programs().run({"openssl", "pkcs8", "-topk8", "-v2", "aes-256-cbc", "-iter", "1", "-in", key, "-out",
                         key + ".new", "-passin", "file:" + words_file, "-passout", "file:" + ca.path("once-more")});
  ASSERT_EQ(resealed.code, 0) << resealed.all();
  std::filesystem::rename(key + ".new", key);
}

// --- the commands

std::vector<Command> Commands::all() {
  auto const words = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"--state", state});
    return more;
  };
  auto const passphrases = ca.path("passphrases");
  auto const root_words = ca.path("root-words");
  auto const other = ca.path("other-words");
  auto const split = [this] {
    copy(ca.state(), state);
    auto text = fakes::CaProcess::read(state + "/ca.toml");
    auto const table = text.find("[signer]\n");
    std::string const socket = "socket = \"" + here + "/signer.socket\"\n";
    if (table == text.npos)
      text += "[signer]\n" + socket;
    else
      text.insert(table + 9, socket);
    std::ofstream(state + "/ca.toml") << text;
    auto ledger = ca::SigningLedger::open(ca::signing_ledger_file(state), [](auto const&) {}).value();
    ledger.add({.kind = ca::SignedEntry::Kind::clock, .at = SystemClock().now()});
    EXPECT_TRUE(ledger.commit());
  };
  auto const init = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--name", "Example Cameras", "--permit-dns", "localhost", "cams.example", "--url",
                             "https://localhost", "--passphrase-file", passphrases});
    return words(std::move(more));
  };
  return {
      {"init", init({"init"}), [] {}, words({"issuer", "list"}), true, true},
      {"init --intermediate", init({"init", "--intermediate"}), [] {}, words({"issuer", "csr"}), true, true},
      {"root import", words({"root", "import", corporation.path("root.key"), corporation.root()}), on(ca.path("below")),
       words({"issuer", "list"}), true},
      {"root seal", words({"root", "seal", "--to", here + "/medium", "--passphrase-file", root_words}), on(ca.state()),
       words({"issuer", "list"}), true, true},
      {"restore confirm", words({"restore", "confirm"}), on(ca.path("restored")), {}, true},
      {"issuer import",
       words({"issuer", "import", corporation.path("issuing.key"), corporation.issuing(), corporation.root()}),
       on(ca.path("below")), words({"issuer", "install", corporation.issuing(), corporation.root()})},
      {"issuer install", words({"issuer", "install", corporation.path("renewed.pem"), corporation.root()}),
       on(ca.path("installed")), words({"issuer", "install", corporation.path("renewed.pem"), corporation.root()})},
      {"issuer create",
       words({"issuer", "create", "--site", "plant4", "--permit-ip", "10.20.4.0/24", "--passphrase-file", root_words}),
       on(ca.state()), words({"issuer", "list"}), true, false, "/keys/root.crl"},
      // Not 0s: a second one, once the clock has gone on, would make the issuer after this one.
      {"issuer roll-over", words({"issuer", "roll-over", "--after", "1h", "--passphrase-file", root_words}),
       on(ca.state()), words({"issuer", "list"}), true, false, "/keys/root.crl"},
      {"issuer roll-over below a parent",
       words({"issuer", "roll-over", "--after", "0s", "--passphrase-file", passphrases}), on(ca.path("installed")),
       words({"issuer", "csr"}), true},
      {"issuer install of the next", words({"issuer", "install", corporation.path("next.pem"), corporation.root()}),
       on(ca.path("pending")), words({"issuer", "list"}), true, false, "/issuers/default-2/request.toml"},
      {"root roll-over --lead", words({"root", "roll-over", "--lead"}), on(ca.path("two-roots")),
       words({"root", "status"}), true},
      {"root seal --shares",
       words({"root", "seal", "--to", here + "/medium", "--shares", "2-of-3", "--shares-to", here + "/shares",
              "--passphrase-file", root_words}),
       on(ca.state()), words({"issuer", "list"}), true, true},
      {"root seal anew",
       words({"root", "seal", "--to", here + "/medium", "--root-key", here + "/former/root.key", "--passphrase-file",
              root_words, "--new-passphrase-file", other}),
       [this] {
         copy(ca.state(), state);
         std::filesystem::create_directory(here + "/former");
         for (auto const* file : {"root.key", "root.pem"})
           std::filesystem::copy_file(state + "/keys/" + file, here + "/former/" + file);
         std::filesystem::remove(state + "/keys/root.key");
       },
       words({"issuer", "list"}), true, true},
      {"eab create", words({"eab", "create", "--grant-dns", "localhost"}), on(ca.state())},
      {"key block", words({"key", "block", std::string(64, 'a')}), on(ca.state())},
      {"cert revoke", words({"cert", "revoke", std::string(32, '5'), "--unknown"}), on(ca.state()), {}, true},
      {"root roll-over", words({"root", "roll-over", "--passphrase-file", root_words, "--new-passphrase-file", other}),
       on(ca.state()), words({"root", "status"}), true, false, "/keys/root.crl"},
      {"root crl", words({"root", "crl", "--passphrase-file", root_words}), on(ca.state()), words({"issuer", "list"})},
      {"issuer revoke", words({"issuer", "revoke", "default", "--passphrase-file", root_words}), on(ca.state()),
       words({"issuer", "list"}), true},
      {"signer split",
       words({"signer", "split", "--to", here + "/signer", "--passphrase-file", passphrases, "--new-passphrase-file",
              other}),
       split,
       {},
       false,
       true},
      {"backup create", words({"backup", "create", here + "/made", "--passphrase-file", other}), on(ca.state()),
       words({"backup", "verify", here + "/made", "--passphrase-file", other}), true, false, "/backup.json"},
      {"restore", words({"restore", ca.path("backup"), "--passphrase-file", other}), [] {}, {}, true},
  };
}

std::vector<Command> Commands::chosen() {
  char const* const names = std::getenv("LENSCAP_COMMANDS");
  std::regex const wanted(names == nullptr ? ".*" : names);
  std::vector<Command> some;
  for (auto& command : all())
    if (std::regex_match(command.name, wanted)) some.push_back(std::move(command));
  return some;
}

// --- running and judging them

Ran Commands::run_here(std::vector<std::string> words, std::vector<std::string> before) {
  before.insert(before.end(), {std::string(LENSCAP_BIN_DIR) + "/lenscap-ca"});
  before.insert(before.end(), words.begin(), words.end());
  return ca.programs().run(std::move(before));
}

void Commands::begin(Command const& command) {
  std::filesystem::remove_all(here);
  std::filesystem::create_directory(here);
  command.prepare();
}

bool Commands::is_ca() const {
  auto const is_there = [&](char const* file) { return std::filesystem::exists(state + file); };
  return is_there("/db/data.mdb") && is_there("/ca.toml") && is_there("/keys/issuing.pem");
}

void Commands::expect_whole_store() {
  if (!is_ca()) return;
  auto const verified = run_here({"--state", state, "store", "verify"});
  EXPECT_EQ(verified.code, 0) << verified.all();
}

void Commands::expect_judged(Command const& command) {
  if (command.judge.empty()) return;
  auto const judged = run_here(command.judge);
  EXPECT_EQ(judged.code, 0) << judged.all();
}

void Commands::expect_done(Command const& command, Tree const& before, std::set<std::string> const& expected) {
  EXPECT_EQ(changes(before, tree_of(here)), expected);
  expect_whole_store();
  expect_judged(command);
}

bool Commands::follow_advice(std::string const& said) {
  auto const says = [&](char const* text) { return said.find(text) != said.npos; };
  if (says("the former one is still there, for you to remove") || says("remove it; the key is where"))
    for (auto const* former : {"/former/root.key", "/state/keys/root.key"}) std::filesystem::remove(here + former);
  if (says("give another directory")) {
    for (auto const* taken : {"/medium", "/shares"}) std::filesystem::remove_all(here + taken);
    return true;
  }
  if (says("Restore into an empty directory") && !std::filesystem::exists(state + "/ca.toml")) {
    std::filesystem::remove_all(state);
    return true;
  }
  constexpr std::string_view kAdvice = "Finish it with: ";
  auto const at = said.find(kAdvice);
  if (at == said.npos) return false;
  auto const command = said.substr(at + kAdvice.size(), said.find(" (E", at) - at - kAdvice.size());
  EXPECT_EQ(ca.programs().run({"bash", "-c", command}).code, 0) << said;
  return false;
}

}  // namespace lenscap::e2e
