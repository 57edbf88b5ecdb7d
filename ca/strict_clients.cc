#include "ca/strict_clients.h"

#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <set>

#include "ca/template.h"

namespace lenscap::ca {
namespace {

// Borrows its members.
void free_stack(STACK_OF(X509) * stack) { sk_X509_free(stack); }
using StackPtr = ossl::Ptr<STACK_OF(X509), free_stack>;

// An answer about one certificate: its place in the chain, from the probe on, or -1 for the chain as a whole.
using Finding = std::pair<int, int>;

// The verifier goes on whatever it finds, so that everything is found.
int note(int ok, X509_STORE_CTX* context) {
  if (ok == 1) return 1;
  auto* findings = static_cast<std::set<Finding>*>(X509_STORE_CTX_get_app_data(context));
  int const error = X509_STORE_CTX_get_error(context);
  // The search for policies is about no certificate by itself.
  bool const is_whole = error == X509_V_ERR_NO_EXPLICIT_POLICY || X509_STORE_CTX_get_current_cert(context) == nullptr;
  findings->emplace(is_whole ? -1 : X509_STORE_CTX_get_error_depth(context), error);
  return 1;
}

// Without names, without policies, and with octets for a signature: what is wrong with the probe itself is not asked.
x509::Certificate make_probe(x509::Certificate const& issuing, Time now) {
  Template const what{.serial = new_serial(now),
                      .issuer_name = issuing.subject_der(),
                      .subject_name = encode_name("", ""),
                      .common_name = {},
                      .not_before = now,
                      .not_after = now + Seconds(60),
                      .key = issuing.key(),
                      .names = {},
                      .path_length = {},
                      .extended_key_usage = {ExtendedKeyUsage::server_auth},
                      .authority_key_id = issuing.subject_key_id(),
                      .ca_issuers_url = {},
                      .name_constraints = {}};
  auto const algorithm = signature_algorithm(issuing.key());
  return x509::Certificate::from_der(assemble_certificate(encode_tbs(what, algorithm), algorithm, Bytes(64))).value();
}

std::set<Finding> ask(x509::Certificate const& probe, x509::Certificate const& issuing,
                      std::vector<x509::Certificate> const& above, Time now, unsigned long flags) {
  ossl::QuietErrors const quiet;
  ossl::X509StorePtr const store(X509_STORE_new());
  StackPtr const untrusted(sk_X509_new_null());
  ossl::X509StoreCtxPtr const context(X509_STORE_CTX_new());
  ossl::check(store && untrusted && context, "X509_STORE");
  ossl::check(X509_STORE_add_cert(store.get(), above.back().native()) == 1, "X509_STORE_add_cert");
  ossl::check(sk_X509_push(untrusted.get(), issuing.native()) > 0, "sk_X509_push");
  for (std::size_t i = 0; i + 1 < above.size(); ++i)
    ossl::check(sk_X509_push(untrusted.get(), above[i].native()) > 0, "sk_X509_push");
  ossl::check(X509_STORE_CTX_init(context.get(), store.get(), probe.native(), untrusted.get()) == 1,
              "X509_STORE_CTX_init");
  auto* const param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(param, static_cast<time_t>(to_unix(now)));
  ossl::check(X509_VERIFY_PARAM_set_flags(param, flags) == 1, "X509_VERIFY_PARAM_set_flags");
  ossl::check(X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER) == 1, "X509_VERIFY_PARAM_set_purpose");
  std::set<Finding> findings;
  X509_STORE_CTX_set_app_data(context.get(), &findings);
  X509_STORE_CTX_set_verify_cb(context.get(), note);
  static_cast<void>(X509_verify_cert(context.get()));  // the callback has it all
  return findings;
}

std::string words_for(int error) {
  switch (error) {
    case X509_V_ERR_CA_BCONS_NOT_CRITICAL:
      return "has basicConstraints that are not critical";
    case X509_V_ERR_CA_CERT_MISSING_KEY_USAGE:
      return "has no key usage, which a CA has to have";
    case X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER:
      return "has no authority key identifier";
    case X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER:
      return "has no subject key identifier";
    case X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL:
      return "has a critical authority key identifier";
    case X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL:
      return "has a critical subject key identifier";
    case X509_V_ERR_NO_EXPLICIT_POLICY:
      return "demands that certificates name a policy, and those of this CA name none";
    default:
      return std::string("is refused by OpenSSL: ") + X509_verify_cert_error_string(error);
  }
}

}  // namespace

std::vector<Objection> objections_to(x509::Certificate const& issuing, std::vector<x509::Certificate> const& above,
                                     Time now) {
  auto const probe = make_probe(issuing, now);
  auto const by_all = ask(probe, issuing, above, now, X509_V_FLAG_POLICY_CHECK);
  auto const by_some = ask(probe, issuing, above, now, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_X509_STRICT);
  std::vector<Objection> all;
  auto const add = [&](Finding const& finding, bool is_by_all) {
    auto const& [depth, error] = finding;
    if (depth == 0) return;
    std::string whose = "the chain";
    if (depth == 1) whose = "the certificate of " + issuing.subject();
    if (depth > 1 && static_cast<std::size_t>(depth) - 2 < above.size())
      whose = "the certificate of " + above[static_cast<std::size_t>(depth) - 2].subject();
    all.push_back({std::move(whose), words_for(error), is_by_all});
  };
  for (auto const& finding : by_all) add(finding, true);
  for (auto const& finding : by_some)
    if (!by_all.contains(finding)) add(finding, false);
  return all;
}

}  // namespace lenscap::ca
