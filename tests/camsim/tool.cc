#include "tests/camsim/tool.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "tests/camsim/text.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX asks for it

namespace lenscap::camsim {
namespace {

constexpr char const* kToolLimitSeconds = "50";  // a hanging tool fails its test before ctest kills both

std::string read_file(std::string const& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

}  // namespace

Ran run_tool(std::vector<std::string> const& words, std::string_view input) {
  signal(SIGPIPE, SIG_IGN);
  std::array<std::array<int, 2>, 3> pipes{};
  for (auto& pipe : pipes)
    if (pipe2(pipe.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, pipes[0][0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[1][1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, pipes[2][1], STDERR_FILENO);
  std::vector<std::string> all{"timeout", kToolLimitSeconds};
  all.insert(all.end(), words.begin(), words.end());
  std::vector<char*> argv;
  for (std::string& word : all) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_t pid = -1;
  int const failed = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(pipes[0][0]);
  close(pipes[1][1]);
  close(pipes[2][1]);
  Ran ran;
  if (failed != 0) throw std::runtime_error("cannot run " + words.front());
  // Inputs here are smaller than a pipe holds, or the tool reads them before it writes much.
  while (!input.empty()) {
    ssize_t const count = write(pipes[0][1], input.data(), input.size());
    if (count <= 0) break;
    input.remove_prefix(static_cast<std::size_t>(count));
  }
  close(pipes[0][1]);
  std::array<pollfd, 2> wait{pollfd{pipes[1][0], POLLIN, 0}, pollfd{pipes[2][0], POLLIN, 0}};
  std::array<char, 65536> block{};
  int open = 2;
  while (open > 0 && poll(wait.data(), wait.size(), -1) > 0)
    for (std::size_t i = 0; i < wait.size(); ++i) {
      if (wait[i].revents == 0) continue;
      ssize_t const count = read(wait[i].fd, block.data(), block.size());
      if (count > 0) {
        (i == 0 ? ran.out : ran.err).append(block.data(), static_cast<std::size_t>(count));
      } else {
        close(wait[i].fd);
        wait[i].fd = -1;
        --open;
      }
    }
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFEXITED(status)) ran.status = WEXITSTATUS(status);
  return ran;
}

TemporaryFolder::TemporaryFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "camsim-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
  path_ = name;
}
TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}
std::string TemporaryFolder::write(std::string_view name, std::string_view text) const {
  std::ofstream(path(name)) << text;
  return path(name);
}

WebAnswer curl(std::vector<std::string> const& words, std::string const& url, std::string_view body) {
  std::vector<std::string> all{"curl", "-sS", "-D", "/dev/stderr", "--max-time", "45", "--noproxy", "*"};
  all.insert(all.end(), words.begin(), words.end());
  if (!body.empty()) {
    all.emplace_back("--data-binary");
    all.emplace_back("@-");
  }
  all.push_back(url);
  Ran const ran = run_tool(all, body);
  WebAnswer answer;
  answer.curl_status = ran.status;
  answer.body = ran.out;
  for (std::string const& line : split(ran.err, '\n')) {
    if (line.starts_with("HTTP/")) {
      answer.status = std::atoi(line.substr(line.find(' ') + 1).c_str());
      answer.headers.clear();
    } else if (auto const colon = line.find(':'); colon != std::string::npos) {
      answer.headers[lower(line.substr(0, colon))] = trim(line.substr(colon + 1));
    }
  }
  return answer;
}

WebAnswer Client::get(std::string const& path) const { return curl({"-k", "--anyauth", "-u", user_}, base_ + path); }
WebAnswer Client::post(std::string const& path, std::string_view body, std::string const& type) const {
  return curl({"-k", "--anyauth", "-u", user_, "-X", "POST", "-H", "Content-Type: " + type}, base_ + path, body);
}
WebAnswer Client::send(std::string const& verb, std::string const& path, std::string_view body) const {
  return curl({"-k", "--anyauth", "-u", user_, "-X", verb, "-H", "Content-Type: application/json"}, base_ + path, body);
}
WebAnswer Client::soap(std::string_view body_markup) const {
  return post("/vapix/services", soap_envelope(body_markup), "application/xml");
}

std::string soap_envelope(std::string_view body_markup) {
  return "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://www.w3.org/2003/05/soap-envelope\" "
         "xmlns:tds=\"http://www.onvif.org/ver10/device/wsdl\" xmlns:tt=\"http://www.onvif.org/ver10/schema\" "
         "xmlns:acertificates=\"http://www.axis.com/vapix/ws/certificates\" "
         "xmlns:acert=\"http://www.axis.com/vapix/ws/cert\" xmlns:aweb=\"http://www.axis.com/vapix/ws/webserver\" "
         "xmlns:aentry=\"http://www.axis.com/vapix/ws/entry\"><SOAP-ENV:Body>" +
         std::string(body_markup) + "</SOAP-ENV:Body></SOAP-ENV:Envelope>";
}

std::string between(std::string_view text, std::string_view from, std::string_view to) {
  auto const begin = text.find(from);
  if (begin == std::string_view::npos) return {};
  auto const end = text.find(to, begin + from.size());
  if (end == std::string_view::npos) return {};
  return std::string(text.substr(begin + from.size(), end - begin - from.size()));
}

json::Object parse_json(std::string_view text) {
  auto object = json::parse_object(text, {.bytes = 1024 * 1024, .members = 100'000});
  if (!object.ok()) throw std::runtime_error("no JSON object: " + std::string(text.substr(0, 300)));
  return std::move(object).value();
}

std::string json_text(json::Object const& object, std::string_view path) {
  json::Object const* at = &object;
  std::vector<std::string> const steps = split(path, '/');
  for (std::size_t i = 0; i < steps.size(); ++i) {
    json::Value const* value = at->find(steps[i]);
    if (value == nullptr) return {};
    if (i + 1 == steps.size()) return value->as_string() != nullptr ? *value->as_string() : json::write(*value);
    at = value->as_object();
    if (at == nullptr) return {};
  }
  return {};
}

OpensslCa::OpensslCa() {
  std::string const extensions = folder_.write("issuing.cnf",
                                               "basicConstraints=critical,CA:TRUE,pathlen:0\n"
                                               "keyUsage=critical,keyCertSign,cRLSign\n");
  run_tool({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder_.path("root.key"), "-out", folder_.path("root.pem"), "-subj", "/CN=Test root", "-days", "30",
            "-addext", "keyUsage=critical,keyCertSign"});
  run_tool({"openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
            folder_.path("issuing.key"), "-out", folder_.path("issuing.csr"), "-subj", "/CN=Test issuing"});
  run_tool({"openssl", "x509", "-req", "-in", folder_.path("issuing.csr"), "-CA", folder_.path("root.pem"), "-CAkey",
            folder_.path("root.key"), "-out", folder_.path("issuing.pem"), "-days", "20", "-extfile", extensions});
  folder_.write("bundle.pem", read_file(folder_.path("root.pem")) + issuing_pem());
}

std::string OpensslCa::issuing_pem() const { return read_file(folder_.path("issuing.pem")); }

std::string OpensslCa::sign(std::string const& csr_pem, std::string const& names) const {
  std::string const csr = folder_.write("leaf.csr", csr_pem);
  std::string const extensions =
      folder_.write("leaf.cnf", "subjectAltName=" + names + "\nextendedKeyUsage=serverAuth\n");
  Ran const ran = run_tool({"openssl", "x509", "-req", "-in", csr, "-CA", folder_.path("issuing.pem"), "-CAkey",
                            folder_.path("issuing.key"), "-days", "10", "-extfile", extensions});
  EXPECT_EQ(ran.status, 0) << ran.err;
  return ran.out;
}

std::string pem_of(std::string_view label, std::string_view base64) {
  std::string text = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < base64.size(); at += 64) text += std::string(base64.substr(at, 64)) + "\n";
  return text + "-----END " + std::string(label) + "-----\n";
}

std::string base64_of_pem(std::string_view pem) {
  auto const begin = pem.find("-----\n") + 6;
  return replace_all(std::string(pem.substr(begin, pem.find("-----END") - begin)), "\n", "");
}

std::vector<std::string> served_chain(DeviceInfo const& camera, std::vector<std::string> const& more) {
  std::vector<std::string> words{"openssl", "s_client", "-showcerts", "-connect",
                                 camera.address + ":" + std::to_string(camera.https_port)};
  words.insert(words.end(), more.begin(), more.end());
  Ran const ran = run_tool(words);
  std::vector<std::string> chain;
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  // -showcerts prints each once, in the order served, before "Server certificate".
  for (auto at = ran.out.find(kBegin); at != std::string::npos; at = ran.out.find(kBegin, at + 1))
    chain.push_back(ran.out.substr(at, ran.out.find(kEnd, at) + kEnd.size() - at) + "\n");
  return chain;
}

std::string fingerprint(std::string const& certificate_pem) {
  Ran const ran = run_tool({"openssl", "x509", "-noout", "-fingerprint", "-sha256"}, certificate_pem);
  auto const equals = ran.out.find('=');
  return equals == std::string::npos ? "" : lower(replace_all(trim(ran.out.substr(equals + 1)), ":", ""));
}

}  // namespace lenscap::camsim
