#include "ca/installed_chain.h"

#include <algorithm>

#include "base/acting_as.h"
#include "base/file.h"
#include "ca/ceremony.h"

namespace lenscap::ca {
namespace {

std::string keys_file(std::string const& state_dir, char const* name) { return state_dir + "/keys/" + name; }

Result<x509::Certificate> load_certificate(std::string const& path) {
  if (!file_exists(path))
    return Error(Errc::file,
                 path + " is missing; make the CA first (lenscap-ca init), or give the directory of its state");
  TRY(auto pem, read_file(path));
  auto certificate = x509::Certificate::from_pem(pem);
  if (!certificate.ok()) return std::move(certificate).error().with_context(path + ": ");
  return certificate;
}

Result<InstalledChain> parse_parent_chain(std::string const& pem, std::string const& path) {
  auto chain = x509::parse_pem_chain(pem);
  if (!chain.ok()) return std::move(chain).error().with_context(path + ": ");
  if (chain->size() < 2) return Error(Errc::settings, path + " holds no certificate above the issuing one");
  return InstalledChain{chain->front(), {chain->begin() + 1, chain->end()}, true};
}

// Of a command that was replacing these together.
bool has_left_overs(std::vector<std::string> const& paths) {
  return std::ranges::any_of(
      paths, [](auto const& path) { return file_exists(path + ".new") || file_exists(path + ".former"); });
}

}  // namespace

std::string request_file(std::string const& state_dir) { return keys_file(state_dir, "issuing.csr"); }
std::string key_file(std::string const& state_dir) { return keys_file(state_dir, "issuing.key"); }

bool is_intermediate(std::string const& state_dir) { return file_exists(request_file(state_dir)); }

Result<InstalledChain> load_chain(std::string const& state_dir) {
  auto const parents = keys_file(state_dir, "chain.pem");
  TRY(auto const pem, read_file_if_there(parents));
  if (pem) return parse_parent_chain(*pem, parents);
  if (is_intermediate(state_dir))
    return Error(Errc::settings,
                 "this CA is to be an intermediate, and has no certificate yet: have the parent sign what `lenscap-ca "
                 "issuer csr` prints, then give what comes back to `lenscap-ca issuer install`");
  TRY(auto root, load_certificate(keys_file(state_dir, "root.pem")));
  TRY(auto issuing, load_certificate(keys_file(state_dir, "issuing.pem")));
  return InstalledChain{std::move(issuing), {std::move(root)}, false};
}

Result<> check_follows(std::string const& state_dir, x509::Certificate const& next) {
  auto const installed = load_chain(state_dir);
  if (!installed.ok() || !installed->has_parent) return {};
  return check_follows(installed->issuing, next);
}

Result<> check_follows(x509::Certificate const& before, x509::Certificate const& next) {
  if (!(before.key() == next.key()))
    return Error(Errc::conflict,
                 "a chain for another key is installed, and certificates hang below it. For a new key let the issuer "
                 "be followed by another one: lenscap-ca issuer roll-over makes key and request");
  std::string differs, ask;
  if (auto const id = to_hex(before.subject_key_id()); id != to_hex(next.subject_key_id())) {
    differs = "the subject key identifier " + to_hex(next.subject_key_id()) + " in place of " + id;
    ask = "the subject key identifier " + id + " (among the extensions of openssl: subjectKeyIdentifier=" + id + ")";
  }
  if (before.subject_der() != next.subject_der()) {
    bool const reads_the_same = before.subject() == next.subject();
    differs += (differs.empty() ? "" : ", and ") + std::string("the subject ") + next.subject() + " in place of " +
               before.subject() + (reads_the_same ? ", which reads the same and is encoded in another way" : "");
    ask += (ask.empty() ? "" : ", and ") + std::string("the subject ") + before.subject() +
           (reads_the_same ? ", octet by octet" : "");
  }
  if (differs.empty()) return {};
  return Error(Errc::conflict,
               "the certificate for the issuing key that came has " + differs +
                   ". What was issued so far points to revocation lists and OCSP answers by the former, and nobody "
                   "could know any more what of it was revoked; nothing was changed. Ask the parent for " +
                   ask);
}

Result<> install_chain(std::string const& state_dir, x509::Certificate const& issuing,
                       std::vector<x509::Certificate> const& above) {
  CHECK_OK(settle_chain(state_dir));
  CHECK_OK(check_follows(state_dir, issuing));
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return replace_files(chain_files(state_dir, issuing, above));
}

std::vector<ReplacedFile> chain_files(std::string const& state_dir, x509::Certificate const& issuing,
                                      std::vector<x509::Certificate> const& above) {
  return {{keys_file(state_dir, "issuing.pem"), issuing.pem(), 0644},
          {keys_file(state_dir, "chain.pem"), issuing.pem() + x509::to_pem(above), 0644}};
}

// All that install_import() and install_token_import() replace, in their order.
Result<Settled> settle_chain(std::string const& state_dir) {
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  std::vector<std::string> paths{key_file(state_dir), request_file(state_dir), keys_file(state_dir, "issuing.pem"),
                                 keys_file(state_dir, "chain.pem")};
  // What lies beside the settings alone is somebody else's: an init that was broken off, or a person.
  auto const settings = state_dir + "/ca.toml";
  if (has_left_overs(paths) && file_exists(settings)) paths.insert(paths.begin(), settings);
  return settle_files(paths);
}

Result<std::vector<NameLimit>> own_limits(InstalledChain const& chain, std::vector<std::string> const& permit_dns,
                                          std::vector<std::string> const& permit_ip, NameRules const& rules) {
  if (!chain.has_parent) return std::vector<NameLimit>();
  CeremonySettings wanted;
  wanted.permit_dns = permit_dns;
  wanted.permit_ip = permit_ip;
  wanted.rules = rules;
  auto own = constraints_of(wanted);
  if (!own.ok())
    return Error(Errc::settings, (rules == NameRules{} ? "ca.permit_dns and ca.permit_ip of ca.toml: "
                                                       : "ca.permit_* and ca.exclude_* of ca.toml: ") +
                                     own.error().detail());
  return std::vector<NameLimit>{
      {rules == NameRules{} ? "ca.permit_dns and ca.permit_ip of ca.toml" : "ca.permit_* and ca.exclude_* of ca.toml",
       *std::move(own)}};
}

Result<std::vector<NameLimit>> name_limits(InstalledChain const& chain, std::vector<std::string> const& permit_dns,
                                           std::vector<std::string> const& permit_ip, NameRules const& rules) {
  auto limits = limits_of(chain.issuing, chain.above);
  TRY(auto own, own_limits(chain, permit_dns, permit_ip, rules));
  limits.insert(limits.end(), std::make_move_iterator(own.begin()), std::make_move_iterator(own.end()));
  return limits;
}

}  // namespace lenscap::ca
