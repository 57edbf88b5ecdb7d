#include "ca/issuer_import.h"

#include "base/acting_as.h"
#include "base/file.h"
#include "ca/certify_below.h"
#include "ca/installed_chain.h"

namespace lenscap::ca {

Result<IssuerImport> judge_import(x509::Bundle bundle, Time now) {
  TRY(auto key, take_only_key(bundle));
  if (bundle.certificates.empty())
    return Error(Errc::settings,
                 "no certificate is among the files: give that of the key, and all above it up to the root");
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
  ActingAs const its_owner(owner);
  return replace_files(files);
}

}  // namespace lenscap::ca
