#include "ca/chain.h"

#include "ca/der.h"

namespace lenscap::ca {

IssuerChain::IssuerChain(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above) {
  std::vector<x509::Certificate> all{issuing};
  all.insert(all.end(), above.begin(), above.end());
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i + 1 == all.size()) below_root_ = with_root_;
    with_root_.pem += all[i].pem();
    with_root_.der.insert(with_root_.der.end(), all[i].der().begin(), all[i].der().end());
  }
}

std::string IssuerChain::pem(x509::Certificate const& leaf, ChainEnd end) const { return leaf.pem() + above(end).pem; }

Bytes IssuerChain::pkcs7(x509::Certificate const& leaf, ChainEnd end) const {
  auto const certificates = der::element(der::context_constructed(0), {leaf.der(), above(end).der});
  auto const no_digests = der::element(der::kSet, ByteView());
  auto const& no_signers = no_digests;
  auto const no_content = der::sequence({der::oid("1.2.840.113549.1.7.1")});
  auto const signed_data =
      der::sequence({der::small_integer(1), no_digests, no_content, certificates, no_signers});  // RFC 5652 5.1
  return der::sequence(
      {der::oid("1.2.840.113549.1.7.2"), der::element(der::context_constructed(0), ByteView(signed_data))});
}

}  // namespace lenscap::ca
