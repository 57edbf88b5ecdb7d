#include "acme/server/kept_crls.h"

#include <sys/resource.h>

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

// Lists are to leave descriptors for connections. The lowest free number is the next one's, so that it tells how many
// there are.
bool takes_too_many(OpenFile const& file) {
  rlimit limit{};
  return ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || static_cast<rlim_t>(file.number()) > limit.rlim_cur / 4;
}

net::SharedBody from_memory(Bytes der) { return net::SharedBody(std::make_shared<Bytes const>(std::move(der))); }
net::SharedBody from_file(OpenFile file) { return net::SharedBody(std::make_shared<OpenFile const>(std::move(file))); }

}  // namespace

Result<net::SharedBody> KeptCrls::keep(std::string_view issuer, ca::SignedCrl const& list) const {
  CHECK_OK(make_directory(directory_));
  CHECK_OK(make_directory(directory_of(issuer)));
  auto const name = file_of(issuer, list.scope);
  CHECK_OK(write_file(name, as_text(list.der), 0600));
  if (list.der.size() <= kFromMemoryMax) return from_memory(list.der);
  TRY(auto file, OpenFile::open(name));
  if (takes_too_many(file)) return from_memory(list.der);
  if (file.size() != list.der.size()) return Error(Errc::file, name + " is not what was written there");
  return from_file(std::move(file));
}

Result<net::SharedBody> KeptCrls::find(ca::Issuer const& issuer, std::string const& scope,
                                       ca::SignedCrlState const& state) const {
  auto const name = file_of(to_hex(issuer.certificate().subject_key_id()), scope);
  TRY(auto file, OpenFile::open(name));
  if (file.size() > ca::kCrlMessageBytesMax) return Error(Errc::malformed, name + " is longer than any list");
  Bytes der(file.size());
  if (!file.read_at(0, der)) return Error(Errc::file, "cannot read " + name);
  // A list of millions of entries is not taken apart: it is the one that the store knows by its signature.
  if (ca::crl_tag(der) != state.tag) return Error(Errc::malformed, name + " is not the last list that was signed");
  CHECK_OK(check_signature(der, issuer));
  return der.size() > kFromMemoryMax && !takes_too_many(file) ? from_file(std::move(file))
                                                              : from_memory(std::move(der));
}

}  // namespace lenscap::acme
