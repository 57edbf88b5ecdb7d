#include "acme/server/kept_crls.h"

#include "base/directory.h"
#include "base/file.h"
#include "base/x509/der.h"
#include "ca/issuer_messages.h"

namespace lenscap::acme {
namespace {

Result<> check_signature(ByteView der, ca::Issuer const& issuer) {
  x509::der::Reader whole(der, Errc::malformed, "a kept revocation list");
  TRY(auto list, whole.enter(x509::der::kSequence, "CertificateList"));
  CHECK_OK(whole.end());
  TRY(auto const tbs, list.next());
  CHECK_OK(list.next());  // the algorithm: the issuer's own
  TRY(auto const signature, list.bit_string("signature"));
  CHECK_OK(list.end());
  if (issuer.certificate().key().verify(issuer.algorithm().hash, tbs.whole, signature)) return {};
  return whole.refuse("its signature is not its issuer's");
}

}  // namespace

Result<> KeptCrls::keep(std::string_view issuer, ca::SignedCrl const& list) const {
  CHECK_OK(make_directory(directory_));
  CHECK_OK(make_directory(directory_of(issuer)));
  return write_file(file_of(issuer, list.scope), as_text(list.der), 0600);
}

Result<ca::SignedCrl> KeptCrls::find(ca::Issuer const& issuer, std::string const& scope,
                                     ca::SignedCrlState const& state) const {
  auto const file = file_of(to_hex(issuer.certificate().subject_key_id()), scope);
  TRY(auto const content, read_file(file, ca::kCrlMessageBytesMax));
  auto const der = as_bytes(content);
  // A list of millions of entries is not taken apart: it is the one that the store knows by its signature.
  if (ca::crl_tag(der) != state.tag) return Error(Errc::malformed, file + " is not the last list that was signed");
  CHECK_OK(check_signature(der, issuer));
  return ca::SignedCrl{scope, state, to_bytes(der), state.entries, state.tag};
}

}  // namespace lenscap::acme
