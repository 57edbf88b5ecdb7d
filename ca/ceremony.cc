#include "ca/ceremony.h"

#include <algorithm>
#include <filesystem>

#include "base/acting_as.h"
#include "base/directory.h"
#include "base/limits.h"
#include "ca/ca_certificate.h"
#include "ca/crl_places.h"
#include "ca/issuer_request.h"

namespace lenscap::ca {

// --- passphrases ---

SecretBytes first_line(SecretBytes const& passphrase_file) {
  std::string_view const text = passphrase_file.text();
  std::string_view line = text.substr(0, text.find('\n'));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return SecretBytes(line);
}

Result<CeremonyPassphrases> split_passphrases(SecretBytes const& two_lines) {
  std::string_view const text = two_lines.text();
  auto const newline = text.find('\n');
  if (newline == std::string_view::npos)
    return Error(Errc::usage, "the passphrase file needs two lines: the issuing key's passphrase, then the root key's");
  SecretBytes const rest(text.substr(newline + 1));
  auto const end = rest.text().find('\n');
  if (end != std::string_view::npos && end + 1 < rest.size())
    return Error(Errc::usage,
                 "the passphrase file has more than two lines: it takes the issuing key's passphrase, then "
                 "the root key's");
  return CeremonyPassphrases{first_line(two_lines), first_line(rest)};
}

namespace {

Result<> check_passphrase(SecretBytes const& passphrase, char const* which) {
  if (passphrase.size() < kPassphraseCharactersMin)
    return Error(Errc::usage, std::string("the passphrase of the ") + which + " key needs at least " +
                                  std::to_string(kPassphraseCharactersMin) + " characters");
  if (passphrase.text().find('\n') != std::string_view::npos)
    return Error(Errc::usage, std::string("the passphrase of the ") + which + " key holds a line break");
  return {};
}

Result<> check_passphrases(CeremonyPassphrases const& passphrases, bool makes_issuing_key) {
  if (makes_issuing_key) CHECK_OK(check_passphrase(passphrases.issuing, "issuing"));
  CHECK_OK(check_passphrase(passphrases.root, "root"));
  if (passphrases.issuing.text() == passphrases.root.text())
    return Error(Errc::usage, "the root key needs a passphrase of its own: the issuing key's is on the server");
  return {};
}

// --- names ---

struct Permitted {
  std::vector<x509::DnsName> dns;
  std::vector<x509::IpBlock> ip;
};

Result<Permitted> parse_permitted(CeremonySettings const& settings) {
  Permitted permitted;
  for (std::string const& text : settings.permit_dns) {
    auto name = x509::DnsName::parse(text);
    if (!name.ok()) return Error(Errc::usage, "\"" + text + "\" cannot be permitted: " + name.error().detail());
    if (name->is_wildcard())
      return Error(Errc::usage, "\"" + text + "\": give the suffix without \"*.\"; everything below it is permitted");
    permitted.dns.push_back(*std::move(name));
  }
  for (std::string const& text : settings.permit_ip) {
    auto block = x509::IpBlock::parse(text);
    if (!block.ok()) return Error(Errc::usage, "\"" + text + "\" cannot be permitted: " + block.error().detail());
    permitted.ip.push_back(*std::move(block));
  }
  if (permitted.dns.empty() && permitted.ip.empty())
    return Error(Errc::usage, "a CA that may name nothing is of no use: permit a DNS suffix, an IP block, or both");
  return permitted;
}

// "pki.cams.example" of "https://pki.cams.example:8443/x"; "fd00::1" of "https://[fd00::1]".
Result<std::string> host_of(std::string const& url) {
  constexpr std::string_view kScheme = "https://";
  if (!url.starts_with(kScheme)) return Error(Errc::usage, "\"" + url + "\" must begin with https://");
  std::string_view rest = std::string_view(url).substr(kScheme.size());
  rest = rest.substr(0, rest.find_first_of("/?#"));
  if (rest.find('@') != std::string_view::npos) return Error(Errc::usage, "\"" + url + "\" must not hold a user name");
  if (rest.starts_with('[')) {
    auto const end = rest.find(']');
    if (end == std::string_view::npos) return Error(Errc::usage, "\"" + url + "\" lacks a closing bracket");
    return std::string(rest.substr(1, end - 1));
  }
  return std::string(rest.substr(0, rest.find(':')));
}

// The server's own certificate comes from this CA, so its name must be one that the CA may issue.
Result<> check_own_host(std::string const& url, x509::NameConstraints const& constraints) {
  TRY(auto host, host_of(url));
  Result<> verdict;
  if (auto address = x509::IpAddress::parse(host); address.ok()) {
    verdict = constraints.test(*address);
  } else {
    auto const name = x509::DnsName::parse(host);
    if (!name.ok() || name->is_wildcard())
      return Error(Errc::usage, "\"" + host + "\" of \"" + url + "\" is neither a DNS name nor an IP address");
    verdict = constraints.test(*name);
  }
  if (verdict.ok()) return {};
  return Error(Errc::usage, "the server's own name would not be trusted: " + verdict.error().detail() +
                                ". Permit the suffix or block that \"" + host + "\" is in, or change the URL");
}

// RFC 5280 4.2.1.10: constraints of directory names bind the subjects of CAs below as well.
Result<> check_own_subject(Bytes const& subject, x509::NameConstraints const& constraints) {
  TRY(auto const name, x509::DirectoryName::from_der(subject));
  auto const verdict = constraints.test(name);
  if (verdict.ok()) return {};
  return Error(Errc::usage, "the issuing CA's own name would not be trusted: " + verdict.error().detail() +
                                ". Permit the directory name that it is in, or change the CA's name");
}

Result<> check_usages(std::vector<ExtendedKeyUsage> const& usages) {
  // Without it this server could not certify itself, and so could not be reached.
  if (std::ranges::find(usages, ExtendedKeyUsage::server_auth) != usages.end()) return {};
  return Error(Errc::usage, "the issuing CA needs the usage serverAuth: its own ACME server is a TLS server");
}

Result<> check_name(std::string const& name) {
  // " Issuing CA" must fit behind it in 64 characters (RFC 5280 appendix A).
  constexpr std::size_t kCaNameCharactersMax = 48;
  if (name.empty()) return Error(Errc::usage, "the CA needs a name, such as \"Example Cameras\"");
  if (name.size() > kCaNameCharactersMax)
    return Error(Errc::usage, "the CA's name is longer than " + std::to_string(kCaNameCharactersMax) + " octets");
  if (std::ranges::any_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return Error(Errc::usage, "the CA's name holds a control character");
  constexpr char const* kNotUtf8 = "the CA's name is not UTF-8";
  unsigned char const* at = reinterpret_cast<unsigned char const*>(name.data());
  for (int left = static_cast<int>(name.size()); left > 0;) {
    unsigned long unused = 0;
    int const used = UTF8_getc(at, left, &unused);
    if (used <= 0) return Error(Errc::usage, kNotUtf8);
    at += used;
    left -= used;
  }
  return {};
}

}  // namespace

Result<x509::NameConstraints> constraints_of(CeremonySettings const& settings) {
  TRY(auto permitted, parse_permitted(settings));
  auto constraints = x509::NameConstraints::permit_only(std::move(permitted.dns), std::move(permitted.ip));
  CHECK_OK(apply(settings.rules, constraints));
  return constraints;
}

std::vector<std::string> ceremony_warnings(CeremonySettings const& settings) {
  std::vector<std::string> warnings;
  auto const permitted = parse_permitted(settings);
  if (!permitted.ok()) return warnings;
  for (x509::DnsName const& name : permitted->dns)
    if (name.text().find('.') == std::string::npos)
      warnings.push_back("\"" + name.text() +
                         "\" permits every name below that top-level label; a longer suffix is safer");
  static constexpr std::string_view kWhole[] = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"};
  for (x509::IpBlock const& block : permitted->ip) {
    for (std::string_view text : kWhole) {
      auto const whole = x509::IpBlock::parse(text);
      if (whole.ok() && block.contains(*whole)) {
        warnings.push_back(block.text() +
                           " permits a whole private range, and with it every home router and hotel "
                           "network; the subnets of the cameras alone are safer");
        break;
      }
    }
  }
  if (!settings.rules.permit_directory.empty() || !settings.rules.exclude_directory.empty())
    warnings.emplace_back(
        "clients that use Go or GnuTLS may refuse chains with constraints on directory names; such certificates are "
        "for clients that you know");
  return warnings;
}

// --- certificates ---

Result<CertifiedCa> certify_ca(CeremonySettings const& settings, x509::PublicKey const& issuing_key, Time now) {
  CHECK_OK(check_name(settings.name));
  TRY(auto constraints, constraints_of(settings));
  CHECK_OK(check_own_host(settings.url, constraints));
  CHECK_OK(check_usages(settings.extended_key_usage));

  if (auto const judged = x509::check_key(issuing_key, false); !judged.ok())
    return Error(Errc::usage, "the issuing key: " + judged.error().detail());

  auto root_key = x509::PrivateKey::generate(x509::KeyType::ec_p384);
  // A day back, so that a camera whose clock stands in another time zone already accepts the chain.
  Time const begin = now - limits::kIssuerBackdate;

  Template const root = root_template(settings.name, root_key.public_key(), begin, limits::kRootLifetime, constraints);
  CaLintContext const root_wanted{.key = root_key.public_key(),
                                  .organization = settings.name,
                                  .common_name = settings.name + " Root CA",
                                  .constraints = constraints,
                                  .lifetime = limits::kRootLifetime,
                                  .now = now};
  TRY(auto root_certificate, sign_ca_certificate(root, root_wanted, root_key));

  Template issuing = issuer_template(settings.name, issuing_key, root_certificate, begin, kIssuerLifetime, constraints,
                                     settings.extended_key_usage);
  CrlPlaces const lists{.base = settings.lists_url.empty() ? "" : settings.lists_url + crl_path(root_certificate)};
  if (lists.is_served()) issuing.crl_url = lists.url("");
  CHECK_OK(check_own_subject(issuing.subject_name, constraints));
  CaLintContext const issuing_wanted{.key = issuing_key,
                                     .organization = settings.name,
                                     .common_name = settings.name + " Issuing CA",
                                     .above = {root_certificate},
                                     .constraints = constraints,
                                     .usages = settings.extended_key_usage,
                                     .path_length = 0,
                                     .lifetime = kIssuerLifetime,
                                     .crl_base = lists.base,
                                     .now = now};
  TRY(auto issuing_certificate, sign_ca_certificate(issuing, issuing_wanted, root_key));
  TRY(auto root_crl, make_root_crl(root_certificate, root_key, {}, {}, kRootCrlLifetime, now));
  return CertifiedCa{std::move(root_key), std::move(root_certificate), std::move(root_crl),
                     std::move(issuing_certificate)};
}

Result<GeneratedCa> generate_ca(CeremonySettings const& settings, Time now) {
  auto issuing_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  TRY(auto made, certify_ca(settings, issuing_key.public_key(), now));
  return GeneratedCa{std::move(made.root_key), std::move(made.root), std::move(made.root_crl), std::move(issuing_key),
                     std::move(made.issuing)};
}

namespace {

// --- files ---

Result<> refuse_existing(std::string const& keys_dir) {
  std::error_code error;
  if (!std::filesystem::exists(keys_dir, error) || std::filesystem::is_empty(keys_dir, error)) return {};
  return Error(Errc::conflict, keys_dir +
                                   " holds keys already, and they are never overwritten. Choose another state "
                                   "directory, or move the old CA away if nothing trusts it any more");
}

}  // namespace

Result<CeremonyResult> make_ca(CeremonySettings const& settings, CeremonyPassphrases const& passphrases, Time now,
                               std::function<Result<>()> const& prepare,
                               std::optional<x509::PublicKey> const& issuing_key) {
  CHECK_OK(check_passphrases(passphrases, !issuing_key));
  std::string const keys_dir = settings.state_dir + "/keys";
  CHECK_OK(refuse_existing(keys_dir));
  std::optional<x509::PrivateKey> made_key;
  if (!issuing_key) made_key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
  TRY(auto made, certify_ca(settings, issuing_key ? *issuing_key : made_key->public_key(), now));
  CHECK_OK(make_directories(settings.state_dir));
  TRY(auto const owner, owner_of(settings.state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  if (prepare) CHECK_OK(prepare());
  std::vector<NewFile> files{
      {"root.pem", made.root.pem(), 0644},
      {"root.key", made.root_key.to_encrypted_pem(passphrases.root), 0600},
      {"root.crl", std::string(as_text(made.root_crl.der)), 0644},
      {"issuing.pem", made.issuing.pem(), 0644},
  };
  if (made_key) files.push_back({"issuing.key", made_key->to_encrypted_pem(passphrases.issuing), 0600});
  CHECK_OK(create_directory(keys_dir, files));
  return CeremonyResult{std::move(made.root), std::move(made.issuing), std::move(made.root_crl), keys_dir};
}

Result<std::string> make_intermediate(CeremonySettings const& settings, SecretBytes const& passphrase,
                                      std::function<Result<>()> const& prepare, KeyHolder* holder) {
  if (holder == nullptr) CHECK_OK(check_passphrase(passphrase, "issuing"));
  std::string const keys_dir = settings.state_dir + "/keys";
  CHECK_OK(refuse_existing(keys_dir));
  CHECK_OK(check_name(settings.name));
  TRY(auto const constraints, constraints_of(settings));
  CHECK_OK(check_own_host(settings.url, constraints));
  CHECK_OK(check_usages(settings.extended_key_usage));
  std::vector<NewFile> files;
  std::string request;
  if (holder != nullptr) {
    if (auto const judged = x509::check_key(holder->public_key(), false); !judged.ok())
      return Error(Errc::usage, "the issuing key: " + judged.error().detail());
    auto const sign = [&](HashAlgorithm hash, ByteView data) { return holder->sign(hash, data); };
    TRY(request, make_issuer_request(holder->public_key(), sign, settings.name, constraints,
                                     settings.extended_key_usage, settings.path_length));
  } else {
    auto const key = x509::PrivateKey::generate(x509::KeyType::ec_p256);
    request = make_issuer_request(key, settings.name, constraints, settings.extended_key_usage, settings.path_length);
    files.push_back({"issuing.key", key.to_encrypted_pem(passphrase), 0600});
  }
  files.push_back({"issuing.csr", request, 0644});
  CHECK_OK(make_directories(settings.state_dir));
  TRY(auto const owner, owner_of(settings.state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  if (prepare) CHECK_OK(prepare());
  CHECK_OK(create_directory(keys_dir, files));
  return request;
}

std::string fingerprint_text(x509::Certificate const& certificate) {
  std::string text = "SHA-256";
  int count = 0;
  for (char c : to_hex(certificate.fingerprint())) {
    if (count++ % 4 == 0) text += ' ';
    text += static_cast<char>(c >= 'a' && c <= 'f' ? c - 'a' + 'A' : c);
  }
  return text;
}

}  // namespace lenscap::ca
