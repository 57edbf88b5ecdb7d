#include "ca/issuer_import.h"

#include "base/file.h"
#include "ca/installed_chain.h"
#include "ca/template.h"

namespace lenscap::ca {
namespace {

// A file may hold a private number and a public point that have nothing to do with each other.
Result<> check_itself(x509::PrivateKey const& key) {
  auto const data = as_bytes("does the public half belong to the private one?");
  auto const algorithm = signature_algorithm(key.public_key());
  if (key.public_key().verify(algorithm.hash, data, key.sign(algorithm.hash, data))) return {};
  return Error(Errc::settings, "the private key is damaged: what it signs does not verify with its own public half");
}

}  // namespace

Result<IssuerImport> judge_import(x509::Bundle bundle, Time now) {
  if (bundle.keys.empty())
    return Error(Errc::settings,
                 "no private key is among the files: give it too; or, where the parent signed the request of this CA, "
                 "use issuer install");
  for (x509::PrivateKey const& other : bundle.keys)
    if (!(other.public_key() == bundle.keys.front().public_key()))
      return Error(Errc::settings, "several private keys are among the files: give the one of the issuing certificate");
  auto key = std::move(bundle.keys.front());
  CHECK_OK(check_itself(key));
  if (bundle.certificates.empty())
    return Error(Errc::settings,
                 "no certificate is among the files: give that of the key, and all above it up to the root");
  TRY(auto verdict, judge_parent_chain(bundle.certificates, key.public_key(), now, KeyOrigin::imported));
  return IssuerImport{std::move(key), std::move(verdict)};
}

Result<> install_import(std::string const& state_dir, IssuerImport const& made, std::string const& request,
                        SecretBytes const& passphrase) {
  auto const key_file = state_dir + "/keys/issuing.key";
  if (auto const chain = load_chain(state_dir); chain.ok() && !(chain->issuing.key() == made.key.public_key()))
    return Error(Errc::conflict,
                 "a chain for another key is installed, and certificates hang below it: another issuer is another CA; "
                 "make one with lenscap-ca init --intermediate in a state directory of its own");
  TRY(auto before, read_file(key_file));
  SecretBytes const former{std::string_view(before)};
  OPENSSL_cleanse(before.data(), before.size());
  if (auto const opened = x509::PrivateKey::from_pem(former.text(), passphrase); !opened.ok())
    return Error(opened.error()).with_context(key_file + ", which is to be replaced: ");
  CHECK_OK(write_file(key_file, made.key.to_encrypted_pem(passphrase), 0600));
  CHECK_OK(write_file(request_file(state_dir), request, 0644));
  return install_chain(state_dir, made.verdict.issuing, made.verdict.above);
}

}  // namespace lenscap::ca
