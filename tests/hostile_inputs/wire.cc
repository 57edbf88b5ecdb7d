#include "tests/hostile_inputs/wire.h"

namespace lenscap::hostile {

ca::test::TestCa wide_ca() {
  auto settings = ca::test::ceremony_settings();
  settings.permit_dns = {"example", "cams.example"};
  settings.permit_ip = {"10.20.0.0/15", "127.0.0.0/8", "2001:db8::/32"};
  return ca::test::TestCa(settings);
}

acme::Scope wide_scope() {
  acme::Scope scope;
  scope.grant_dns = {x509::DnsName::parse("example").value()};
  scope.grant_ip = {x509::IpBlock::parse("10.20.0.0/15").value(), x509::IpBlock::parse("2001:db8::/32").value()};
  return scope;
}

ServerOnWire::ServerOnWire(std::string const& settings, std::string const& ca_settings)
    : server_({.settings = settings, .ca_settings = ca_settings, .ca = wide_ca(), .state_dir = dir_.path()}) {
  // Chores but the first would write between two looks at the store.
  auto started = acme::Server::start(*server_.app, front_, std::nullopt, std::chrono::hours(1));
  if (!started) throw std::runtime_error(started.error().detail());
  sockets_ = *std::move(started);
}

std::uint16_t ServerOnWire::port_of(bool tls) const {
  for (auto const& port : front_.ports())
    if (port.tls == tls) return port.port;
  throw std::runtime_error("no such port");
}

Client ServerOnWire::client(acme::Scope scope) {
  Client client(server_);
  auto const eab = server_.add_eab(std::move(scope));
  auto const answer = client.new_account(&eab);
  EXPECT_EQ(answer.status, 201) << answer.body;
  return client;
}

std::string Wire::request(std::string const& method, std::string const& url, std::string const& body,
                          std::string const& headers) const {
  std::string const base = acme::test::kBase;
  auto const target = url.starts_with(base) ? url.substr(base.size()) : url;
  auto text = method + " " + target + " HTTP/1.1\r\nHost: " + base.substr(8) + "\r\n" + headers;
  if (method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  return text + "\r\n" + body;
}

Answer Wire::send(std::string const& octets) {
  connection_.send(octets);
  bool const with_body = !octets.starts_with("HEAD");
  auto raw = connection_.read_response(with_body);
  Answer answer;
  answer.status = raw.status;
  answer.body = std::move(raw.body);
  std::size_t at = raw.head.find("\r\n");
  while (at != std::string::npos && at + 2 < raw.head.size()) {
    auto const end = raw.head.find("\r\n", at + 2);
    auto const line = raw.head.substr(at + 2, end - at - 2);
    auto const colon = line.find(": ");
    if (colon != std::string::npos) answer.headers.add(line.substr(0, colon), line.substr(colon + 2));
    at = end;
  }
  return answer;
}

Answer Wire::get(std::string const& url) { return send(request("GET", url)); }

Answer Wire::post(std::string const& url, std::string const& body, std::string const& type) {
  return send(request("POST", url, body, type.empty() ? "" : "Content-Type: " + type + "\r\n"));
}

Answer Wire::post(Client& client, std::string const& url, std::string const& payload) {
  return post(url, client.sign(url, payload, on_wire_.server().nonce(), !client.kid.empty()));
}

bool Wire::is_open() { return get(on_wire_.urls().directory()).status == 200; }
bool Wire::is_closed() { return connection_.is_closed(); }

void expect_problem(Answer const& answer, int status, std::string const& type, std::string const& what) {
  EXPECT_EQ(answer.status, status) << what << ": " << answer.body;
  EXPECT_EQ(answer.problem(), type) << what << ": " << answer.body;
  EXPECT_GT(answer.detail().size(), 10U) << what << ": " << answer.body;
  EXPECT_FALSE(answer.header("Replay-Nonce").empty()) << what;
  EXPECT_TRUE(answer.has_link(std::string(acme::test::kBase) + "/acme/directory", "index")) << what;
  auto const object = answer.object();
  auto const* subproblems = object.find("subproblems");
  EXPECT_TRUE(subproblems == nullptr || subproblems->as_array() != nullptr) << what;
}

}  // namespace lenscap::hostile
