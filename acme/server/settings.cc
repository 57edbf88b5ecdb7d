#include "acme/server/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "acme/server/validator.h"

namespace lenscap::acme {
namespace {

// Reads each text of a list by `parse` and refuses those that are none.
template <class T>
std::vector<T> read_list(config::Reader& reader, std::string_view path, Result<T> (*parse)(std::string_view)) {
  std::vector<T> values;
  for (auto const& text : reader.strings(path, {})) {
    auto value = parse(text);
    if (value)
      values.push_back(*std::move(value));
    else
      reader.refuse(path, "\"" + text + "\": " + value.error().detail());
  }
  return values;
}

Scope read_scope(config::Reader& reader, std::string_view table) {
  Scope scope;
  auto const path = std::string(table);
  scope.grant_dns = read_list(reader, path + ".grant_dns", parse_suffix);
  scope.grant_ip = read_list(reader, path + ".grant_ip", x509::IpBlock::parse);
  scope.prove_dns = read_list(reader, path + ".prove_dns", parse_suffix);
  scope.prove_ip = read_list(reader, path + ".prove_ip", x509::IpBlock::parse);
  scope.profiles = reader.strings(path + ".profiles", {});
  scope.issuer = reader.string(path + ".issuer", "");
  if (auto most = reader.integer(path + ".live_names", 0, 0, 1'000'000'000); most != 0)
    scope.live_names_max = static_cast<std::size_t>(most);
  return scope;
}

bool is_file_word(std::string_view name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") == name.npos;
}

// It goes into header fields and pages, so it holds no character that ends one there.
bool is_web_url(std::string_view text) {
  auto const scheme = text.starts_with("https://") ? 8U : text.starts_with("http://") ? 7U : 0U;
  return scheme != 0 && text.size() > scheme && text.size() <= 500 &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f && c != '<' && c != '>' && c != '"'; });
}

bool is_passphrase_source(std::string_view text) {
  return text == "prompt" || (text.starts_with("file:") && text.size() > 5) ||
         (text.starts_with("credential:") && text.size() > 11);
}

ResolverOptions read_resolver(config::Reader& reader) {
  ResolverOptions options;
  options.servers = reader.strings("acme.resolver", {});
  for (auto const& text : options.servers)
    if (!Resolver::is_server(text))
      reader.refuse("acme.resolver",
                    "\"" + text + "\" is not ADDRESS or ADDRESS@PORT, such as 10.0.0.53 or 127.0.0.1@8053");
  options.tcp = reader.boolean("acme.resolver_tcp", false);
  options.trust_anchors = reader.strings("acme.dnssec_anchors", {});
  auto const dnssec = reader.string("acme.dnssec", "if-signed");
  if (dnssec == "off")
    options.dnssec = Dnssec::off;
  else if (dnssec == "if-signed")
    options.dnssec = Dnssec::if_signed;
  else if (dnssec == "require")
    options.dnssec = Dnssec::require;
  else
    reader.refuse("acme.dnssec", "\"" + dnssec + "\" is none of off, if-signed, require");
  if (options.dnssec == Dnssec::require && options.trust_anchors.empty())
    reader.refuse("acme.dnssec",
                  "\"require\" needs acme.dnssec_anchors: files with the keys to begin from, such as "
                  "/usr/share/dns/root.key, or your own zone's DS record");
  return options;
}

void read_caa(config::Reader& reader, Settings& settings) {
  auto const mode = reader.string("acme.caa", "off");
  if (mode == "lenient")
    settings.caa = CaaMode::lenient;
  else if (mode == "strict")
    settings.caa = CaaMode::strict;
  else if (mode != "off")
    reader.refuse("acme.caa", "\"" + mode + "\" is none of off, lenient, strict");
  auto const own = settings.urls.host_is_ip() ? std::vector<std::string>() : std::vector{settings.urls.host()};
  for (auto const& text : reader.strings("acme.caa_identities", own)) {
    auto const name = x509::DnsName::parse(text);
    if (name && !name->is_wildcard())
      settings.caa_identities.push_back(name->text());
    else
      reader.refuse("acme.caa_identities", "\"" + text + "\" is not a DNS name");
  }
  if (settings.caa != CaaMode::off && settings.caa_identities.empty())
    reader.refuse("acme.caa_identities", "the names by which CAA records allow this CA, such as \"pki.cams.example\"");
}

void read_limits(config::Reader& reader, RateLimitSettings& limits) {
  auto const read = [&](std::string_view key, RateLimit& limit) {
    auto const path = "acme.limits." + std::string(key);
    auto const text = reader.string(path, "");  // asked for in any case, so that a slip of the pen finds it
    if (!reader.has(path)) return;
    auto parsed = parse_rate_limit(text);
    if (parsed)
      limit = *parsed;
    else
      reader.refuse(path, parsed.error().detail());
  };
  read("new_accounts", limits.new_accounts);
  read("eab_failures", limits.eab_failures);
  read("account_changes", limits.account_changes);
  read("new_orders", limits.new_orders);
  read("orders_for_name", limits.orders_for_name);
  read("failed_validations", limits.failed_validations);
  read("validations_of_network", limits.validations_of_network);
  limits.validations_at_host = static_cast<std::size_t>(reader.integer(
      "acme.limits.validations_at_host", static_cast<std::int64_t>(limits.validations_at_host), 1, 1'000));
}

void read_crl(config::Reader& reader, Settings& settings) {
  auto& crl = settings.crl;
  crl.is_served = reader.boolean("crl.serve", !settings.http.empty());
  if (crl.is_served && settings.http.empty())
    reader.refuse("crl.serve", "lists are served over plain HTTP, and server.http is empty");
  crl.plan.lifetime = reader.duration("crl.lifetime", crl.plan.lifetime);
  crl.plan.after_revocation = reader.duration("crl.after_revocation", crl.plan.after_revocation);
  if (crl.plan.lifetime < kHour || crl.plan.lifetime > 365 * kDay)
    reader.refuse("crl.lifetime", "must be from 1h to 365d");
  else if (crl.plan.after_revocation > crl.plan.lifetime / 2)
    reader.refuse("crl.after_revocation", "must be at most half of crl.lifetime");
  crl.shards = static_cast<unsigned>(reader.integer("crl.shards", crl.shards, 1, ca::kCrlPartsMax));
  crl.revokes_possibly_issued = reader.boolean("crl.revoke_possibly_issued", crl.revokes_possibly_issued);
}

void read_ocsp(config::Reader& reader, Settings& settings) {
  auto& ocsp = settings.ocsp;
  ocsp.is_served = reader.boolean("ocsp.serve", ocsp.is_served);
  if (ocsp.is_served && settings.http.empty())
    reader.refuse("ocsp.serve", "answers are served over plain HTTP, and server.http is empty");
  ocsp.lifetime = reader.duration("ocsp.lifetime", ocsp.lifetime);
  // No longer than what signs them has to live when it is renewed.
  if (ocsp.lifetime < kHour || ocsp.lifetime > 3 * kDay) reader.refuse("ocsp.lifetime", "must be from 1h to 3d");
}

ca::NameRules read_name_rules(config::Reader& reader) {
  return {.permit_email = reader.strings("ca.permit_email", {}),
          .permit_uri = reader.strings("ca.permit_uri", {}),
          .permit_directory = reader.strings("ca.permit_directory", {}),
          .exclude_dns = reader.strings("ca.exclude_dns", {}),
          .exclude_ip = reader.strings("ca.exclude_ip", {}),
          .exclude_email = reader.strings("ca.exclude_email", {}),
          .exclude_uri = reader.strings("ca.exclude_uri", {}),
          .exclude_directory = reader.strings("ca.exclude_directory", {})};
}

void read_signer(config::Reader& reader, SignerSettings& signer) {
  constexpr std::size_t kSocketPathMax = 107;  // of unix(7)
  signer.process = reader.boolean("signer.process", signer.process);
  signer.socket = reader.string("signer.socket", "");
  if (!signer.socket.empty() && (signer.socket.front() != '/' || signer.socket.size() > kSocketPathMax))
    reader.refuse("signer.socket", "expected a path that begins with / and has at most 107 characters");
  if (!signer.socket.empty() && !signer.process)
    reader.refuse("signer.socket", "with process = false the key is in the server, and nobody listens there");
  signer.front_user = reader.string("signer.front_user", "");
  auto const read_cap = [&](std::string_view path, std::size_t& cap) {
    cap = static_cast<std::size_t>(reader.integer(path, static_cast<std::int64_t>(cap), 0, 1'000'000'000));
  };
  read_cap("signer.per_minute", signer.caps.per_minute);
  read_cap("signer.per_day", signer.caps.per_day);
}

// "256MiB", "1GiB", or "0".
std::uint64_t read_octets(config::Reader& reader, std::string_view path, std::uint64_t otherwise) {
  constexpr std::uint64_t kNumberMax = 1'000'000;
  auto const text = reader.string(path, "");  // asked for in any case, so that a slip of the pen finds it
  if (!reader.has(path)) return otherwise;
  std::uint64_t number = 0;
  auto const [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  std::string_view const unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (failed == std::errc{} && number <= kNumberMax) {
    if (unit == "MiB") return number << 20;
    if (unit == "GiB") return number << 30;
    if (unit.empty() && number == 0) return 0;
  }
  reader.refuse(path, "expected so many \"MiB\" or \"GiB\", such as \"256MiB\", or \"0\"");
  return otherwise;
}

void read_room(config::Reader& reader, Settings& settings) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  settings.store_size_max = read_octets(reader, "store.size_max", settings.store_size_max);
  if (settings.store_size_max < kMiB || settings.store_size_max > 65'536 * 1024 * kMiB)
    reader.refuse("store.size_max", "must be from 1MiB to 65536GiB");
  settings.free_space_min = read_octets(reader, "store.free_space_min", settings.free_space_min);
  settings.ballast = read_octets(reader, "store.ballast", settings.ballast);
}

}  // namespace

Result<Endpoint> parse_endpoint(std::string_view text) {
  auto bad = [&] {
    return Error(Errc::settings, "\"" + std::string(text) + "\" is not ADDRESS:PORT, such as 0.0.0.0:443 or [::]:443");
  };
  auto const colon = text.rfind(':');
  if (colon == text.npos) return bad();
  auto host = text.substr(0, colon);
  auto const brackets = host.starts_with("[") && host.ends_with("]") && host.size() > 2;
  if (brackets) host = host.substr(1, host.size() - 2);
  auto address = x509::IpAddress::parse(host);
  if (!address || address->is_v6() != brackets) return bad();
  Endpoint endpoint;
  endpoint.address = address->text();
  auto const port = text.substr(colon + 1);
  auto [end, ec] = std::from_chars(port.data(), port.data() + port.size(), endpoint.port);
  if (ec != std::errc() || end != port.data() + port.size()) return bad();
  return endpoint;
}

std::string to_string(Endpoint const& endpoint) {
  auto const v6 = endpoint.address.find(':') != std::string::npos;
  return (v6 ? "[" + endpoint.address + "]" : endpoint.address) + ":" + std::to_string(endpoint.port);
}

std::string Settings::http_url() const {
  if (http.empty()) return "";
  auto const host = urls.host().find(':') != std::string::npos ? "[" + urls.host() + "]" : urls.host();
  return "http://" + host + (http.front().port == 80 ? "" : ":" + std::to_string(http.front().port));
}

std::string Settings::profile_file(std::string_view name) const {
  return state_dir + "/profiles/" + std::string(name) + ".toml";
}

namespace {

std::vector<Endpoint> parse_endpoints(config::Reader& reader, std::string_view path,
                                      std::vector<std::string> const& texts) {
  std::vector<Endpoint> endpoints;
  for (auto const& text : texts) {
    auto endpoint = parse_endpoint(text);
    if (endpoint)
      endpoints.push_back(*std::move(endpoint));
    else
      reader.refuse(path, endpoint.error().detail());
  }
  return endpoints;
}

}  // namespace

Result<Settings> Settings::read(config::Reader& reader, std::string state_dir) {
  auto urls = Urls::parse(reader.string("server.url", ""));
  if (!urls) {
    reader.refuse("server.url", urls.error().detail());
    urls = Urls::parse("https://unknown.invalid");
  }
  Settings settings(*std::move(urls));
  settings.state_dir = std::move(state_dir);

  settings.listen =
      parse_endpoints(reader, "server.listen", reader.strings("server.listen", {"0.0.0.0:443", "[::]:443"}));
  settings.http =
      parse_endpoints(reader, "server.http", reader.string_or_strings("server.http", {"0.0.0.0:80", "[::]:80"}));

  settings.metrics = parse_endpoints(reader, "server.metrics", reader.strings("server.metrics", {}));

  settings.connections = static_cast<std::size_t>(
      reader.integer("server.connections", static_cast<std::int64_t>(settings.connections), 16, 1'000'000));
  settings.connections_per_address = static_cast<std::size_t>(reader.integer(
      "server.connections_per_address", static_cast<std::int64_t>(settings.connections_per_address), 1, 1'000'000));
  settings.idle = reader.duration("server.idle", settings.idle);
  if (settings.idle < Seconds(1) || settings.idle > kHour) reader.refuse("server.idle", "must be from 1s to 1h");

  settings.ca_name = reader.string("ca.name", "");
  settings.permit_dns = reader.strings("ca.permit_dns", {});
  settings.permit_ip = reader.strings("ca.permit_ip", {});
  settings.name_rules = read_name_rules(reader);
  settings.ca_key = reader.string("ca.key", "file:keys/issuing.key");
  settings.ca_passphrase = reader.string("ca.passphrase", "prompt");
  if (!is_passphrase_source(settings.ca_passphrase))
    reader.refuse("ca.passphrase",
                  "expected \"credential:NAME\", \"file:PATH\" or \"prompt\"; never the passphrase itself");
  settings.profiles = reader.strings("ca.profiles", {"camera-https", "camera-https-cn"});
  if (settings.profiles.empty()) reader.refuse("ca.profiles", "at least one profile is needed");
  for (auto const& name : settings.profiles)
    if (!is_file_word(name)) reader.refuse("ca.profiles", "\"" + name + "\" is not a profile's name");

  settings.eab_required = reader.boolean("acme.eab_required", true);
  settings.terms_of_service = reader.string("acme.terms_of_service", "");
  if (!settings.terms_of_service.empty() && !is_web_url(settings.terms_of_service))
    reader.refuse("acme.terms_of_service", "expected a URL of a page for people, such as https://pki.example/terms");
  settings.challenges = reader.strings("acme.challenges", validator_types());
  for (auto const& type : settings.challenges)
    if (find_validator(type) == nullptr)
      reader.refuse("acme.challenges",
                    fmt::format("\"{}\" is not known; have: {}", type, fmt::join(validator_types(), ", ")));
  auto const replaces = reader.string("acme.replaces", "lenient");
  if (replaces != "lenient" && replaces != "strict")
    reader.refuse("acme.replaces", "expected \"lenient\" or \"strict\"");
  settings.replaces = replaces == "strict" ? ReplacesPolicy::strict : ReplacesPolicy::lenient;
  settings.retention.orders = reader.duration("acme.keep_orders", settings.retention.orders);
  settings.retention.unused_accounts = reader.duration("acme.keep_unused_accounts", settings.retention.unused_accounts);
  if (auto const kept = settings.retention.unused_accounts; kept != Seconds(0) && kept < kDay)
    reader.refuse("acme.keep_unused_accounts", "must be at least 1d, or 0s for ever");
  // Less than the deadline of a request, so that there is an answer in any case.
  settings.finalize_wait = reader.duration("acme.finalize_wait", settings.finalize_wait);
  if (settings.finalize_wait > Seconds(25)) reader.refuse("acme.finalize_wait", "must be at most 25s");
  auto const padding = reader.string("acme.csr_padding", "refuse");
  if (padding != "refuse" && padding != "allow") reader.refuse("acme.csr_padding", "expected \"refuse\" or \"allow\"");
  settings.csr_padding = padding == "allow" ? CsrPadding::allow : CsrPadding::refuse;
  settings.allow_wildcards = reader.boolean("acme.allow_wildcards", false);
  settings.http_port = static_cast<unsigned short>(reader.integer("acme.http_port", 80, 1, 65535));
  settings.tls_port = static_cast<unsigned short>(reader.integer("acme.tls_port", 443, 1, 65535));
  settings.redirects = reader.boolean("acme.redirects", false);
  settings.resolver = read_resolver(reader);
  settings.may_reach = read_list(reader, "acme.may_reach", x509::IpBlock::parse);
  read_caa(reader, settings);
  settings.open_scope = read_scope(reader, "acme.open");
  for (auto const& name : settings.open_scope.profiles)
    if (std::find(settings.profiles.begin(), settings.profiles.end(), name) == settings.profiles.end())
      reader.refuse("acme.open.profiles", "\"" + name + "\" is not one of ca.profiles");
  settings.help_url = reader.string("acme.help_url", "");
  if (!settings.help_url.empty() && !is_web_url(settings.help_url))
    reader.refuse("acme.help_url", "expected a URL of a page for people, such as https://pki.example/limits");
  read_limits(reader, settings.limits);
  settings.root_in_chain = reader.boolean("acme.root_in_chain", false);
  settings.cors = reader.boolean("acme.cors", false);
  settings.pending_orders = static_cast<std::size_t>(
      reader.integer("acme.pending_orders", static_cast<std::int64_t>(settings.pending_orders), 1, 100'000));

  read_crl(reader, settings);
  read_ocsp(reader, settings);
  read_signer(reader, settings.signer);
  settings.chaos = read_chaos(reader);
  settings.store_url = reader.string("store.url", "lmdb:db");
  read_room(reader, settings);
  CHECK_OK(reader.finish());
  return settings;
}

Result<Settings> read_settings(config::Reader reader, std::string state_dir) {
  return Settings::read(reader, std::move(state_dir));
}

std::vector<std::string> known_settings() {
  auto empty = config::Reader::parse("", "ca.toml").value();
  // All of it is read, whatever is missing.
  (void)Settings::read(empty, "");
  return empty.known();
}

Result<Settings> load_settings(std::string const& file, std::string state_dir) {
  TRY(auto reader, config::Reader::load(file));
  return read_settings(std::move(reader), std::move(state_dir));
}

}  // namespace lenscap::acme
