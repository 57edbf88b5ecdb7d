#include "tests/camsim/process.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <stdexcept>

#include "base/error.h"

extern char** environ;  // NOLINT(readability-redundant-declaration): POSIX asks for it

namespace lenscap::camsim {
namespace {

constexpr long kCallLimitSeconds = 60;  // a thousand devices under a sanitizer take a while
constexpr std::string_view kReadyPrefix = "control ";

std::size_t append(char* data, std::size_t size, std::size_t count, void* out) {
  static_cast<std::string*>(out)->append(data, size * count);
  return size * count;
}

std::string text(json::Object const& object, std::string_view name) {
  json::Value const* value = object.find(name);
  return value != nullptr && value->as_string() != nullptr ? *value->as_string() : std::string();
}
long long number(json::Object const& object, std::string_view name) {
  json::Value const* value = object.find(name);
  return value != nullptr && value->as_int() != nullptr ? *value->as_int() : 0;
}

DeviceInfo to_info(json::Object const& object) {
  DeviceInfo info;
  info.serial = text(object, "serial");
  info.generation = text(object, "generation");
  info.firmware = text(object, "firmware");
  info.address = text(object, "address");
  info.http_port = static_cast<unsigned short>(number(object, "http_port"));
  info.https_port = static_cast<unsigned short>(number(object, "https_port"));
  info.http_url = text(object, "http_url");
  info.https_url = text(object, "https_url");
  info.certificate_sha256 = text(object, "certificate_sha256");
  info.spki_sha256 = text(object, "spki_sha256");
  info.https_on = !info.certificate_sha256.empty();
  return info;
}

json::Object to_json(NewDevice const& device) {
  json::Object object{{"generation", device.generation}};
  if (!device.serial.empty()) object.set("serial", device.serial);
  if (!device.address.empty()) object.set("address", device.address);
  if (!device.switches.empty()) object.set("switches", device.switches);
  if (!device.faults.empty()) object.set("faults", device.faults);
  if (!device.users.empty()) object.set("users", device.users);
  return object;
}

std::string path_of(std::string_view serial, std::string_view rest = {}) {
  return "/devices/" + std::string(serial) + std::string(rest);
}

}  // namespace

Process::Process(ProcessOptions const& options) {
  std::string const program = options.program.empty() ? std::string(LENSCAP_BIN_DIR) + "/camsim" : options.program;
  std::string const seed = std::to_string(options.seed);
  std::string const scale = std::to_string(options.time_scale);
  std::array<char const*, 9> const words{program.c_str(), "--control",   "127.0.0.1:0",        "--seed", seed.c_str(),
                                         "--time-scale",  scale.c_str(), "--exit-with-parent", nullptr};
  std::array<int, 2> in{};
  std::array<int, 2> out{};
  if (pipe2(in.data(), O_CLOEXEC) != 0 || pipe2(out.data(), O_CLOEXEC) != 0)
    throw std::runtime_error("camsim: no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  int const failed =
      posix_spawn(&pid_, program.c_str(), &actions, nullptr, const_cast<char* const*>(words.data()), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  input_ = in[1];
  if (failed != 0) throw std::runtime_error("camsim: cannot start " + program);
  // The first line says where the control API listens; it comes when everything is ready.
  std::string line;
  char c = 0;
  while (read(out[0], &c, 1) == 1 && c != '\n') line += c;
  close(out[0]);
  if (!line.starts_with(kReadyPrefix)) throw std::runtime_error("camsim did not start: " + line);
  control_url_ = line.substr(kReadyPrefix.size());
}

Process::~Process() {
  if (pid_ > 0) {
    kill(pid_, SIGTERM);
    int status = 0;
    waitpid(pid_, &status, 0);
    // A simulator that crashed, or that a sanitizer complains about, has judged nothing.
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) bug("camsim did not end in order; see its messages above");
  }
  if (input_ >= 0) close(input_);  // last: it would end the process too, and a second end is not in order
}

HttpAnswer Process::call(std::string_view method, std::string_view path, std::string_view body) {
  std::unique_ptr<CURL, decltype(&curl_easy_cleanup)> const curl(curl_easy_init(), curl_easy_cleanup);
  std::string const url = control_url_ + std::string(path);
  std::string const verb(method);
  HttpAnswer answer;
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, verb.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, kCallLimitSeconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, append);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &answer.body);
  if (!body.empty()) {
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
    curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, body.data());
  }
  CURLcode const code = curl_easy_perform(curl.get());
  if (code != CURLE_OK) throw std::runtime_error("camsim control: " + std::string(curl_easy_strerror(code)));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  answer.status = static_cast<int>(status);
  return answer;
}

json::Object Process::must(std::string_view method, std::string const& path, std::string_view body) {
  HttpAnswer const answer = call(method, path, body);
  std::string const what = std::string(method) + " " + path;
  if (answer.status >= 300) throw std::runtime_error("camsim refused " + what + ": " + answer.body);
  auto object = json::parse_object(answer.body, {.bytes = 512 * 1024 * 1024, .members = 10'000'000});
  if (!object.ok()) throw std::runtime_error("camsim answered nonsense to " + what + ": " + object.error().detail());
  return std::move(object).value();
}

DeviceInfo Process::add(NewDevice const& device) {
  return to_info(must("POST", "/devices", json::write(to_json(device))));
}

std::vector<DeviceInfo> Process::add_many(NewDevice const& device, int count) {
  json::Object request = to_json(device);
  request.set("count", count);
  json::Object const answer = must("POST", "/devices", json::write(request));
  std::vector<DeviceInfo> devices;
  if (json::Value const* list = answer.find("devices"); list != nullptr && list->as_array() != nullptr)
    for (json::Value const& value : *list->as_array()) devices.push_back(to_info(*value.as_object()));
  return devices;
}

DeviceInfo Process::info(std::string_view serial) { return to_info(state(serial)); }
json::Object Process::state(std::string_view serial) { return must("GET", path_of(serial)); }
void Process::remove(std::string_view serial) { must("DELETE", path_of(serial)); }
void Process::faults(std::string_view serial, std::string_view list) { must("PUT", path_of(serial, "/faults"), list); }
void Process::switches(std::string_view serial, json::Object const& values) {
  must("PUT", path_of(serial, "/switches"), json::write(values));
}
void Process::users(std::string_view serial, json::Object const& users) {
  must("PUT", path_of(serial, "/users"), json::write(users));
}
void Process::clock(std::string_view serial, long long offset_s) {
  must("PUT", path_of(serial, "/clock"), json::write(json::Object{{"offset_s", offset_s}}));
}
void Process::cert_set(std::string_view serial, std::string_view set, std::vector<std::string> const& ids) {
  json::Object sets;
  sets.set(std::string(set), json::Value::strings(ids));
  must("PUT", path_of(serial, "/cert_sets"), json::write(sets));
}
void Process::action(std::string_view serial, std::string_view name) {
  must("POST", path_of(serial, "/" + std::string(name)));
}
unsigned Process::starts(std::string_view serial) { return static_cast<unsigned>(number(state(serial), "starts")); }
void Process::wait_for_start(std::string_view serial, unsigned seen) {
  must("POST", path_of(serial, "/wait"), json::write(json::Object{{"starts", static_cast<long long>(seen)}}));
}

json::Object Process::journal(std::string_view serial) { return must("GET", path_of(serial, "/journal")); }
void Process::clear_journal(std::string_view serial) { must("DELETE", path_of(serial, "/journal")); }

Flags Process::flags(std::string_view serial) {
  json::Object const all = journal(serial);
  json::Object const flags = *all.find("flags")->as_object();
  return {.basic_over_http = static_cast<int>(number(flags, "basic_over_http")),
          .password_in_url = static_cast<int>(number(flags, "password_in_url")),
          .private_key_received = static_cast<int>(number(flags, "private_key_received")),
          .unknown_element = static_cast<int>(number(flags, "unknown_element"))};
}

std::vector<std::string> Process::operations(std::string_view serial) {
  json::Object const all = journal(serial);
  std::vector<std::string> names;
  for (json::Value const& value : *all.find("entries")->as_array()) {
    json::Object const& entry = *value.as_object();
    if (number(entry, "status") != 401) names.push_back(text(entry, "operation"));
  }
  return names;
}

}  // namespace lenscap::camsim
