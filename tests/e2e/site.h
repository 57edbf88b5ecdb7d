// A whole site for the end-to-end tests: a CA made by `lenscap-ca init`, its server as a process, a simulator of
// cameras, and agents, all on a loopback network of their own (127.x.y.0/24, which is also all that the CA can vouch
// for beside cams.example) and in a folder that goes with it. Only processes and what they print; nothing of the
// product is linked here but `base`.
//
//   class Enroll : public SiteTest {};
//   TEST_F(Enroll, ...) { Agent agent(site(), "first"); agent.join(); ... }
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "base/json.h"
#include "tests/camsim/process.h"
#include "tests/e2e/programs.h"
#include "tests/fakes/temp_dir.h"

namespace lenscap::fakes {
class Corporation;
}

namespace lenscap::e2e {

constexpr char const* kDnsSuffix = "cams.example";
constexpr int kHttpsPort = 8443;  // of every camera and of the server; each has an address of its own
constexpr int kHttpPort = 8080;

using Camera = camsim::DeviceInfo;  // as it was when it was made: certificate_sha256 is the factory's

std::string host_name(Camera const& camera);  // as the agent's template makes it: axis-accc8e000001.cams.example
std::string at(Camera const& camera);         // "127.40.2.17:8443"

class Site {
 public:
  // `acme_settings`: more lines for ca.toml, under [acme]; `tables`: whole tables for its end. With a parent the CA has
  // no root of its own, and its chain is installed. `more_permitted`: a network of another site, whose cameras it may
  // name.
  explicit Site(std::string const& acme_settings = {}, std::string const& tables = {},
                fakes::Corporation* parent = nullptr, std::string const& more_permitted = {});
  ~Site();
  Site(Site const&) = delete;
  Site& operator=(Site const&) = delete;

  Programs& programs() { return programs_; }
  camsim::Process& camsim() { return camsim_; }
  std::string folder(std::string const& name) const { return folder_.path(name); }
  std::string password_file() const { return folder_.path("camera.pass"); }
  std::string const& ca_folder() const { return ca_folder_; }
  std::string url() const { return "https://" + server_address_ + ":" + std::to_string(kHttpsPort); }
  // Its network from the lowest address on: "127.40.2.0/29". Cameras begin at 10.
  std::string network(int bits) const { return net_ + "0/" + std::to_string(bits); }
  std::string server_log() const { return server_->log(); }

  Ran ca(std::vector<std::string> const& words);  // lenscap-ca with its --state
  json::Object ca_json(std::vector<std::string> const& words);
  // Every certificate that the CA tells of and that has this name.
  std::vector<json::Object> issued_for(std::string const& name);

  // A word to join with, whose MAC key is kept secret from then on; `scope` for `eab create`.
  std::string join_word(std::vector<std::string> const& scope);
  // All that the CA can vouch for (and more addresses than that: those of its own network alone), both profiles.
  static std::vector<std::string> whole_scope();

  // A camera with the site's password; `address` empty: one of its own.
  Camera camera(std::string const& generation, std::string const& address = {}, json::Object const& more = {});
  std::vector<Camera> cameras(std::string const& generation, int count);

  // ---- judges, all of them strangers: openssl and curl, nothing switched off

  // SHA-256 of the leaf that the camera serves, lower-case hex; empty when nothing answers on TLS.
  std::string served(Camera const& camera);
  // What is wrong with reaching the camera by name and by address; empty when nothing is. `chain` false: the client
  // also holds the issuing certificate, as it has to for firmware that sends the leaf alone.
  std::string judge(Camera const& camera, std::string const& name, bool chain);
  // Ids of our certificates that are on the camera.
  std::vector<std::string> ours_on(Camera const& camera);
  // Ids of all certificates with keys that are on it, and the one that its web server is set to.
  std::vector<std::string> ids_on(Camera const& camera);
  std::string served_id(Camera const& camera);
  // Ids of the CA certificates that we added to it.
  std::vector<std::string> our_authorities_on(Camera const& camera);
  // Requests that came with a login, whatever became of them.
  int logins_sent_to(Camera const& camera);

  // After stop_server(), once more; root.pem and bundle.pem are then what it gives now.
  void start_server();
  // Ends the server; exit code.
  int stop_server() { return server_->stop(); }
  std::vector<std::string> leaks();

 private:
  friend class Agent;
  void install(fakes::Corporation& parent);
  Programs programs_;
  fakes::TempDir folder_;
  std::string ca_folder_;
  std::string net_;  // "127.40.2."
  std::string server_address_;
  std::string camera_password_;
  int next_host_ = 10;
  std::unique_ptr<Background> server_;
  camsim::Process camsim_;
  std::vector<std::string> agent_folders_;
};

// One agent: its state directory and the program.
class Agent {
 public:
  // `settings`: more lines for agent.toml, below [devices].
  Agent(Site& site, std::string const& name, std::string const& settings = {}, int parallel = 4);

  std::string const& folder() const { return folder_; }
  void change_setting(std::string const& from, std::string const& to);  // of agent.toml
  Ran run(std::vector<std::string> const& words, std::string_view input = {}, int seconds = 300);
  // With --output json; the test fails when what is printed is no JSON. `code`, when given, gets the exit code.
  json::Object run_json(std::vector<std::string> const& words, int* code = nullptr);

  void join();                             // with the whole scope; the test fails when that does
  Ran join_with(std::string const& word);  // through standard input

  // With the password, plain HTTP agreed to and the certificate as the simulator tells it approved.
  Ran add(std::vector<Camera> const& cameras, std::vector<std::string> const& more = {});
  Ran add_bare(Camera const& camera, std::vector<std::string> const& more = {});  // with nothing approved

  // This device's object in the answer of `status` or in one of `results`.
  json::Object status_of(Camera const& camera);
  json::Object result_of(Camera const& camera);

 private:
  Site& site_;
  std::string folder_;
};

// The member as text: "" when absent, numbers and booleans as JSON writes them.
std::string text(json::Object const& object, std::string_view name);
std::vector<json::Object> objects(json::Object const& object, std::string_view name);
json::Object const* find_row(std::vector<json::Object> const& rows, std::string_view member, std::string_view value);

// Tests that share one site, since making a CA costs seconds. At the end the server must leave in good order, and no
// secret may have been seen anywhere.
class SiteTest : public testing::Test {
 protected:
  static void SetUpTestSuite();
  static void TearDownTestSuite();
  static Site& site() { return *site_; }

 private:
  static std::unique_ptr<Site> site_;
};

}  // namespace lenscap::e2e
