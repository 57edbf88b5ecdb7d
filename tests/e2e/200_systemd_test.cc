// The units, started by a running systemd as docs/operations.md says, word by word: the CA with its ports and
// passphrase from systemd, the signer under a user of its own, and both again after they were killed. Whether systemd
// would take the units at all, tests/conf asks. Only root can do this; what boots here touches nothing of the machine
// that it runs on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/booted.h"
#include "tests/e2e/page.h"

namespace lenscap::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kPassphrase = "the words of the issuing key\n";

// The block of this page that has this in it.
std::string block_with(std::string const& text, std::string const& page = "operations.md") {
  std::ifstream in(LENSCAP_SOURCE_DIR "/docs/" + page);
  std::string block;
  bool is_open = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      is_open = !is_open;
      if (!is_open && block.find(text) != block.npos) return block;
      block.clear();
    } else if (is_open) {
      block += line + "\n";
    }
  }
  throw std::runtime_error("docs/" + page + " has no block with " + text);
}

// In the page a person types the passphrases; here they lie in a file.
std::string init_block() {
  auto block = block_with("lenscap-ca init --name");
  replace_all(block, "\n", " --passphrase-file words\n");
  return block;
}

struct Systemd : ::testing::Test {
  std::unique_ptr<Booted> machine;

  void SetUp() override {
    if (auto const why = Booted::why_not(); !why.empty()) GTEST_SKIP() << why;
    machine = std::make_unique<Booted>();
    machine->out_of("echo 127.0.0.1 pki.cams.example >>/etc/hosts\n");
    init("(umask 077; printf 'the words of the issuing key\\nthe words of the root\\n' >words)\n" + init_block());
  }

  void init(std::string const& script) {
    machine->out_of(
        script +
        "lenscap-ca root export --out root.pem\n"
        "sed -i 's/^passphrase .*/passphrase = \"credential:lenscap-ca-key\"/' /var/lib/lenscap-ca/ca.toml\n");
  }
  void serve(std::string const& passphrase = kPassphrase) {
    machine->out_of(block_with("enable --now lenscap-ca.socket"), passphrase);
  }
  // Waits in systemd's socket while nobody serves.
  std::string directory() {
    return machine->out_of("curl -sS --max-time 30 --cacert root.pem https://pki.cams.example/acme/directory");
  }
  // A certificate for this name by a stock client, with an account of its own.
  void order(std::string const& name) {
    machine->out_of(
        "lenscap-ca eab create --grant-dns cams.example --output json >eab\n"
        "word() { sed -n \"s/.*\\\"$1\\\": \\\"\\(.*\\)\\\".*/\\1/p\" eab; }\n"
        "lego --path lego-" +
        name +
        " --server https://pki.cams.example/acme/directory --accept-tos "
        "--email a@cams.example --eab --kid \"$(word kid)\" --hmac \"$(word mac_key)\" --domains " +
        name +
        " --http --http.port :5002 run\n"
        "openssl verify -CAfile root.pem -untrusted lego-" +
        name + "/certificates/" + name + ".issuer.crt lego-" + name + "/certificates/" + name + ".crt\n");
  }
  std::string property(std::string const& unit, std::string const& name) {
    auto value = machine->run("systemctl show --value --property=" + name + " " + unit).out;
    if (!value.empty()) value.pop_back();
    return value;
  }
  // Until systemd has started it anew so often, and it says that it is ready.
  bool is_back(std::string const& unit, std::string const& restarts) {
    return until([&] { return property(unit, "NRestarts") == restarts && property(unit, "ActiveState") == "active"; });
  }
  int reloads() {
    auto const journal = machine->journal();
    int count = 0;
    std::string const event = R"("event":"reload.done")";
    for (auto at = journal.find(event); at != journal.npos; at = journal.find(event, at + 1)) ++count;
    return count;
  }
  std::string status(std::string const& unit) {
    return machine->out_of("cat /proc/$(systemctl show --value --property=MainPID " + unit + ")/status");
  }
};

MATCHER(IsConfined, "") {
  return ::testing::ExplainMatchResult(AllOf(HasSubstr("Seccomp:\t2"), HasSubstr("NoNewPrivs:\t1"),
                                             HasSubstr("CapBnd:\t0000000000000000"), Not(HasSubstr("Uid:\t0"))),
                                       arg, result_listener);
}

TEST_F(Systemd, ServesAsThePageSaysAndComesBack) {
  serve();
  EXPECT_THAT(directory(), HasSubstr("newOrder"));
  order("cam1.cams.example");
  EXPECT_THAT(status("lenscap-ca"), IsConfined());
  EXPECT_THAT(machine->journal(), AllOf(HasSubstr(R"("event":"server.listening","what":"acme","address":"inherited")"),
                                        HasSubstr(R"("event":"server.listening","what":"web","address":"inherited")"),
                                        HasSubstr(R"("calls_filtered":true,"files_walled":true)"),
                                        HasSubstr(R"("event":"certificate.issued")")));
  EXPECT_THAT(machine->out_of("runuser -u lenscap-ca -- lenscap-ca doctor || test $? = 6"),
              ::testing::ContainsRegex("permissions +good"))
      << "a command as the page says";

  // Whoever connects while it starts anew waits, and gets an answer.
  machine->out_of(
      "client() {\n"
      "  until [ -e over ]; do\n"
      "    curl -sS --max-time 30 --cacert root.pem -o /dev/null https://pki.cams.example/acme/directory || touch "
      "lost\n"
      "  done\n"
      "}\n"
      "for each in 1 2 3 4 5 6 7 8; do client & done\n"
      "systemctl restart lenscap-ca\n"
      "systemctl restart lenscap-ca\n"
      "systemctl reload lenscap-ca\n"
      "touch over\n"
      "wait\n"
      "[ ! -e lost ]\n");
  // systemctl does not wait for what the service makes of its signal, and until then it may read its settings.
  EXPECT_TRUE(until([&] { return machine->journal().find(R"("event":"reload.done")") != std::string::npos; }));

  // A slip of the pen fails there, and the service goes on.
  machine->out_of(
      "cp /var/lib/lenscap-ca/ca.toml kept\n"
      "echo '[' >>/var/lib/lenscap-ca/ca.toml\n"
      "! systemctl reload lenscap-ca\n"
      "cp kept /var/lib/lenscap-ca/ca.toml\n");
  EXPECT_THAT(machine->journal(), HasSubstr("ca.toml:"));

  machine->out_of("systemctl kill --signal=KILL --kill-who=main lenscap-ca");
  EXPECT_TRUE(is_back("lenscap-ca", "1")) << machine->journal();
  machine->out_of("pkill --signal=KILL --full ' signer$'");
  EXPECT_TRUE(is_back("lenscap-ca", "2")) << machine->journal();
  order("cam2.cams.example");

  machine->out_of("systemctl stop lenscap-ca.service lenscap-ca.socket lenscap-ca-http.socket");
  EXPECT_EQ(property("lenscap-ca", "Result"), "success");
  EXPECT_THAT(machine->journal(), HasSubstr(R"("event":"server.stopped")"));
}

struct SystemdWithAToken : Systemd {
  static constexpr char const* kPage = "keep-the-key-in-an-hsm.md";
  std::string const drop_in = block_with("token.conf", kPage);

  void SetUp() override {
    Systemd::SetUp();
    if (!machine) return;
    auto const blocks = blocks_of(kPage);
    machine->out_of("rm -r /var/lib/lenscap-ca root.pem");
    init(blocks.at(0) + blocks.at(1));
  }
};

TEST_F(SystemdWithAToken, ServesAsThePageSays) {
  machine->out_of(drop_in);
  serve("the token's own PIN");
  order("cam1.cams.example");
  EXPECT_THAT(status("lenscap-ca"), IsConfined());
  EXPECT_THAT(machine->journal(), AllOf(HasSubstr(R"("calls_filtered":true)"), Not(HasSubstr("the token's own PIN"))));
  machine->out_of("[ -e /var/lib/lenscap-ca/keys/issuing.pem ] && [ ! -e /var/lib/lenscap-ca/keys/issuing.key ]");

  // Another key, which root makes in the token: the next start needs it, too.
  auto const blocks = blocks_of(kPage);
  auto const pin = blocks.at(0).substr(0, blocks.at(0).find('\n') + 1);
  auto further = blocks.at(3);
  // systemd-run would do it, but asks for a message bus, which this machine has not.
  machine->out_of(
      "(umask 077; mkdir credentials; printf %s \"the token's own PIN\" >credentials/lenscap-ca-key)\n"
      "export CREDENTIALS_DIRECTORY=\"$PWD/credentials\"\n" +
      pin + further + drop_in.substr(0, drop_in.find("install -d")) +
      "chown -R lenscap-ca: /var/lib/lenscap-ca\n"
      "systemctl restart lenscap-ca\n");
  order("cam2.p4.cams.example");
  EXPECT_THAT(machine->out_of("openssl x509 -noout -issuer -in lego-cam2.p4.cams.example/certificates/*.example.crt"),
              HasSubstr("plant4"));
  machine->out_of("systemctl stop lenscap-ca.service lenscap-ca.socket lenscap-ca-http.socket");
  EXPECT_EQ(property("lenscap-ca", "Result"), "success");
}

TEST_F(SystemdWithAToken, TheSignerHasAUserOfItsOwn) {
  // Makes the users; without the drop-in the server cannot open the token.
  EXPECT_NE(machine->run(block_with("enable --now lenscap-ca.socket"), "the token's own PIN").code, 0);
  EXPECT_THAT(machine->journal(), HasSubstr("the module does not start"));
  machine->out_of("cat >>/var/lib/lenscap-ca/ca.toml", block_with("front_user = \"lenscap-ca\""));
  auto signers = drop_in;
  replace_all(signers, "lenscap-ca.service", "lenscap-signer.service");
  auto split = block_with("signer split --to");
  replace_all(split, " --passphrase-file now --new-passphrase-file new", "");
  machine->out_of(
      "pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --token-label ca --login --pin \"the token's own PIN\" "
      "--change-pin --new-pin 'a PIN for the signer'\n"
      "(umask 077; printf 'a PIN for the signer' >new)\n" +
      signers + split);
  order("cam1.cams.example");
  EXPECT_THAT(status("lenscap-signer"), IsConfined());
  auto const softhsm = machine->out_of("getent group softhsm | cut -d: -f3");
  auto const groups = [&](std::string const& unit) {
    auto const all = status(unit);
    auto const begin = all.find("Groups:");
    return " " + all.substr(begin, all.find('\n', begin) - begin) + " ";
  };
  auto const number = softhsm.substr(0, softhsm.find('\n'));
  EXPECT_THAT(groups("lenscap-signer"), ::testing::ContainsRegex("[\t ]" + number + " "));
  EXPECT_THAT(groups("lenscap-ca"), Not(::testing::ContainsRegex("[\t ]" + number + " ")));
  machine->out_of("systemctl restart lenscap-signer");
  EXPECT_TRUE(until([&] { return reloads() == 1; })) << machine->journal();
  order("cam2.cams.example");
}

TEST_F(Systemd, AStartThatFailsClosesNoPort) {
  machine->out_of("systemd-sysusers; systemctl start lenscap-ca.socket lenscap-ca-http.socket");
  // More often than systemd lets a unit fail by default.
  for (int i = 0; i < 6; ++i) EXPECT_NE(machine->run("systemctl restart lenscap-ca.service").code, 0);
  EXPECT_THAT(machine->journal(), HasSubstr("/etc/credstore.encrypted/lenscap-ca-key"));
  EXPECT_EQ(property("lenscap-ca.socket", "ActiveState"), "active");
  machine->out_of(
      "curl -sS --max-time 30 --cacert root.pem https://pki.cams.example/acme/directory >directory & client=$!\n" +
          block_with("enable --now lenscap-ca.socket") + "wait $client\ngrep newOrder directory\n",
      kPassphrase);
}

TEST_F(Systemd, TheSignerHasAUserOfItsOwn) {
  serve();
  auto settings = block_with("front_user = \"lenscap-ca\"");
  machine->out_of("cat >>/var/lib/lenscap-ca/ca.toml", settings);
  machine->out_of("(umask 077; echo 'the words of the issuing key' >now; echo 'words of the signer' >new)\n" +
                  block_with("signer split --to"));
  order("cam1.cams.example");
  EXPECT_THAT(status("lenscap-ca"), IsConfined());
  EXPECT_THAT(status("lenscap-signer"), IsConfined());
  for (auto const* file :
       {"/var/lib/lenscap-signer/keys/issuing.key", "/run/credentials/lenscap-signer.service/lenscap-ca-key"})
    EXPECT_NE(machine->run(std::string("runuser -u lenscap-ca -- cat ") + file).code, 0) << file;
  EXPECT_THAT(machine->out_of("lenscap-ca store verify --signer-ledger /var/lib/lenscap-signer/signer.ledger"),
              ::testing::ContainsRegex("S1 .*kept"));

  // Another profile, taken over by a careful administrator: the signer can still read what it gets.
  machine->out_of(
      "umask 077\n"
      "sed -i 's/^lifetime = .*/lifetime = \"80d\"/' /var/lib/lenscap-ca/profiles/camera-https.toml\n"
      "lenscap-ca signer split --to /var/lib/lenscap-signer\n"
      "systemctl restart lenscap-signer\n");
  EXPECT_TRUE(until([&] { return reloads() == 1; })) << machine->journal();
  order("cam2.cams.example");

  machine->out_of("systemctl kill --signal=KILL lenscap-signer");
  EXPECT_TRUE(is_back("lenscap-signer", "1")) << machine->journal();
  EXPECT_TRUE(until([&] { return reloads() == 2; })) << machine->journal();
  order("cam3.cams.example");
  EXPECT_EQ(property("lenscap-ca", "NRestarts"), "0") << "the server follows its signer";
  machine->out_of("systemctl stop lenscap-ca.service lenscap-signer.service");
  EXPECT_EQ(property("lenscap-signer", "Result"), "success");
}

}  // namespace
}  // namespace lenscap::e2e
