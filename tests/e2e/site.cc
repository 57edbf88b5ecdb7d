#include "tests/e2e/site.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "base/bytes.h"
#include "tests/fakes/corporation.h"
#include "tests/fakes/mark.h"

namespace lenscap::e2e {
namespace {

constexpr json::Limits kBig{.bytes = 16 * 1024 * 1024, .depth = 16, .members = 1'000'000};

std::string program(char const* name) { return std::string(LENSCAP_BIN_DIR) + "/" + name; }

std::string random_text(std::size_t letters) {
  static std::random_device device;
  std::uniform_int_distribution<std::size_t> pick(0, 61);
  std::string text;
  while (text.size() < letters) text += "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"[pick(device)];
  return text;
}

// Not 127.9, where the simulator makes addresses itself, nor 127.0; from 120 on are the scripts' (tests/demo,
// tests/conformance).
std::string free_net() {
  std::random_device device;
  std::uniform_int_distribution<int> first(20, 119);
  std::uniform_int_distribution<int> second(0, 255);
  while (true) {
    auto net = "127." + std::to_string(first(device)) + "." + std::to_string(second(device)) + ".";
    if (fakes::mark_as_taken("net-" + net)) return net;
  }
}

void write_private(std::string const& path, std::string const& text) {
  std::ofstream(path) << text;
  std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
}

void add_settings(std::string const& file, std::string const& below, std::string const& more) {
  std::ifstream in(file);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  text.insert(text.find(below) + below.size(), more);
  std::ofstream(file) << text;
}

std::vector<std::string> joined(std::vector<std::string> first, std::vector<std::string> const& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

json::Object parse(std::string const& out) {
  auto object = json::parse_object(out, kBig);
  if (!object.ok()) throw std::runtime_error("no JSON object: " + out.substr(0, 400));
  return *std::move(object);
}

std::vector<std::string> texts(json::Value const* list) {
  std::vector<std::string> all;
  if (list == nullptr || list->as_array() == nullptr) return all;
  for (json::Value const& value : *list->as_array()) {
    if (value.as_string() != nullptr) all.push_back(*value.as_string());
  }
  return all;
}

}  // namespace

std::string host_name(Camera const& camera) {
  std::string serial = camera.serial;
  std::transform(serial.begin(), serial.end(), serial.begin(), [](unsigned char c) { return std::tolower(c); });
  return "axis-" + serial + "." + kDnsSuffix;
}

std::string at(Camera const& camera) { return camera.address + ":" + std::to_string(camera.https_port); }

std::string text(json::Object const& object, std::string_view name) {
  json::Value const* value = object.find(name);
  if (value == nullptr) return {};
  return value->as_string() != nullptr ? *value->as_string() : json::write(*value);
}

std::vector<json::Object> objects(json::Object const& object, std::string_view name) {
  std::vector<json::Object> all;
  json::Value const* value = object.find(name);
  if (value == nullptr || value->as_array() == nullptr) return all;
  for (json::Value const& item : *value->as_array()) {
    if (item.as_object() != nullptr) all.push_back(*item.as_object());
  }
  return all;
}

json::Object const* find_row(std::vector<json::Object> const& rows, std::string_view member, std::string_view value) {
  for (json::Object const& row : rows) {
    if (text(row, member) == value) return &row;
  }
  return nullptr;
}

// --- the site -----------------------------------------------------------------------------------------------------

void Site::install(fakes::Corporation& parent) {
  Ran const asked = ca({"issuer", "csr", "--out", folder("issuing.csr")});
  if (asked.code != 0) throw std::runtime_error("lenscap-ca issuer csr: " + asked.all());
  parent.sign(folder("issuing.csr"));
  Ran const installed = ca(joined({"issuer", "install"}, parent.chain()));
  if (installed.code != 0) throw std::runtime_error("lenscap-ca issuer install: " + installed.all());
}

Site::Site(std::string const& acme_settings, std::string const& tables, fakes::Corporation* parent,
           std::string const& more_permitted)
    : ca_folder_(folder_.path("ca")), net_(free_net()), server_address_(net_ + "1") {
  camera_password_ = "pa-" + random_text(24);
  programs_.keep_secret("the cameras' password", camera_password_);
  // As it stands in a Basic login.
  programs_.keep_secret("the cameras' login", to_base64(as_bytes("root:" + camera_password_)));
  write_private(password_file(), camera_password_ + "\n");
  std::string const issuing = random_text(32);
  std::string const root = random_text(32);
  programs_.keep_secret("the issuing key's passphrase", issuing);
  programs_.keep_secret("the root key's passphrase", root);
  write_private(folder("passphrases"), issuing + "\n" + root + "\n");

  std::string const plain = server_address_ + ":" + std::to_string(kHttpPort);
  std::vector<std::string> more;
  if (parent != nullptr) more.emplace_back("--intermediate");
  if (!more_permitted.empty()) more.insert(more.end(), {"--permit-ip", more_permitted});
  Ran const made = ca(joined({"init", "--name", "Test Cameras", "--permit-dns", kDnsSuffix, "--permit-ip", network(24),
                              "--url", url(), "--listen", server_address_ + ":" + std::to_string(kHttpsPort), "--http",
                              plain, "--passphrase-file", folder("passphrases")},
                             more));
  if (made.code != 0) throw std::runtime_error("lenscap-ca init: " + made.all());
  if (parent != nullptr) install(*parent);
  add_settings(ca_folder_ + "/ca.toml", "[acme]\n", acme_settings);
  std::ofstream(ca_folder_ + "/ca.toml", std::ios::app) << tables;
  start_server();
}

void Site::start_server() {
  std::filesystem::remove(folder("ports"));
  server_ = std::make_unique<Background>(
      std::vector<std::string>{program("lenscap-ca"), "--state", ca_folder_, "serve", "--port-file", folder("ports")},
      folder("server.log"));
  if (!until([this] { return !server_->alive() || std::filesystem::exists(folder("ports")); }, 60) || !server_->alive())
    throw std::runtime_error("lenscap-ca serve: " + server_->log());
  ca({"root", "export", "--out", folder("root.pem")});
  ca({"root", "export", "--chain", "--out", folder("bundle.pem")});
  if (!std::filesystem::exists(folder("bundle.pem"))) throw std::runtime_error("lenscap-ca root export failed");
}

Site::~Site() = default;

Ran Site::ca(std::vector<std::string> const& words) {
  return programs_.run(joined({program("lenscap-ca"), "--state", ca_folder_}, words));
}

json::Object Site::ca_json(std::vector<std::string> const& words) {
  Ran const ran = ca(joined({"--output", "json"}, words));
  EXPECT_EQ(ran.code, 0) << ran.err;
  return parse(ran.out);
}

std::vector<json::Object> Site::issued_for(std::string const& name) {
  std::vector<json::Object> found;
  for (json::Object const& row : objects(ca_json({"cert", "list", "--limit", "10000"}), "certificates")) {
    auto const names = texts(row.find("names"));
    if (std::find(names.begin(), names.end(), name) != names.end()) found.push_back(row);
  }
  return found;
}

std::vector<std::string> Site::whole_scope() {
  return {"--grant-dns", kDnsSuffix,     "--grant-ip", "127.0.0.0/8",
          "--profile",   "camera-https", "--profile",  "camera-https-cn"};
}

std::string Site::join_word(std::vector<std::string> const& scope) {
  Ran const made = programs_.run(
      joined({program("lenscap-ca"), "--state", ca_folder_, "eab", "create", "--join"}, scope), {}, 60, true);
  EXPECT_EQ(made.code, 0) << made.err;
  std::string const word = made.out.substr(0, made.out.find_last_not_of(" \n") + 1);
  auto const content = from_base64url(word.substr(word.find('.') + 1));
  if (!content.ok()) throw std::runtime_error("the join string is not what it should be");
  json::Object const object = parse(std::string(as_text(*content)));
  std::string const kid = text(object, "eab_kid");
  programs_.keep_secret("the join string " + kid, word);
  programs_.keep_secret("the MAC key " + kid, text(object, "eab_mac_key"));
  auto const octets = from_base64url(text(object, "eab_mac_key"));
  if (octets.ok()) programs_.keep_secret("the MAC key's octets " + kid, std::string(as_text(*octets)));
  return word;
}

Camera Site::camera(std::string const& generation, std::string const& address, json::Object const& more) {
  json::Object spec{{"generation", generation},
                    {"address", address.empty() ? net_ + std::to_string(next_host_++) : address},
                    {"http_port", kHttpPort},
                    {"https_port", kHttpsPort},
                    {"users", json::Object{{"root", json::Object{{"password", camera_password_}}}}}};
  for (auto const& [name, value] : more.members()) spec.set(name, value);
  camsim::HttpAnswer const answer = camsim_.call("POST", "/devices", json::write(spec));
  if (answer.status >= 300) throw std::runtime_error("the simulator refused a camera: " + answer.body);
  return camsim_.info(text(parse(answer.body), "serial"));
}

std::vector<Camera> Site::cameras(std::string const& generation, int count) {
  std::vector<Camera> all;
  for (int i = 0; i < count; ++i) all.push_back(camera(generation));
  return all;
}

std::string Site::served(Camera const& camera) {
  Ran const shown = programs_.run({"openssl", "s_client", "-connect", at(camera)}, {}, 30);
  auto const begin = shown.out.find("-----BEGIN CERTIFICATE-----");
  if (begin == std::string::npos) return {};
  Ran const hashed = programs_.run({"openssl", "x509", "-noout", "-fingerprint", "-sha256"},
                                   std::string_view(shown.out).substr(begin));
  auto const hash = from_hex(std::string_view(hashed.out).substr(hashed.out.find('=') + 1, 95));
  return hash.ok() ? to_hex(*hash) : std::string();
}

std::string Site::judge(Camera const& camera, std::string const& name, bool chain) {
  std::string const trusted = folder(chain ? "root.pem" : "bundle.pem");
  std::string const port = ":" + std::to_string(camera.https_port);
  std::vector<std::vector<std::string>> const questions{
      {"openssl", "s_client", "-connect", at(camera), "-servername", name, "-CAfile", trusted, "-verify_hostname", name,
       "-verify_return_error"},
      {"openssl", "s_client", "-connect", at(camera), "-CAfile", trusted, "-verify_ip", camera.address,
       "-verify_return_error"},
      {"curl", "-sS", "--noproxy", "*", "--cacert", trusted, "--resolve", name + port + ":" + camera.address,
       "https://" + name + port + "/"},
      {"curl", "-sS", "--noproxy", "*", "--cacert", trusted, "https://" + at(camera) + "/"},
  };
  std::string wrong;
  for (auto const& question : questions) {
    Ran const answer = programs_.run(question, {}, 30);
    if (answer.code != 0) wrong += question[0] + " " + question[3] + ": " + answer.err + "\n";
  }
  Ran const stranger = programs_.run({"openssl", "s_client", "-connect", at(camera), "-CAfile", trusted,
                                      "-verify_hostname", "other.cams.example", "-verify_return_error"},
                                     {}, 30);
  if (stranger.code == 0) wrong += "it is also believed to be other.cams.example\n";
  return wrong;
}

std::vector<std::string> Site::ids_on(Camera const& camera) {
  std::vector<std::string> ids;
  for (json::Object const& entry : objects(camsim_.state(camera.serial), "certificates"))
    ids.push_back(text(entry, "alias"));
  return ids;
}

std::vector<std::string> Site::ours_on(Camera const& camera) {
  std::vector<std::string> ids = ids_on(camera);
  std::erase_if(ids, [](std::string const& id) { return !id.starts_with("lenscap-"); });
  return ids;
}

std::vector<std::string> Site::our_authorities_on(Camera const& camera) {
  std::vector<std::string> ids;
  for (json::Object const& entry : objects(camsim_.state(camera.serial), "ca_certificates")) {
    if (text(entry, "alias").starts_with("lenscap-")) ids.push_back(text(entry, "alias"));
  }
  return ids;
}

std::string Site::served_id(Camera const& camera) {
  json::Object const state = camsim_.state(camera.serial);
  json::Object const& tls = *state.find("tls")->as_object();
  auto const ids = texts(tls.find("set")->as_object()->find("certificates"));
  return ids.empty() ? std::string() : ids.front();
}

int Site::logins_sent_to(Camera const& camera) {
  auto const entries = objects(camsim_.journal(camera.serial), "entries");
  return static_cast<int>(std::count_if(entries.begin(), entries.end(),
                                        [](auto const& entry) { return !text(entry, "auth_used").empty(); }));
}

std::vector<std::string> Site::leaks() {
  programs_.remember("the server's log", server_->log());
  return programs_.leaks(joined({ca_folder_}, agent_folders_));
}

// --- agents -------------------------------------------------------------------------------------------------------

Agent::Agent(Site& site, std::string const& name, std::string const& settings, int parallel)
    : site_(site), folder_(site.folder("agent-" + name)) {
  std::filesystem::create_directory(folder_);
  std::filesystem::permissions(folder_, std::filesystem::perms::owner_all);
  std::ofstream(folder_ + "/agent.toml") << "[site]\nname = \"test\"\nparallel = " << parallel
                                         << "\n[devices]\nnames = [\"{ip}\", \"{hostname}." << kDnsSuffix << "\"]\n"
                                         << settings;
  site_.agent_folders_.push_back(folder_);
}

void Agent::change_setting(std::string const& from, std::string const& to) {
  std::ifstream in(folder_ + "/agent.toml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  auto const at = text.find(from);
  ASSERT_NE(at, std::string::npos) << text;
  std::ofstream(folder_ + "/agent.toml") << text.replace(at, from.size(), to);
}

Ran Agent::run(std::vector<std::string> const& words, std::string_view input, int seconds) {
  return site_.programs().run(joined({program("lenscap-agent"), "--state", folder_}, words), input, seconds);
}

json::Object Agent::run_json(std::vector<std::string> const& words, int* code) {
  Ran const ran = run(joined({"--output", "json"}, words));
  if (code != nullptr) *code = ran.code;
  auto object = json::parse_object(ran.out, kBig);
  EXPECT_TRUE(object.ok()) << "exit code " << ran.code << ": " << ran.all();
  return object.ok() ? *std::move(object) : json::Object();
}

Ran Agent::join_with(std::string const& word) { return run({"join", "-"}, word + "\n"); }

void Agent::join() {
  Ran const ran = join_with(site_.join_word(Site::whole_scope()));
  ASSERT_EQ(ran.code, 0) << ran.all();
}

Ran Agent::add(std::vector<Camera> const& cameras, std::vector<std::string> const& more) {
  std::vector<std::string> words{"add",  "--http-port",     std::to_string(kHttpPort), "--user",
                                 "root", "--password-file", site_.password_file(),     "--accept-plain-http"};
  for (Camera const& camera : cameras) {
    if (!camera.certificate_sha256.empty()) words = joined(words, {"--accept-fingerprint", camera.certificate_sha256});
  }
  words = joined(words, more);
  for (Camera const& camera : cameras) words.push_back(at(camera));
  return run(words);
}

Ran Agent::add_bare(Camera const& camera, std::vector<std::string> const& more) {
  return run(joined({"add", at(camera), "--http-port", std::to_string(kHttpPort), "--user", "root", "--password-file",
                     site_.password_file()},
                    more));
}

json::Object Agent::status_of(Camera const& camera) {
  auto const rows = objects(run_json({"status"}), "devices");
  json::Object const* row = find_row(rows, "mac", camera.serial);
  EXPECT_NE(row, nullptr) << camera.serial << " is not in the status";
  return row != nullptr ? *row : json::Object();
}

json::Object Agent::result_of(Camera const& camera) {
  auto const rows = objects(run_json({"results"}), "results");
  json::Object const* row = find_row(rows, "mac", camera.serial);
  EXPECT_NE(row, nullptr) << camera.serial << " is not in the results";
  return row != nullptr ? *row : json::Object();
}

// --- tests --------------------------------------------------------------------------------------------------------

std::unique_ptr<Site> SiteTest::site_;

void SiteTest::SetUpTestSuite() { site_ = std::make_unique<Site>(); }

void SiteTest::TearDownTestSuite() {
  EXPECT_THAT(site_->leaks(), testing::IsEmpty());
  EXPECT_EQ(site_->stop_server(), 0) << site_->server_log();
  site_.reset();
}

}  // namespace lenscap::e2e
