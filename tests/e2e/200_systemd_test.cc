// The units, started by a running systemd as docs/operations.md says, word by word: the CA with its ports and
// passphrase from systemd, the signer under a user of its own, and both again after they were killed; and the pages by
// which somebody makes a CA and changes its issuers, followed to the letter by root at a terminal. Whether systemd
// would take the units at all, tests/conf asks. Only root can do this; what boots here touches nothing of the machine
// that it runs on.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/e2e/booted.h"
#include "tests/e2e/page.h"
#include "tests/fakes/corporation.h"

namespace lenscap::e2e {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr char const* kPassphrase = "the words of the issuing key";
constexpr char const* kRootsPassphrase = "the words of the root";
constexpr char const* kService = "systemctl enable --now lenscap-ca\n";  // of the block under "Serve"

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

struct MachineWithSystemd : ::testing::Test {
  std::unique_ptr<Booted> machine;

  void SetUp() override {
    if (auto const why = Booted::why_not(); !why.empty()) GTEST_SKIP() << why;
    machine = std::make_unique<Booted>();
    machine->out_of("echo 127.0.0.1 pki.cams.example >>/etc/hosts\n");
    auto const install = block_with("cmake --install");  // which boot_systemd did
    machine->out_of(install.substr(install.find('\n', install.find("cmake --install"))));
  }

  Ran try_to_serve(std::string const& passphrase) {
    return machine->type(block_with(kService), {{"Passphrase of the issuing key:", passphrase}});
  }
  void serve(std::string const& passphrase = kPassphrase) {
    auto const served = try_to_serve(passphrase);
    EXPECT_EQ(served.code, 0) << served.all() << machine->journal();
  }
  // Waits in systemd's socket while nobody serves.
  std::string directory() {
    return machine->out_of("curl -sS --max-time 60 --cacert root.pem https://pki.cams.example/acme/directory");
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

struct Systemd : MachineWithSystemd {
  void SetUp() override {
    MachineWithSystemd::SetUp();
    if (machine)
      init("(umask 077; printf 'the words of the issuing key\\nthe words of the root\\n' >words)\n" + init_block());
  }
  void init(std::string const& script) {
    machine->out_of(
        script +
        "lenscap-ca root export --out root.pem\n"
        "sed -i 's/^passphrase .*/passphrase = \"credential:lenscap-ca-key\"/' /var/lib/lenscap-ca/ca.toml\n");
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
  EXPECT_THAT(machine->out_of("lenscap-ca doctor || test $? = 6"), ::testing::ContainsRegex("permissions +good"));

  // Whoever connects while it starts anew waits, and gets an answer.
  machine->out_of(
      "client() {\n"
      "  until [ -e over ]; do\n"
      "    curl -sS --max-time 60 --cacert root.pem -o /dev/null https://pki.cams.example/acme/directory || touch "
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
  auto const made =
      machine->type(pin + further + drop_in.substr(0, drop_in.find("install -d")) + "systemctl restart lenscap-ca\n",
                    {{"Enter the PIN of the issuing key's token:", "the token's own PIN"}});
  EXPECT_EQ(made.code, 0) << made.all();
  order("cam2.p4.cams.example");
  EXPECT_THAT(machine->out_of("openssl x509 -noout -issuer -in lego-cam2.p4.cams.example/certificates/*.example.crt"),
              HasSubstr("plant4"));
  machine->out_of("systemctl stop lenscap-ca.service lenscap-ca.socket lenscap-ca-http.socket");
  EXPECT_EQ(property("lenscap-ca", "Result"), "success");
}

TEST_F(SystemdWithAToken, TheSignerHasAUserOfItsOwn) {
  // Without the drop-in the server cannot open the token.
  EXPECT_NE(try_to_serve("the token's own PIN").code, 0);
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
  machine->out_of("systemctl start lenscap-ca.socket lenscap-ca-http.socket");
  // More often than systemd lets a unit fail by default.
  for (int i = 0; i < 6; ++i) EXPECT_NE(machine->run("systemctl restart lenscap-ca.service").code, 0);
  EXPECT_THAT(machine->journal(), HasSubstr("/etc/credstore.encrypted/lenscap-ca-key"));
  EXPECT_EQ(property("lenscap-ca.socket", "ActiveState"), "active");
  auto const served = machine->type(
      "curl -sS --max-time 60 --cacert root.pem https://pki.cams.example/acme/directory >directory & client=$!\n" +
          block_with(kService) + "wait $client\ngrep newOrder directory\n",
      {{"Passphrase of the issuing key:", kPassphrase}});
  EXPECT_EQ(served.code, 0) << served.all() << machine->journal();
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

// By root, while the directory is the service's: on a machine where it has run before.
TEST_F(Systemd, ABackUpIsRestoredAsThePageSays) {
  serve();
  order("cam1.cams.example");
  auto const blocks = blocks_of("back-up-and-restore.md");
  machine->out_of(
      "mkdir -p /mnt/backup /etc/lenscap\n"
      "(umask 077; echo 'the words of the back-up' >/etc/lenscap/backup-passphrase)\n" +
      blocks.at(0) + blocks.at(1) +
      "systemctl stop lenscap-ca.service lenscap-ca.socket lenscap-ca-http.socket\n"
      "find /var/lib/lenscap-ca -mindepth 1 -delete\n" +
      blocks.at(2) + blocks.at(3) + "[ $(stat -c %U /var/lib/lenscap-ca) = lenscap-ca ]\n" + kService);
  EXPECT_EQ(machine->out_of("find /var/lib/lenscap-ca ! -user lenscap-ca"), "");
  EXPECT_THAT(directory(), HasSubstr("newOrder"));
  EXPECT_THAT(machine->out_of("lenscap-ca cert list"), HasSubstr("cam1.cams.example"));
}

// --- the pages, to the letter ---

// Root at a terminal, who types what is asked for. Of the pages nothing is left out but what they call optional.
struct Administrator : MachineWithSystemd {
  static inline Answer const kChooses{"Choose the passphrase of the issuing key:", kPassphrase};
  static inline Answer const kRepeats{"Repeat the passphrase of the issuing key:", kPassphrase};
  static inline Answer const kSeals{"Passphrase of the issuing key:", kPassphrase};
  static inline Answer const kIssuing{"Enter the passphrase of the issuing key:", kPassphrase};
  static inline Answer const kRoot{"Enter the passphrase of the root key:", kRootsPassphrase};

  std::string follow(std::string const& page, std::vector<std::string> const& sections,
                     std::vector<Answer> const& answers) {
    auto const ran = machine->type(script_of_sections(page, sections), answers);
    EXPECT_EQ(ran.code, 0) << page << ": " << ran.all() << machine->journal();
    EXPECT_THAT(ran.out, Not(HasSubstr("the words of"))) << "what is typed is not shown";
    return ran.out;
  }
  void make_a_ca() {
    machine->out_of("mkdir -p /media/usb\n");
    EXPECT_THAT(follow("make-a-ca.md",
                       {"Decide what it may name", "Write down the fingerprint", "Take the root's key away", "Serve"},
                       {kChooses,
                        kRepeats,
                        {"Choose the passphrase of the root key:", kRootsPassphrase},
                        {"Repeat the passphrase of the root key:", kRootsPassphrase},
                        kRoot,
                        kSeals}),
                HasSubstr("newOrder"));
  }
  // The service has taken what was made beside it, and everything is its own.
  void expect_reloads(int count) {
    EXPECT_TRUE(until([&] { return reloads() == count; })) << machine->journal();
    EXPECT_THAT(machine->journal(), Not(HasSubstr("reload.refused")));
    EXPECT_EQ(machine->out_of("find /var/lib/lenscap-ca ! -user lenscap-ca -o ! -group lenscap-ca"), "");
  }
  std::string who_issued(std::string const& name) {
    order(name);
    return machine->out_of("openssl x509 -noout -issuer -in lego-" + name + "/certificates/" + name + ".crt");
  }
};

TEST_F(Administrator, MakesACaAndReplacesAStolenIssuingKey) {
  make_a_ca();
  EXPECT_THAT(who_issued("cam1.cams.example"), HasSubstr("Example Cameras Issuing CA\n"));
  follow("make-a-ca.md", {"Once a year"}, {kRoot});
  expect_reloads(1);

  EXPECT_THAT(follow("when-a-key-is-stolen.md", {"The issuing key"}, {kRoot, kIssuing, kRoot}), HasSubstr("default-2"));
  expect_reloads(3);
  EXPECT_THAT(who_issued("cam2.cams.example"), HasSubstr("Example Cameras Issuing CA 2\n"));
}

TEST_F(Administrator, RollsOverTheRoot) {
  make_a_ca();
  std::string const next = "the words of the next root";
  follow("roll-over-the-root.md",
         {"Make the next root", "Make an issuer below it", "Let everybody trust it", "Let chains lead to it"},
         {kRoot,
          {"Choose the root key's passphrase:", next},
          {"Repeat the root key's passphrase:", next},
          kIssuing,
          kIssuing,
          {"Enter the passphrase of the root key:", next},
          {"Enter the passphrase of the root key:", next}});
  expect_reloads(3);
  EXPECT_THAT(machine->out_of("curl -sS --cacert new-root.pem https://pki.cams.example/acme/directory"),
              HasSubstr("newOrder"));
}

TEST_F(Administrator, BecomesAnIntermediateAndChangesTheKey) {
  fakes::Corporation const corporation;
  for (std::string const file : {"root.pem", "root.key"}) {
    std::ifstream in(corporation.path(file));
    machine->out_of("cat >corporate-" + file, std::string(std::istreambuf_iterator<char>(in), {}));
  }
  EXPECT_THAT(
      follow("become-an-intermediate.md", {"Have a request signed", "Ask what it would issue", "Change the key"},
             {kChooses, kRepeats, kIssuing, kSeals, kIssuing, kIssuing}),
      AllOf(HasSubstr("newOrder"), HasSubstr("published")));
  expect_reloads(1);
}

}  // namespace
}  // namespace lenscap::e2e
