#include "tests/acme/server/fixture.h"

#include <gtest/gtest.h>

#include "acme/server/records.h"
#include "base/random.h"
#include "store/backends.h"

namespace lenscap::acme::test {

std::string Answer::header(std::string_view name) const {
  auto const* value = headers.find(name);
  return value == nullptr ? "" : *value;
}

json::Object Answer::object() const {
  auto parsed = json::parse_object(body);
  EXPECT_TRUE(parsed.ok()) << status << ": " << body;
  return parsed.ok() ? *parsed : json::Object();
}

std::string Answer::text(std::string_view member) const {
  auto parsed = json::parse_object(body);
  if (!parsed) return "";
  auto const* value = parsed->find(member);
  return value == nullptr || value->as_string() == nullptr ? "" : *value->as_string();
}

std::string Answer::problem() const {
  constexpr std::string_view kUrn = "urn:ietf:params:acme:error:";
  if (header("Content-Type") != "application/problem+json") return "";
  auto const type = text("type");
  return type.starts_with(kUrn) ? type.substr(kUrn.size()) : type;
}

bool Answer::has_link(std::string_view url, std::string_view relation) const {
  auto const wanted = "<" + std::string(url) + ">;rel=\"" + std::string(relation) + "\"";
  for (auto const& [name, value] : headers.fields())
    if (name == "Link" && value == wanted) return true;
  return false;
}

namespace {

ca::CeremonySettings ceremony(std::vector<std::string> permit_ip) {
  auto settings = ca::test::ceremony_settings();
  settings.permit_ip = std::move(permit_ip);
  return settings;
}

Settings settings_from(std::string const& ca, std::string const& more, std::string const& state_dir) {
  auto const text = std::string("[server]\nurl = \"") + kBase +
                    "\"\nlisten = [\"127.0.0.1:0\"]\nhttp = \"127.0.0.1:0\"\n[ca]\nname = \"Test\"\n" + ca +
                    "[acme]\n" + more;
  auto reader = config::Reader::parse(text, "test.toml");
  if (!reader) throw std::runtime_error(reader.error().detail());
  auto settings = read_settings(*std::move(reader), state_dir);
  if (!settings) throw std::runtime_error(settings.error().detail());
  return *std::move(settings);
}

}  // namespace

TestServer::TestServer(ServerOptions options) {
  auto store = options.store ? std::move(options.store) : store::make_memory_store();
  if (!options.issuing) {
    if (!options.ca) options.ca.emplace(ceremony(options.permit_ip));
    key = options.ca->key;
    std::vector<ca::Profile> profiles;
    for (auto const* name : {"camera-https", "camera-https-cn", "server"}) profiles.push_back(ca::test::profile(name));
    if (!options.ca->issuer->ocsp_url().empty()) profiles.push_back(ca::ocsp_signer_profile());
    options.issuing = ca::issuing_by(std::move(options.ca->issuer), std::move(profiles));
  }
  options.issuing->roots = std::move(options.roots);
  auto authority = std::make_unique<ca::Authority>(*std::move(options.issuing), *store);
  auto log = Log::to([this](std::string_view line) {
    std::lock_guard lock(log_mutex_);
    log_lines_.emplace_back(line);
  });
  app = std::make_unique<App>(
      AppParts{.settings = settings_from(options.ca_settings, options.settings, options.state_dir),
               .store = std::move(store),
               .authority = std::move(authority),
               .sealer = Sealer(SecretBytes(Bytes(32, 7))),
               .clock = clock,
               .log = log,
               .io_threads = 2});
  app->validation.retry_pause = std::chrono::milliseconds(1);
}

std::vector<std::string> TestServer::log_lines() {
  std::lock_guard lock(log_mutex_);
  return log_lines_;
}

net::Request make_request(net::Method method, std::string const& url) {
  net::Request request;
  request.method = method;
  auto const base = std::string(kBase);
  request.target = url.starts_with(base) ? url.substr(base.size()) : url;
  auto const mark = request.target.find('?');
  request.path = request.target.substr(0, mark);
  if (mark != std::string::npos) request.query = request.target.substr(mark + 1);
  request.peer = "10.20.0.9";
  request.over_tls = true;
  request.id = random_token();
  return request;
}

Answer TestServer::run(net::Router const& router, net::Request request) {
  auto response = net::run(app->threads.next(), router.dispatch(std::move(request)));
  Bytes room;
  for (std::size_t at = 0; response.shared_body && at < response.shared_body.size();) {
    auto const piece = response.shared_body.piece(at, room);
    if (!piece) throw std::runtime_error("the body of an answer cannot be read");
    response.body += as_text(*piece);
    at += piece->size();
  }
  return {response.status, std::move(response.headers), std::move(response.body)};
}

Answer TestServer::send(net::Request request) { return run(app->acme_routes, std::move(request)); }
Answer TestServer::send_web(net::Request request) { return run(app->web_routes, std::move(request)); }
Answer TestServer::get(std::string const& url) { return send(make_request(net::Method::get, url)); }

Answer TestServer::post(std::string const& url, std::string body, std::string content_type) {
  auto request = make_request(net::Method::post, url);
  if (!content_type.empty()) request.headers.add("Content-Type", std::move(content_type));
  request.body = std::move(body);
  return send(std::move(request));
}

std::string TestServer::nonce() {
  return send(make_request(net::Method::head, app->settings.urls.new_nonce())).header("Replay-Nonce");
}

TestServer::Eab TestServer::add_eab(Scope scope, EabUse use, std::optional<Time> bind_by) {
  Eab eab{random_token(), SecretBytes(random_bytes(32))};
  EabRecord record;
  record.key.kid = eab.kid;
  record.key.scope = std::move(scope);
  record.key.use = use;
  record.key.bind_by = bind_by;
  record.key.created = clock.now();
  record.sealed_mac = app->sealer.seal(eab.mac_key, eab.kid);
  app->store->write([&](store::WriteTxn& txn) {
    save_eab(txn, record);
    return true;
  });
  return eab;
}

void TestServer::revoke_eab(std::string const& kid) {
  app->store->write([&](store::WriteTxn& txn) {
    auto record = load_eab(txn, kid).value();
    record.key.revoked = true;
    save_eab(txn, record);
    return true;
  });
}

Scope TestServer::grant_scope() const {
  Scope scope;
  scope.grant_dns = {x509::DnsName::parse("cams.example").value()};
  scope.grant_ip = {x509::IpBlock::parse("10.20.0.0/15").value()};
  return scope;
}

Scope TestServer::prove_scope() const {
  Scope scope;
  scope.prove_dns = {x509::DnsName::parse("cams.example").value()};
  scope.prove_ip = {x509::IpBlock::parse("10.20.0.0/15").value(), x509::IpBlock::parse("127.0.0.0/8").value()};
  return scope;
}

std::string Client::sign(std::string const& url, std::string const& payload, std::string const& nonce, bool with_kid) {
  return sign_jws(key, {.url = url, .nonce = nonce, .kid = with_kid ? kid : ""}, payload);
}

Answer Client::post(std::string const& url, std::string const& payload) {
  return server_.post(url, sign(url, payload, server_.nonce()));
}

Answer Client::post_with_jwk(std::string const& url, std::string const& payload) {
  return server_.post(url, sign(url, payload, server_.nonce(), false));
}

Answer Client::new_account(TestServer::Eab const* eab, json::Object more, MacAlgorithm mac) {
  auto const url = server_.app->settings.urls.new_account();
  if (eab != nullptr) more.set("externalAccountBinding", make_eab(eab->kid, eab->mac_key, mac, url, key.public_key()));
  auto answer = post_with_jwk(url, json::write(more));
  if (answer.status < 300) kid = answer.header("Location");
  return answer;
}

x509::NameSet names_of(std::vector<std::string> const& hosts) {
  x509::NameSet names;
  for (auto const& host : hosts) {
    auto identifier = Identifier::from_host(host).value();
    if (identifier.dns() != nullptr) names.dns.insert(*identifier.dns());
    if (identifier.ip() != nullptr) names.ip.insert(*identifier.ip());
  }
  return names;
}

Answer Client::new_order(std::vector<std::string> const& hosts, json::Object more) {
  std::vector<Identifier> identifiers;
  for (auto const& host : hosts) identifiers.push_back(Identifier::from_host(host).value());
  more.set("identifiers", to_json(identifiers));
  return post(server_.app->settings.urls.new_order(), json::write(more));
}

Answer Client::finalize(std::string const& order_url, std::vector<std::string> const& hosts) {
  auto const camera = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  return finalize_with(order_url, x509::make_csr(camera, names_of(hosts)));
}

Answer Client::finalize_with(std::string const& order_url, ByteView csr) {
  return post(order_url + "/finalize", json::write(finalize_to_json(csr)));
}

namespace {

Client client_with(TestServer& server, Scope scope) {
  Client client(server);
  auto const eab = server.add_eab(std::move(scope));
  auto const answer = client.new_account(&eab);
  EXPECT_EQ(answer.status, 201) << answer.body;
  return client;
}

}  // namespace

Client granted_client(TestServer& server) { return client_with(server, server.grant_scope()); }
Client proving_client(TestServer& server) { return client_with(server, server.prove_scope()); }

std::string first_text(json::Object const& object, std::string_view array) {
  auto const texts = json::need_strings(object, array);
  EXPECT_TRUE(texts.ok() && !texts->empty()) << array;
  return texts.ok() && !texts->empty() ? texts->front() : "";
}

}  // namespace lenscap::acme::test
