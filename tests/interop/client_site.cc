#include "tests/interop/client_site.h"

#include <algorithm>
#include <cctype>
#include <deque>
#include <future>
#include <sstream>

namespace lenscap::interop {
namespace {

namespace fs = std::filesystem;

std::string port_settings(ChallengePorts ports, fakes::DnsServer const& dns) {
  return "http_port = " + std::to_string(ports.http) + "\ntls_port = " + std::to_string(ports.tls) +
         "\nresolver = [\"" + dns.resolver() + "\"]\nallow_wildcards = true\n";
}

ChallengePorts chosen(ChallengePorts ports) {
  if (ports.http == 0) ports.http = fakes::free_port();
  if (ports.tls == 0) ports.tls = fakes::free_port();
  return ports;
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(std::string text) {
  auto const space = [](char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; };
  while (!text.empty() && space(text.back())) text.pop_back();
  while (!text.empty() && space(text.front())) text.erase(0, 1);
  return text;
}

// "a, b" or "| a | b |" as a list.
std::vector<std::string> split(std::string const& text, char at) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, at);) parts.push_back(trimmed(part));
  return parts;
}

// One TXT record in each line of the file that is called like the name.
std::vector<std::string> texts_of(std::string const& folder, std::string const& name) {
  return lines_of(fakes::CaProcess::read(folder + "/" + name));
}

}  // namespace

ClientSite::ClientSite(ChallengePorts ports, fakes::Corporation* parent)
    : ports_(chosen(ports)),
      ca_(port_settings(ports_, dns_), "", parent),
      settings_(fakes::CaProcess::read(ca_.state() + "/ca.toml")) {
  auto const texts = folder("txt");
  txt_hook_ = write("txt_hook",
                    "#!/bin/sh\n"
                    "set -e\n"
                    "file='" +
                        texts +
                        "'/${2%.}\n"
                        "case $1 in\n"
                        "  present) echo \"$3\" >>\"$file\"; echo \"$2\" >>'" +
                        path("txt_log") +
                        "' ;;\n"
                        "  cleanup) [ ! -e \"$file\" ] || sed -i \"/^$3\\$/d\" \"$file\" ;;\n"
                        "esac\n",
                    true);
  dns_.take_texts_from([texts](std::string const& name) { return texts_of(texts, name); });
  for (auto const* name : {"cam1", "cam2", "cam3"}) dns_.set(std::string(name) + ".cams.example", {"127.0.0.1"});
}

void ClientSite::serve(std::string const& acme, std::string const& tables, std::vector<std::string> const& before) {
  stop();
  auto text = settings_;
  text.replace(text.find("[acme]\n"), 7, "[acme]\n" + acme);
  std::ofstream(ca_.state() + "/ca.toml") << text << tables;
  ca_.serve(before);
  serving_ = true;
}

void ClientSite::stop() {
  if (!serving_) return;
  EXPECT_EQ(ca_.stop(), 0) << ca_.log();
  serving_ = false;
}

Eab ClientSite::eab(std::vector<std::string> const& scope) {
  std::vector<std::string> words{"--output", "json", "eab", "create", "--uses", "many"};
  words.insert(words.end(), scope.begin(), scope.end());
  auto const made = ca_.run(words);
  EXPECT_EQ(made.code, 0) << made.all();
  auto const key = json::parse_object(made.out).value();
  return {json::need_string(key, "kid").value(), json::need_string(key, "mac_key").value()};
}

std::string ClientSite::folder(std::string const& name) {
  fs::create_directories(path(name));
  return path(name);
}

std::string ClientSite::write(std::string const& name, std::string const& text, bool script) {
  fs::create_directories(fs::path(path(name)).parent_path());
  std::ofstream(path(name)) << text;
  if (script) fs::permissions(path(name), fs::perms::owner_all);
  return path(name);
}

int ClientSite::records_set() const {
  return static_cast<int>(lines_of(fakes::CaProcess::read(path("txt_log"))).size());
}

void ClientSite::serve_webroot() {
  auto const root = folder("webroot");
  challenges();
  webroot_ = std::make_unique<e2e::Background>(
      std::vector<std::string>{"python3", "-u", "-m", "http.server", std::to_string(http_port()), "--bind", "127.0.0.1",
                               "--directory", root},
      path("webroot.log"));
  auto const ready = [this] { return webroot_->log().find("Serving HTTP") != std::string::npos || !webroot_->alive(); };
  if (!e2e::until(ready) || !webroot_->alive()) throw std::runtime_error("http.server: " + webroot_->log());
}

bool ClientSite::has(std::string const& program) { return run({"sh", "-c", "command -v \"$0\"", program}).code == 0; }

Certificate ClientSite::read_certificate(std::string const& file) {
  auto const text = run({"openssl", "x509", "-in", file, "-noout", "-text", "-serial", "-issuer"}).out;
  Certificate found;
  auto const lines = lines_of(text);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto const line = trimmed(lines[i]);
    if (line.starts_with("X509v3 Subject Alternative Name") && i + 1 < lines.size()) {
      for (auto name : split(lines[i + 1], ',')) {
        if (name.starts_with("IP Address:")) name.replace(0, 11, "IP:");
        found.names.push_back(name);
      }
    }
    if (line.starts_with("Public-Key: (")) found.key = "RSA-" + line.substr(13, line.find(' ', 13) - 13);
    if (line.starts_with("NIST CURVE: ")) {
      found.key = "EC-" + line.substr(12);
      if (found.key.starts_with("EC-P-")) found.key.erase(4, 1);
    }
    if (line.starts_with("serial="))
      for (char const c : line.substr(7))
        found.serial += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (line.starts_with("issuer=")) found.issuer = line.substr(7);
  }
  std::sort(found.names.begin(), found.names.end());
  return found;
}

Certificate ClientSite::expect_certificate(std::string const& file, std::vector<std::string> names,
                                           std::string const& key, std::string const& more) {
  auto const found = read_certificate(file);
  std::sort(names.begin(), names.end());
  EXPECT_EQ(found.names, names) << file;
  EXPECT_EQ(found.key, key) << file;
  EXPECT_EQ(found.issuer, trimmed(run({"openssl", "x509", "-in", ca_.issuing(), "-noout", "-subject"}).out).substr(8));
  EXPECT_EQ(on_record(found), "issued") << file;

  auto const chain =
      write("judged.pem", fakes::CaProcess::read(file) + (more.empty() ? "" : fakes::CaProcess::read(more)));
  for (auto name : names) {
    bool const is_dns = name.starts_with("DNS:");
    name = name.substr(name.find(':') + 1);
    if (name.starts_with("*.")) name.replace(0, 1, "any");
    auto const by_openssl =
        run({"openssl", "verify", "-x509_strict", "-purpose", "sslserver", is_dns ? "-verify_hostname" : "-verify_ip",
             name, "-CAfile", ca_.root(), "-untrusted", chain, chain});
    EXPECT_EQ(by_openssl.code, 0) << name << ": " << by_openssl.all();
    auto const by_gnutls = run({"certtool", "--verify", "--verify-profile", "medium", "--load-ca-certificate",
                                ca_.root(), "--verify-hostname", name, "--infile", chain});
    EXPECT_EQ(by_gnutls.code, 0) << name << ": " << by_gnutls.all();
  }
  return found;
}

std::string ClientSite::on_record(Certificate const& certificate, std::string_view name) {
  auto const shown = ca_.run({"--output", "json", "cert", "show", certificate.serial});
  EXPECT_EQ(shown.code, 0) << shown.all();
  auto const object = json::parse_object(shown.out);
  if (!object) return "";
  auto const member = json::need_string(*object, name);
  return member ? *member : "";
}

std::vector<json::Object> ClientSite::accounts() {
  auto const shown = ca_.run({"--output", "json", "account", "list"});
  EXPECT_EQ(shown.code, 0) << shown.all();
  std::vector<json::Object> accounts;
  auto const list = json::parse_object(shown.out);
  if (!list) return accounts;
  if (auto const* all = list->find("accounts"); all != nullptr && all->as_array() != nullptr)
    for (auto const& one : *all->as_array())
      if (one.as_object() != nullptr) accounts.push_back(*one.as_object());
  return accounts;
}

// ---- chaos

std::vector<ChaosSwitch> const& chaos_switches() {
  // Whoever never has to wait never sees a Retry-After: its row is slow as well, a little.
  static std::vector<ChaosSwitch> const all{
      {"bad_nonce", "bad_nonce = 100\n"},
      {"retry_after", "retry_after = \"date\"\nslow_validation = \"1s\"\nasync_finalize = \"1s\"\n"},
      {"shuffle", "shuffle = true\n"},
      {"slow_validation", "slow_validation = \"2s\"\n"},
      {"async_finalize", "async_finalize = \"2s\"\n"},
      {"reuse always", "reuse_authorizations = \"always\"\n"},
      {"reuse never", "reuse_authorizations = \"never\"\n"},
      {"all",
       "bad_nonce = 100\nretry_after = \"mixed\"\nshuffle = true\nslow_validation = \"1s\"\n"
       "async_finalize = \"1s\"\nreuse_authorizations = \"always\"\n"},
  };
  return all;
}

std::string chaos_table(ChaosSwitch const& one) { return std::string("[chaos]\nseed = 7\n") + one.table; }

std::map<std::string, std::string> documented(std::string const& client) {
  std::map<std::string, std::string> cells;
  std::vector<std::string> columns;
  for (auto const& line : lines_of(fakes::CaProcess::read(std::string(LENSCAP_SOURCE_DIR) + "/docs/conformance.md"))) {
    if (!line.starts_with("| ")) continue;
    auto row = split(line, '|');
    row.erase(row.begin());
    if (row.front() == "client") columns = row;
    if (columns.size() != row.size() || row.front() != client) continue;
    for (std::size_t i = 0; i < row.size(); ++i) {
      auto column = columns[i];
      std::erase(column, '`');
      cells[column] = row[i];
    }
  }
  EXPECT_FALSE(cells.empty()) << "docs/conformance.md, Stock clients, has no row for " << client;
  return cells;
}

std::unique_ptr<ClientSite> ClientTest::site_;

ClientSite& ClientTest::site() {
  if (!site_) site_ = std::make_unique<ClientSite>();
  return *site_;
}

void ClientTest::TearDownTestSuite() {
  if (site_) site_->stop();
  site_.reset();
}

std::string ClientTest::debian_version(std::string const& package) {
  return trimmed(site().run({"dpkg-query", "-W", "-f", "${Version}", package}).out);
}

namespace {

// What the table says of this client; nothing, and a failed test, when it does not tell of this version.
std::map<std::string, std::string> documented_as(std::string const& client, std::string const& version) {
  auto said = documented(client);
  if (said.empty()) return said;
  EXPECT_EQ(said.at("version"), version) << client << " is another one than the table tells of";
  return said;
}

// What is to be in the cell: "yes" for a chain that the judges take.
std::string cell_of(ClientSite& site, std::string const& file, e2e::Ran const& ran, std::string const& name) {
  if (ran.code != 0 || !fs::exists(file)) return "no";
  site.expect_certificate(file, {"DNS:" + name}, site.read_certificate(file).key);
  return "yes";
}

}  // namespace

void ClientTest::expect_as_documented(std::string const& client, std::string const& version,
                                      std::function<std::string(std::string const& name, e2e::Ran& ran)> const& issue,
                                      std::string const& settings, std::string const& tables) {
  auto const said = documented_as(client, version);
  if (said.empty()) return;
  std::string row;
  for (auto const& one : chaos_switches()) {
    site().serve(settings, tables + chaos_table(one));
    e2e::Ran ran;
    auto const file = issue(kChaosName, ran);
    auto const cell = cell_of(site(), file, ran, kChaosName);
    row += " " + cell + " |";
    EXPECT_EQ(cell, said.at(one.name)) << client << " with " << one.name << ":\n" << ran.all();
  }
  EXPECT_FALSE(HasFailure()) << "seen: | " << client << " | " << version << " |" << row;
}

void ClientTest::expect_as_documented_at_once(std::string const& client, std::string const& version,
                                              std::function<std::string(ClientSite&, e2e::Ran& ran)> const& issue,
                                              unsigned short first_port, std::string const& settings,
                                              std::string const& tables) {
  auto const said = documented_as(client, version);
  if (said.empty()) return;
  struct Try {
    std::unique_ptr<ClientSite> site;
    e2e::Ran ran;
    std::future<std::string> cell;
  };
  std::deque<Try> tries;
  for (auto const& one : chaos_switches()) {
    auto& it = tries.emplace_back();
    ChallengePorts const ports{.http = first_port++, .tls = first_port++};
    it.site = std::make_unique<ClientSite>(ports);
    it.site->serve(settings, tables + chaos_table(one));
    it.cell = std::async(std::launch::async, [&it, &issue] {
      auto const file = issue(*it.site, it.ran);
      return cell_of(*it.site, file, it.ran, kChaosName);
    });
  }
  std::string row;
  for (std::size_t i = 0; i < tries.size(); ++i) {
    auto const& one = chaos_switches()[i];
    auto const cell = tries[i].cell.get();
    row += " " + cell + " |";
    EXPECT_EQ(cell, said.at(one.name)) << client << " with " << one.name << ":\n" << tries[i].ran.all();
    tries[i].site->stop();
  }
  EXPECT_FALSE(HasFailure()) << "seen: | " << client << " | " << version << " |" << row;
}

}  // namespace lenscap::interop
