#include "acme/server/terms.h"

#include "acme/server/respond.h"
#include "acme/server/urls.h"
#include "acme/wire/names.h"

namespace lenscap::acme {
namespace {

constexpr std::string_view kContext = "terms-of-service";
constexpr std::string_view kSealed = "sealed:v1:";  // what every seal begins with; a path is shorter without it

}  // namespace

std::string make_terms_token(Sealer const& sealer, TermsLink const& link) {
  auto const sealed = sealer.seal(SecretBytes(std::string_view(link.account + "\n" + link.terms)), kContext);
  return sealed.substr(kSealed.size());
}

std::optional<TermsLink> read_terms_token(Sealer const& sealer, std::string_view token) {
  auto const opened = sealer.open(std::string(kSealed) + std::string(token), kContext);
  if (!opened) return std::nullopt;
  auto const text = opened->text();
  auto const end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  return TermsLink{std::string(text.substr(0, end)), std::string(text.substr(end + 1))};
}

net::Response terms_refusal(Error error, std::string_view request_id, Account const* account, Urls const& urls,
                            Sealer const& sealer) {
  auto const terms = error.url;
  if (account != nullptr) error.url = urls.terms_page(make_terms_token(sealer, {account->id, terms}));
  auto response = problem_response(error, request_id);
  add_link(response, terms, names::kRelTermsOfService);
  return response;
}

}  // namespace lenscap::acme
