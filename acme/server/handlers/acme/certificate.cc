// A certificate for the account that ordered it: one of its chains, in one of the forms (RFC 8555 7.4.2). A chain ends
// below the root or with it; the settings say which of the two is the certificate's own URL, the other one's is below.
#include <algorithm>

#include "acme/server/app.h"
#include "acme/server/handlers/handlers.h"
#include "acme/server/records.h"
#include "acme/server/respond.h"
#include "acme/wire/names.h"
#include "base/net/accept.h"
#include "ca/ledger.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kOtherChain = "1";

enum class Form { pem, der, pkcs7, pkcs7_by_old_name };

// In the order of Form. The first is for whoever does not say, and for who asks for what there is not.
constexpr net::MediaType kForms[] = {
    {names::kPemChain},
    {names::kPkixCert},
    {names::kPkcs7, "smime-type", "certs-only"},
    {names::kPkcs7Certificates},
};

Form form_for(std::string_view accept) { return static_cast<Form>(net::choose_media_type(accept, kForms).value_or(0)); }

net::Response in_form(App const& app, Form form, x509::Certificate const& leaf, ca::ChainEnd end) {
  auto const& chain = app.authority->chain_of(leaf);
  auto const pkcs7 = [&] { return std::string(as_text(chain.pkcs7(leaf, end))); };
  switch (form) {
    case Form::pem:
      return bytes_response(200, names::kPemChain, chain.pem(leaf, end));  // 8555-9.1-1
    case Form::der: {
      auto response = bytes_response(200, names::kPkixCert, std::string(as_text(leaf.der())));
      auto const* by = app.authority->issuer_of(leaf);
      auto const& above = by != nullptr ? by->issuer->certificate() : app.authority->issuing_certificate();
      add_link(response, app.settings.urls.of_target(ca::aia_path(above)), names::kRelUp);
      return response;
    }
    case Form::pkcs7:
      return bytes_response(200, names::kPkcs7CertsOnly, pkcs7());
    case Form::pkcs7_by_old_name:
      return bytes_response(200, names::kPkcs7Certificates, pkcs7());
  }
  bug("a form that is none");
}

}  // namespace

net::Awaitable<Result<net::Response>> certificate(App& app, SignedRequest const& request) {
  if (!request.is_post_as_get()) co_return Error(Errc::malformed, "a certificate takes no payload: send an empty one");
  auto const& serial = request.params.at("certificate");
  auto const chain = std::ranges::find(request.params, "chain", &std::pair<std::string, std::string>::first);
  bool const is_other = chain != request.params.end();
  if (is_other && chain->second != kOtherChain) co_return not_found();
  auto load = [&](store::ReadTxn& txn) -> Result<x509::Certificate> {
    if (serial.size() > 40) return not_found();  // 20 octets
    auto const record = ca::find_by_serial(txn, serial);
    if (!record || record->subscriber != request.account().id) return not_found();  // 8555-7.4.2-2
    auto found = ca::find_certificate(txn, serial);
    if (!found) return not_found();
    return *std::move(found);
  };
  CO_TRY(auto const leaf, co_await app.db.read(load));
  auto const end = app.settings.root_in_chain == is_other ? ca::ChainEnd::below_root : ca::ChainEnd::root;
  auto response = in_form(app, form_for(request.accept), leaf, end);
  auto const own = app.settings.urls.certificate(serial);
  add_link(response, is_other ? own : own + "/" + std::string(kOtherChain), names::kRelAlternate);  // 8555-7.4.2-1
  co_return response;
}

}  // namespace lenscap::acme
