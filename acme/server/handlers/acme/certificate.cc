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

// The chains of a certificate, by the number at the end of their URLs: the first has none. Those of one way up follow
// each other, below its root and with it; the settings say which of the two comes first.
struct Chains {
  std::vector<ca::IssuerChain> const& ways;
  bool root_first = false;

  std::size_t count() const { return 2 * ways.size(); }
  ca::IssuerChain const& way(std::size_t number) const { return ways[number / 2]; }
  ca::ChainEnd end(std::size_t number) const {
    return (number % 2 == 0) == root_first ? ca::ChainEnd::root : ca::ChainEnd::below_root;
  }
};

// One digit, and not 0, which has no URL of its own.
std::optional<std::size_t> chain_number(std::string_view text) {
  if (text.size() != 1 || text[0] < '1' || text[0] > '9') return std::nullopt;
  return static_cast<std::size_t>(text[0] - '0');
}

enum class Form { pem, der, pkcs7, pkcs7_by_old_name };

// In the order of Form. The first is for whoever does not say, and for who asks for what there is not.
constexpr net::MediaType kForms[] = {
    {names::kPemChain},
    {names::kPkixCert},
    {names::kPkcs7, "smime-type", "certs-only"},
    {names::kPkcs7Certificates},
};

Form form_for(std::string_view accept) { return static_cast<Form>(net::choose_media_type(accept, kForms).value_or(0)); }

net::Response in_form(App const& app, Form form, x509::Certificate const& leaf, ca::IssuerChain const& chain,
                      ca::ChainEnd end) {
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
  auto const number = chain == request.params.end() ? std::optional<std::size_t>(0) : chain_number(chain->second);
  if (!number) co_return not_found();
  auto load = [&](store::ReadTxn& txn) -> Result<x509::Certificate> {
    if (serial.size() > 40) return not_found();  // 20 octets
    auto const record = ca::find_by_serial(txn, serial);
    if (!record || record->subscriber != request.account().id) return not_found();  // 8555-7.4.2-2
    auto found = ca::find_certificate(txn, serial);
    if (!found) return not_found();
    return *std::move(found);
  };
  CO_TRY(auto const leaf, co_await app.db.read(load));
  Chains const chains{app.authority->chains_of(leaf), app.settings.root_in_chain};
  if (*number >= chains.count()) co_return not_found();
  auto response = in_form(app, form_for(request.accept), leaf, chains.way(*number), chains.end(*number));
  auto const own = app.settings.urls.certificate(serial);
  for (std::size_t other = 0; other < chains.count(); ++other)  // 8555-7.4.2-1
    if (other != *number)
      add_link(response, other == 0 ? own : own + "/" + std::to_string(other), names::kRelAlternate);
  co_return response;
}

}  // namespace lenscap::acme
