// GnuTLS in this process as a judge of chains: what `certtool --verify` does, a hundred times as often in a second.
#pragma once

#include <gnutls/x509.h>

#include <vector>

#include "base/x509/certificate.h"

namespace lenscap::ca::test {

// Does `leaf` chain through `intermediates` to `root` at `now`? Name constraints and all; no purpose is asked for.
inline bool gnutls_accepts(x509::Certificate const& leaf, std::vector<x509::Certificate> const& intermediates,
                           x509::Certificate const& root, Time now) {
  static time_t clock;
  clock = static_cast<time_t>(to_unix(now));
  gnutls_global_set_time_function([](time_t* out) {
    if (out != nullptr) *out = clock;
    return clock;
  });
  auto const import = [](x509::Certificate const& certificate) {
    gnutls_x509_crt_t out = nullptr;
    auto der = certificate.der();
    gnutls_datum_t const octets{der.data(), static_cast<unsigned>(der.size())};
    ossl::check(gnutls_x509_crt_init(&out) == 0 && gnutls_x509_crt_import(out, &octets, GNUTLS_X509_FMT_DER) == 0,
                "gnutls_x509_crt_import");
    return out;
  };
  std::vector<gnutls_x509_crt_t> chain{import(leaf)};
  for (auto const& each : intermediates) chain.push_back(import(each));
  gnutls_x509_crt_t anchor = import(root);
  gnutls_x509_trust_list_t list = nullptr;
  ossl::check(gnutls_x509_trust_list_init(&list, 1) == 0, "gnutls_x509_trust_list_init");
  ossl::check(gnutls_x509_trust_list_add_cas(list, &anchor, 1, 0) == 1, "gnutls_x509_trust_list_add_cas");
  unsigned status = GNUTLS_CERT_INVALID;
  int const rc =
      gnutls_x509_trust_list_verify_crt(list, chain.data(), static_cast<unsigned>(chain.size()), 0, &status, nullptr);
  gnutls_x509_trust_list_deinit(list, 0);
  gnutls_x509_crt_deinit(anchor);
  for (auto* each : chain) gnutls_x509_crt_deinit(each);
  return rc == 0 && status == 0;
}

}  // namespace lenscap::ca::test
