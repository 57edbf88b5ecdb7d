#include "tests/camsim/auth.h"

#include <charconv>

#include "tests/camsim/text.h"

namespace lenscap::camsim {
namespace {

constexpr std::size_t kNoncesMax = 2000;
constexpr std::size_t kBoaNonceTail = 32;

std::string md5_hex(std::string_view text) {
  Bytes out(16);
  unsigned size = 0;
  ossl::check(EVP_Digest(text.data(), text.size(), out.data(), &size, EVP_md5(), nullptr) == 1, "MD5");
  return to_hex(out);
}

std::string realm_of(Device const& device) { return "AXIS_" + device.state.serial; }

Bytes random_octets(Device& device, std::size_t count) {
  Bytes octets(count);
  for (std::uint8_t& octet : octets) octet = static_cast<std::uint8_t>(device.world().random());
  return octets;
}

std::string new_nonce(Device& device) {
  std::string nonce;
  if (device.state.switches.nonce_form == "boa")
    nonce = "00" + to_hex(random_octets(device, 3)) + "Y" + to_hex(random_octets(device, kBoaNonceTail / 2));
  else
    nonce = to_base64(random_octets(device, 8)).substr(0, 11) + "=" + to_hex(random_octets(device, 20));
  if (device.auth.nonces.size() >= kNoncesMax) device.auth.nonces.clear();
  device.auth.nonces[nonce] = {.issued_ms = device.now_ms()};
  return nonce;
}

// The parameters of an Authorization or WWW-Authenticate value: name=token or name="quoted", comma separated.
std::map<std::string, std::string> parse_parameters(std::string_view text) {
  std::map<std::string, std::string> out;
  std::size_t at = 0;
  while (at < text.size()) {
    auto const equals = text.find('=', at);
    if (equals == std::string_view::npos) break;
    std::string const name = lower(trim(text.substr(at, equals - at)));
    std::string value;
    at = equals + 1;
    if (at < text.size() && text[at] == '"') {
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        value += text[at];
      }
      at = text.find(',', at);
    } else {
      auto const end = text.find(',', at);
      value = trim(text.substr(at, end - at));
      at = end;
    }
    out[name] = value;
    if (at == std::string_view::npos) break;
    ++at;
  }
  return out;
}

void fill_user(Device const& device, Login& login, std::string const& name) {
  login.ok = true;
  login.user = name;
  login.role = device.state.users.at(name).role();
}

void check_basic(Device const& device, std::string_view credentials, Login& login) {
  auto const decoded = from_base64(credentials);
  if (!decoded.ok()) return;
  std::string const text(as_text(*decoded));
  auto const colon = text.find(':');
  if (colon == std::string::npos) return;
  auto const user = device.state.users.find(text.substr(0, colon));
  if (user == device.state.users.end() || user->second.password != text.substr(colon + 1)) return;
  fill_user(device, login, user->first);
}

// Whether the nonce is one of ours, young, and its count rises. Counts it when it is.
bool use_nonce(Device& device, std::string const& nonce, std::string const& count_text) {
  Switches const& switches = device.state.switches;
  auto const known = device.auth.nonces.find(nonce);
  if (known == device.auth.nonces.end()) return false;
  if (device.now_ms() - known->second.issued_ms > 1000LL * switches.nonce_lifetime_s) return false;
  if (count_text.empty()) return true;
  unsigned long count = 0;
  std::from_chars(count_text.data(), count_text.data() + count_text.size(), count, 16);
  if (switches.nonce_count && count <= known->second.last_count) return false;
  known->second.last_count = count;
  return true;
}

void check_digest(Device& device, Request const& request, std::string_view text, Login& login) {
  auto given = parse_parameters(text);
  auto const user = device.state.users.find(given["username"]);
  if (user == device.state.users.end() || given["realm"] != realm_of(device) || given["uri"] != request.target) return;
  std::string const& qop = given["qop"];
  login.qop = !qop.empty();
  if (!qop.empty() && (qop != "auth" || !device.state.switches.digest_qop)) return;
  std::string const ha1 = md5_hex(user->first + ":" + realm_of(device) + ":" + user->second.password);
  std::string const ha2 = md5_hex(request.method + ":" + request.target);
  std::string const middle = qop.empty() ? "" : given["nc"] + ":" + given["cnonce"] + ":" + qop + ":";
  if (lower(given["response"]) != md5_hex(ha1 + ":" + given["nonce"] + ":" + middle + ha2)) return;
  if (use_nonce(device, given["nonce"], qop.empty() ? "" : given["nc"]))
    fill_user(device, login, user->first);
  else
    login.stale = true;
}

}  // namespace

std::string scheme_of(std::string_view policy, bool tls) {
  if (policy == "basic") return "basic";
  return policy == "recommended" && tls ? "basic" : "digest";
}

Login check_login(Device& device, Request const& request) {
  Login login;
  std::string const value = request.header("Authorization");
  auto const space = value.find(' ');
  if (space == std::string::npos) return login;
  login.tried = true;
  login.scheme = lower(value.substr(0, space));
  if (login.scheme != scheme_of(device.state.switches.auth_policy, request.tls)) return login;
  std::string_view const rest = std::string_view(value).substr(space + 1);
  if (login.scheme == "basic")
    check_basic(device, rest, login);
  else
    check_digest(device, request, rest, login);
  return login;
}

Response challenge(Device& device, Request const& request, bool stale) {
  Switches const& switches = device.state.switches;
  std::string value;
  if (scheme_of(switches.auth_policy, request.tls) == "basic") {
    value = "Basic realm=\"" + realm_of(device) + "\"";
  } else {
    bool const says_stale = stale || (switches.first_stale && !device.auth.challenged);
    device.auth.challenged = true;
    value = "Digest realm=\"" + realm_of(device) + "\", nonce=\"" + new_nonce(device) + "\", ";
    if (switches.nonce_form == "boa")
      value += std::string("stale=") + (says_stale ? "TRUE" : "FALSE");
    else
      value += std::string("algorithm=MD5, stale=") + (says_stale ? "true" : "false");
    if (switches.digest_qop) value += ", qop=\"auth\"";
  }
  Response response = html(401,
                           "<HTML><HEAD><TITLE>401 Unauthorized</TITLE></HEAD>\n<BODY><H1>401 Unauthorized</H1>\n"
                           "Your client does not have permission to get this URL from this server.\n</BODY></HTML>\n");
  response.headers.push_back({"WWW-Authenticate", value});
  return response;
}

bool is_blocked(Device& device, Request const& request) {
  auto const client = device.auth.clients.find(request.peer);
  return client != device.auth.clients.end() && device.now_ms() < client->second.blocked_until_ms;
}

void note_failure(Device& device, Request const& request) {
  Switches const& switches = device.state.switches;
  if (!switches.throttle) return;
  AuthState::Client& client = device.auth.clients[request.peer];
  long long const now = device.now_ms();
  client.failures_ms.push_back(now);
  while (client.failures_ms.front() + switches.throttle_window_ms < now) client.failures_ms.pop_front();
  if (client.failures_ms.size() <= static_cast<std::size_t>(switches.throttle_failures)) return;
  client.failures_ms.clear();
  client.blocked_until_ms = now + switches.throttle_block_ms;
}

}  // namespace lenscap::camsim
