#include "ca/issuer_import.h"

#include "base/acting_as.h"
#include "base/file.h"
#include "ca/certify_below.h"
#include "ca/installed_chain.h"
#include "ca/template.h"

namespace lenscap::ca {
namespace {

Result<> check_given(std::vector<x509::Certificate> const& given) {
  if (!given.empty()) return {};
  return Error(Errc::settings,
               "no certificate is among the files: give that of the key, and all above it up to the root");
}

// A token finds the public half by its label or id, and may have that of another key there.
Result<> check_itself(KeyHolder& key, x509::PublicKey const& certified) {
  auto const data = as_bytes("is the key of the token that of the certificate?");
  auto const algorithm = signature_algorithm(certified);
  TRY(auto const signature, key.sign(algorithm.hash, data));
  if (certified.verify(algorithm.hash, data, signature)) return {};
  return Error(Errc::settings,
               "the token's private key is not that of the certificate, though the public key beside it is: what it "
               "signs does not verify; give the two halves of one key the same id, or name the right one");
}

}  // namespace

Result<IssuerImport> judge_import(x509::Bundle bundle, Time now) {
  TRY(auto key, take_only_key(bundle));
  CHECK_OK(check_given(bundle.certificates));
  TRY(auto verdict, judge_parent_chain(bundle.certificates, key.public_key(), now, KeyOrigin::imported));
  return IssuerImport{std::move(key), std::move(verdict)};
}

Result<> install_import(std::string const& state_dir, IssuerImport const& made, std::string const& request,
                        SecretBytes const& passphrase) {
  CHECK_OK(settle_chain(state_dir));
  auto const key_place = key_file(state_dir);
  CHECK_OK(check_follows(state_dir, made.verdict.issuing));
  TRY(auto before, read_file(key_place));
  SecretBytes const former{std::string_view(before)};
  OPENSSL_cleanse(before.data(), before.size());
  if (auto const opened = x509::PrivateKey::from_pem(former.text(), passphrase); !opened.ok())
    return Error(opened.error()).with_context(key_place + ", which is to be replaced: ");
  std::vector<ReplacedFile> files{{key_place, made.key.to_encrypted_pem(passphrase), 0600},
                                  {request_file(state_dir), request, 0644}};
  for (auto& file : chain_files(state_dir, made.verdict.issuing, made.verdict.above)) files.push_back(std::move(file));
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return replace_files(files);
}

Result<ParentVerdict> judge_token_import(std::vector<x509::Certificate> const& given, KeyHolder& key, Time now) {
  CHECK_OK(check_given(given));
  TRY(auto verdict, judge_parent_chain(given, key.public_key(), now, KeyOrigin::imported));
  CHECK_OK(check_itself(key, verdict.issuing.key()));
  return verdict;
}

Result<> install_token_import(std::string const& state_dir, ParentVerdict const& verdict, std::string const& request,
                              std::optional<ReplacedFile> settings) {
  CHECK_OK(settle_chain(state_dir));
  CHECK_OK(check_follows(state_dir, verdict.issuing));
  std::vector<ReplacedFile> files;
  if (settings) files.push_back(*std::move(settings));
  files.push_back({request_file(state_dir), request, 0644});
  for (auto& file : chain_files(state_dir, verdict.issuing, verdict.above)) files.push_back(std::move(file));
  TRY(auto const owner, owner_of(state_dir));
  TRY(auto const its_owner, ActingAs::begin(owner));
  return replace_files(files);
}

}  // namespace lenscap::ca
