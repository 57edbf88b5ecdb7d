#include "ca/issued_by.h"

namespace lenscap::ca {

bool is_issued_by(x509::Certificate const& certificate, x509::Certificate const& issuer) {
  return X509_NAME_cmp(X509_get_issuer_name(certificate.native()), X509_get_subject_name(issuer.native())) == 0 &&
         certificate.is_signed_by(issuer.key());
}

}  // namespace lenscap::ca
