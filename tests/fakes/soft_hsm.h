// A token of SoftHSM in a folder of the test's own, for keys that are made and put there by other people's programs.
#pragma once

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/e2e/programs.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::fakes {

class SoftHsm {
 public:
  static constexpr char const* kPin = "the token's own PIN";
  static constexpr char const* kModule = "/usr/lib/softhsm/libsofthsm2.so";

  // This process's SoftHSM sees this folder and no other, from the next time that its module is loaded.
  SoftHsm() {
    std::ofstream(dir_.path("softhsm2.conf"))
        << "directories.tokendir = " << dir_.path("tokens") << "\nobjectstore.backend = file\nlog.level = ERROR\n";
    std::filesystem::create_directory(dir_.path("tokens"));
    ::setenv("SOFTHSM2_CONF", dir_.path("softhsm2.conf").c_str(), 1);
  }
  SoftHsm(SoftHsm const&) = delete;
  SoftHsm& operator=(SoftHsm const&) = delete;
  ~SoftHsm() { ::unsetenv("SOFTHSM2_CONF"); }

  std::string path(std::string const& name) const { return dir_.path(name); }

  void add_token(std::string const& label) {
    run({"softhsm2-util", "--init-token", "--free", "--label", label, "--pin", kPin, "--so-pin", "officer's PIN"});
  }
  // Makes a key with `openssl genpkey` and puts it into the token; the public half is at path(file + ".pub").
  void add_key(std::string const& token, std::string const& object, std::string const& id, std::string const& file,
               std::vector<std::string> const& kind = {"-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"}) {
    std::vector<std::string> words{"openssl", "genpkey", "-out", path(file)};
    words.insert(words.end(), kind.begin(), kind.end());
    run(words);
    run({"openssl", "pkey", "-in", path(file), "-pubout", "-out", path(file + ".pub")});
    import(token, object, id, file);
  }
  void import(std::string const& token, std::string const& object, std::string const& id, std::string const& file) {
    run({"softhsm2-util", "--import", path(file), "--token", token, "--label", object, "--id", id, "--pin", kPin});
  }
  // `words` of pkcs11-tool, logged in.
  void tool(std::string const& token, std::vector<std::string> const& words) {
    std::vector<std::string> all{"pkcs11-tool", "--module", kModule, "--token-label", token, "--login", "--pin", kPin};
    all.insert(all.end(), words.begin(), words.end());
    run(all);
  }
  void remove_key(std::string const& token, std::string const& id) {
    tool(token, {"--delete-object", "--type", "privkey", "--id", id});
    tool(token, {"--delete-object", "--type", "pubkey", "--id", id});
  }

  void run(std::vector<std::string> const& words) {
    auto const ran = programs_.run(words);
    if (ran.code != 0) throw std::runtime_error(words[0] + ": " + ran.all());
  }

  // The part of a URI behind "pkcs11:".
  static std::string with_module(std::string const& path) { return path + "?module-path=" + kModule; }

 private:
  TempDir dir_;
  e2e::Programs programs_;
};

}  // namespace lenscap::fakes
